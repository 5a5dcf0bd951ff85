"""What people said of a picture over time, drawn here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from kit.errors import NotFound, PermissionDenied, Unauthenticated

from gateway.clients import Calls

_MOST_DAYS = 60
_WIDTH, _HEIGHT, _FOOT = 600.0, 120.0, 18.0
_WIDEST = 28.0  # of a column; a day alone is no wall
_SCORES = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's column: how many gave one score."""

    score: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns of the last days, one unit of height a voice; units are those of the viewBox."""

    bars: list[Bar]
    first: str
    last: str
    most: int
    width: float = _WIDTH
    height: float = _HEIGHT
    foot: float = _FOOT


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in all.

    Attributes:
        counts: how many gave 1 to 5.
        mean: of the scores, with one decimal; empty where nobody said anything.
    """

    counts: list[int]
    mean: str
    chart: Chart | None
    remarks: list[Any]


async def gather(calls: Calls, render: Any) -> Said | None:
    """Return what was said of a picture; None where it is not out, or not the caller's to see."""
    if not render.released_at.seconds:
        return None
    try:
        found = await calls.ask("render", "ListReactions", render_id=render.id)
    except (NotFound, PermissionDenied, Unauthenticated):
        return None
    return tell(found.days, list(found.remarks))


def tell(days: Sequence[Any], remarks: list[Any]) -> Said:
    """Sum up days and draw them."""
    counts = [sum(day.counts[place] for day in days) for place in range(_SCORES)]
    voices = sum(counts)
    points = sum(score * count for score, count in enumerate(counts, 1))
    mean = f"{points / voices:.1f}" if voices else ""
    return Said(counts, mean, draw(days) if voices else None, remarks)


def draw(days: Sequence[Any]) -> Chart:
    """Draw a column a day, the last 60 from the first on which anything was said."""
    by_day = {date.fromisoformat(day.day): list(day.counts) for day in days}
    last = max(by_day)
    first = max(min(by_day), last - timedelta(days=_MOST_DAYS - 1))
    shown = (last - first).days + 1
    most = max(sum(counts) for day, counts in by_day.items() if day >= first)
    slot = min(_WIDTH / shown, _WIDEST)
    bars = []
    for place in range(shown):
        top = _HEIGHT
        for score, count in enumerate(by_day.get(first + timedelta(days=place), ()), 1):
            height = _HEIGHT * count / most
            top -= height
            if count:
                box = (place * slot, top, slot * 0.8, height)
                bars.append(Bar(score, *(round(one, 2) for one in box)))
    return Chart(bars, first.isoformat(), last.isoformat(), most)
