"""Takes of a shot: another one is asked for, one is chosen, one goes to approval."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kit import fields
from kit.errors import FailedPrecondition, ResourceExhausted

from render.domain import campaigns
from render.domain.campaigns import LARGEST_SEED, Brief, Shot
from render.domain.renders import Render, State, check_draft

MOST_TAKES = 20
"""Of one shot."""
_LONGEST_NOTE = 1000
_SETTLED = (State.APPROVED, State.RELEASED)


class TakeChosen(FailedPrecondition):
    """Another take of the shot is chosen."""

    reason = "TAKE_CHOSEN"


class TakeNotChosen(FailedPrecondition):
    """The take is not the chosen one of its shot."""

    reason = "TAKE_NOT_CHOSEN"


class TakeApproved(FailedPrecondition):
    """A take of the shot is approved."""

    reason = "TAKE_APPROVED"


class TakesSpent(ResourceExhausted):
    """The shot has as many takes as one may have."""

    reason = "TAKES_SPENT"


class Word(StrEnum):
    """What can be said of a take."""

    ANOTHER = "another"
    CHOSEN = "chosen"
    PUT_BACK = "put_back"
    APPROVED = "approved"
    RETAKE = "retake"
    REFUSED = "refused"
    LAPSED = "lapsed"
    OVERDUE = "overdue"
    """The director said nothing in time."""


@dataclass(frozen=True, slots=True)
class Note:
    """A word on a take; none is ever changed."""

    render_id: str
    word: Word
    note: str
    party_id: str
    """Empty when time said it."""
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Direction:
    """What the director wants otherwise; empty or None where it stays as it was."""

    note: str
    framing: str
    pose: str
    view: str
    lighting: str
    seed: int | None


def direct(brief: Brief, was: Shot, direction: Direction, *, drawn: int) -> Shot:
    """Return what another take is made from.

    Args:
        brief: what it is a take of.
        was: what the take before was made from.
        direction: what the director wants otherwise.
        drawn: the seed where the director names none.

    Raises:
        FieldInvalid: a word or the seed is none; the field is named as a direction has it.
    """
    wanted = Shot(
        was.product,
        direction.framing or was.framing,
        direction.pose or was.pose,
        direction.view or was.view,
        direction.lighting or was.lighting,
        drawn if direction.seed is None else direction.seed,
    )
    return campaigns.check_shot(wanted, products=len(brief.products))


def amend(brief: Brief, shot: int, made_from: Shot) -> Brief:
    """Return the brief as it would have been with that shot; its hash is not made anew."""
    shots = (*brief.shots[:shot], made_from, *brief.shots[shot + 1 :])
    return replace(brief, shots=shots)


def check_note(note: str, *, required: bool) -> str:
    """Return a note tidied. Raises FieldInvalid: too long, or none where one is required."""
    if required:
        return fields.text(note, "note", longest=_LONGEST_NOTE)
    return fields.optional_text(note, "note", longest=_LONGEST_NOTE)


def check_another(takes: Sequence[Render]) -> int:
    """Return the number of the next take of a shot.

    Args:
        takes: those there are, of which at most one is chosen.

    Raises:
        TakeApproved, TakesSpent: in this order.
    """
    for one in takes:
        if one.is_chosen and one.state in _SETTLED:
            raise TakeApproved(f"render {one.id} of this shot is approved", renderId=one.id)
    if len(takes) >= MOST_TAKES:
        raise TakesSpent(f"a shot has at most {MOST_TAKES} takes", takes=MOST_TAKES)
    return max((one.take.number for one in takes if one.take), default=0) + 1


def check_choice(render: Render, chosen_id: str) -> None:
    """Check that a take may be the chosen one of its shot.

    Raises:
        RenderNotDraft, TakeChosen: in this order.
    """
    check_draft(render)
    if chosen_id not in ("", render.id):
        raise TakeChosen(f"render {chosen_id} of this shot is chosen", renderId=chosen_id)


def check_put_back(render: Render, chosen_id: str) -> None:
    """Check that a take is chosen and not yet approved.

    Raises:
        RenderNotDraft, TakeNotChosen: in this order.
    """
    check_draft(render)
    if chosen_id != render.id:
        raise TakeNotChosen(f"render {render.id} is not chosen", renderId=render.id)


def draw_seed(*parts: str) -> int:
    """Return a seed that follows from what it is for, so that a repeat draws the same."""
    drawn = hashlib.sha256("/".join(parts).encode()).digest()
    return int.from_bytes(drawn[:8], "big") & LARGEST_SEED
