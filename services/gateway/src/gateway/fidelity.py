"""A twin version's fidelity report as a page shows it: plots in numbers an SVG takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SIDE = 240
"""Units of a plot's sides; its frame leaves room for labels around."""
ENDS = (0.2, 0.8)
"""Distances the plot of close-ups reaches from and to; one person's photos lie at 0.2 to 0.4."""
_STATES = {
    1: ("Never measured", "It may not be rendered."),
    2: ("She is herself", "Every gate holds: it may be rendered for a license."),
    3: ("Not her yet", "It is below a bar and may not be rendered, unless she accepts it herself."),
    4: ("Accepted by her", "It is below a bar. She signed the figures and lets it be rendered."),
}
_PASSED = 2
_LOWER = (
    "As good as its base can",
    "It passes the lower bar of its base, not the house’s own, and may be rendered for a license.",
)
_GATES = {
    "identity": "Renders within the 1 % false-accept threshold",
    "separation": "Renders nearer to somebody else",
}


@dataclass(frozen=True, slots=True)
class Dot:
    """One render: distance to her across, to the nearest other upwards."""

    x: float
    y: float
    wrong: bool
    title: str


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate in words."""

    words: str
    figure: str
    bar: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """Everything of a report that is drawn or put into words."""

    word: str
    sense: str
    is_good: bool
    """It passes the house's own bar, not only one that its base was given."""
    gates: tuple[GateLine, ...]
    roc: str
    photos_roc: str
    dots: tuple[Dot, ...]
    threshold: float
    unseen: int


def draw(report: Any) -> Drawn:
    """Return how a FidelityReport is shown."""
    word, sense = _STATES.get(report.verdict.state, ("", ""))
    if report.verdict.state == _PASSED and report.verdict.family:
        word, sense = _LOWER
    seen = [one for one in report.close_ups if one.HasField("own")]
    return Drawn(
        word=word,
        is_good=report.verdict.state == _PASSED and not report.verdict.family,
        sense=sense,
        gates=tuple(_gate(gate) for gate in report.verdict.gates),
        roc=_path(report.roc),
        photos_roc=_path(report.photos_roc),
        dots=tuple(_dot(one) for one in seen),
        threshold=_along(_near(report.threshold)),
        unseen=len(report.close_ups) - len(seen),
    )


def percent(share: float) -> str:
    """Write a share as people read it; never rounded up to a whole."""
    return f"{int(share * 1000) / 10:.3g} %"


def _gate(gate: Any) -> GateLine:
    way = "at least" if gate.at_least else "at most"
    return GateLine(
        _GATES.get(gate.name, gate.name),
        percent(gate.figure),
        f"{way} {percent(gate.bar)}",
        gate.holds,
    )


def _dot(one: Any) -> Dot:
    title = f"{one.view} view, {one.light} light: {one.own:.2f} to her"
    other = one.other if one.HasField("other") else 1.0
    told = f"{title}, {other:.2f} to the nearest other"
    return Dot(_along(_near(one.own)), _up(_near(other)), other <= one.own, told)


def _near(distance: float) -> float:
    """Return where a distance is between the plot's ends, 0 to 1."""
    low, high = ENDS
    return (distance - low) / (high - low)


def _path(points: Iterable[Any]) -> str:
    """Return the points of a polyline: false accepts across, true accepts upwards."""
    return " ".join(f"{_along(one.false_accepts)},{_up(one.true_accepts)}" for one in points)


def _along(value: float) -> float:
    return round(SIDE * min(1.0, max(0.0, value)), 1)


def _up(value: float) -> float:
    return round(SIDE - _along(value), 1)
