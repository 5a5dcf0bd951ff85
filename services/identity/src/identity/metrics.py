"""What identity counts."""

from prometheus_client import Counter, Gauge

WITNESS_DISAGREES = Counter(
    "identity_witness_disagrees_total", "Heads a witness cosigned that this log does not have"
)
WITNESSED = Gauge(
    "identity_witnessed_size", "Leaves of the last head a witness cosigned", ["witness"]
)
