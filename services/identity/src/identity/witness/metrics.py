"""What a witness counts."""

from prometheus_client import Counter, Gauge

COSIGNED = Counter("witness_heads_cosigned_total", "Heads cosigned")
UNREACHED = Counter("witness_log_unreached_total", "Times the log did not answer with a head")
SECOND_HISTORIES = Counter(
    "witness_second_history_total", "Heads refused because they contradict one cosigned before"
)
SIZE = Gauge("witness_log_size", "Leaves of the last head cosigned")
COSIGNED_AT = Gauge("witness_cosigned_timestamp_seconds", "When a head was last cosigned")
