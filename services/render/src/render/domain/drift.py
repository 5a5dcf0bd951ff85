"""Whether a talent's released pictures still look like her: a running mean and its band.

A control chart of means (Shewhart 1931): the report of the twin says how far close-ups lie from
her and how much they scatter; the mean of n pictures scatters by the square root of n less.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 20
"""Close-ups the running mean is taken over, newest first."""
LEAST = 4
"""Close-ups below which nothing is said."""
SIGMAS = 3.0
LEAST_DEVIATION = 0.01
"""Scatter below which no report is believed; distances are rarely surer."""


@dataclass(frozen=True, slots=True)
class Score:
    """How near one picture is to its talent.

    Attributes:
        distance: to the mean of her held-out photos, unitless; None without a face.
        mean, deviation: of the twin's report, what is expected.
    """

    twin_version_id: str
    framing: str
    distance: float | None
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The running mean, and the band it belongs in."""

    mean: float
    low: float
    high: float
    pictures: int

    @property
    def is_out(self) -> bool:
        """Tell whether the mean has left its band; its ends belong to it."""
        return not self.low <= self.mean <= self.high


def stand(scores: Sequence[Score]) -> Standing | None:
    """Return where released pictures of a talent stand, newest first; None while too few.

    Only close-ups with a face count: that is what the report measured.
    """
    close = [one for one in scores if one.framing == "face" and one.distance is not None]
    close = close[:WINDOW]
    if len(close) < LEAST:
        return None
    count = len(close)
    mean = math.fsum(one.distance or 0.0 for one in close) / count
    expected = math.fsum(one.mean for one in close) / count
    deviation = max(math.fsum(one.deviation for one in close) / count, LEAST_DEVIATION)
    reach = SIGMAS * deviation / math.sqrt(count)
    return Standing(mean, expected - reach, expected + reach, count)


def find_drift(scores: Sequence[Score]) -> Standing | None:
    """Return the standing if the newest picture moved it out of its band, else None.

    A mean that stays out is told once.
    """
    now, before = stand(scores), stand(scores[1:])
    if now is None or not now.is_out:
        return None
    return None if before is not None and before.is_out else now
