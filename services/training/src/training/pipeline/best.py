"""Which checkpoint is the twin, and when training has nothing more to give: pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

RISE = 0.005
"""Distance by which she must have come nearer for it to count; six close-ups say no more."""
LEEWAY = 0.25
"""Share of prompts that may be missed more than at the best look: one of six is chance."""
PATIENCE = 2
"""Looks without a rise after which training ends; the rate still falls, so not at the first."""
_FIRST, _LOOKS = 0.4, 5
_NEVER = 9.9


class Ended(StrEnum):
    """Why a run took no more steps."""

    STEPS = "all steps were taken"
    LIKENESS = "likeness no longer rose"
    PROMPTS = "prompts were followed less"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a look at a twin in training said.

    Attributes:
        step: after which it was made.
        own: mean distance of quick close-ups to her photos, smaller is nearer; None: no face.
        obeyed: share of quick close-ups that show what was asked, in [0, 1].
    """

    step: int
    own: float | None
    obeyed: float


def best_of(marks: Sequence[Mark]) -> Mark | None:
    """Return the mark nearest to her among those that follow prompts; of equals the latest."""
    if not marks:
        return None
    floor = _floor(marks)
    return min(
        (mark for mark in marks if mark.obeyed >= floor),
        key=lambda mark: (_distance(mark), -mark.step),
    )


def why_end(marks: Sequence[Mark]) -> Ended | None:
    """Return why training should end after the last mark, if it should.

    Ends where the last two looks both follow prompts less than the best did by more than the
    leeway, or where the last `PATIENCE` looks came no nearer than the best before them. While no
    face was ever seen nothing is known of likeness.
    """
    floor = _floor(marks)
    if len(marks) > 2 and all(mark.obeyed < floor for mark in marks[-2:]):
        return Ended.PROMPTS
    before = [_distance(mark) for mark in marks[:-PATIENCE]]
    if before and min(before) < _NEVER:
        nearest = min(before)
        if all(_distance(mark) > nearest - RISE for mark in marks[-PATIENCE:]):
            return Ended.LIKENESS
    return None


def looks(steps: int, *, apart: int) -> set[int]:
    """Return after which steps of a run to look: from two fifths on and at its end.

    Five times, fewer where looks would be less than `apart` steps from each other: nothing new
    would be seen. Before two fifths nobody is herself yet.
    """
    late = steps * (1 - _FIRST)
    count = max(1, min(_LOOKS, 1 + int(late // apart)))
    between = late / max(1, count - 1)
    return {max(1, round(steps - between * number)) for number in range(count)}


def _floor(marks: Sequence[Mark]) -> float:
    return max((mark.obeyed for mark in marks), default=0.0) - LEEWAY


def _distance(mark: Mark) -> float:
    return _NEVER if mark.own is None else mark.own
