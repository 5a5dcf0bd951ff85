"""What render and its workers tell /metrics."""

from collections.abc import Mapping

from prometheus_client import Counter, Histogram

_QUICK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5)
_SLOW_S = (0.5, 1, 2, 3, 5, 10, 20, 40, 80, 160)

BATCH_SECONDS = Histogram(
    "render_batch_seconds", "From the words of a batch to its pixels", buckets=_SLOW_S
)
PICTURES = Counter("render_pictures_total", "Pictures made")
REDRAWN = Counter("render_redrawn_total", "Pictures drawn again, as face or marks were not hers")
MARKING_SECONDS = Histogram(
    "render_marking_seconds", "One picture, from its pixels to the file that leaves", ["step"],
    buckets=_QUICK_S,
)  # fmt: skip

DRIFTS = Counter(
    "render_likeness_drifts_total", "Talents whose released pictures came off their likeness"
)


def tell_marking(seconds: Mapping[str, float]) -> None:
    """Note how long each step of marking one picture took, and all of them."""
    for step, spent in {**seconds, "all": sum(seconds.values())}.items():
        MARKING_SECONDS.labels(step).observe(spent)
