"""Successions: whom a talent names, while she lives, to act for her once she has died."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

MOST_SUCCESSORS = 10


class SuccessionNotFound(NotFound):
    """No such succession, or none the caller may know of."""

    reason = "SUCCESSION_NOT_FOUND"


class SuccessionNotProposed(FailedPrecondition):
    """It was signed before, or a newer one was."""

    reason = "SUCCESSION_NOT_PROPOSED"


class State(StrEnum):
    """Where a succession stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Succession:
    """One version of whom a talent names; a version is never edited."""

    id: str
    talent_id: str
    version: int
    state: State
    successor_ids: tuple[str, ...]
    statement: bytes
    proposed_at: datetime
    signed_at: datetime | None = None
    ended_at: datetime | None = None
    receipt_id: str = ""


def check_successors(successor_ids: Sequence[str]) -> tuple[str, ...]:
    """Return whom she names, sorted; nobody is an answer too. Raises FieldInvalid."""
    if len(successor_ids) > MOST_SUCCESSORS or len(set(successor_ids)) != len(successor_ids):
        raise FieldInvalid("successor_ids", f"must name up to {MOST_SUCCESSORS}, each once")
    for index, one in enumerate(successor_ids):
        fields.check_id("pty", one, f"successor_ids[{index}]", what="a successor")
    return tuple(sorted(successor_ids))


def sign(
    succession: Succession, live: Succession | None, *, receipt_id: str, now: datetime
) -> Succession:
    """Put a succession in force; `live` is the one it takes the place of, if any.

    Raises:
        SuccessionNotProposed: it was signed before, or is the older of the two.
    """
    known = {"successionId": succession.id}
    if succession.state is not State.PROPOSED:
        raise SuccessionNotProposed(f"succession {succession.id} is {succession.state}", **known)
    if live is not None and live.version > succession.version:
        raise SuccessionNotProposed(f"version {live.version} was signed meanwhile", **known)
    return replace(succession, state=State.ACTIVE, signed_at=now, receipt_id=receipt_id)


def supersede(live: Succession, *, now: datetime) -> Succession:
    """End one that is in force for a newer one."""
    return replace(live, state=State.SUPERSEDED, ended_at=now)


def choose(said: Sequence[str], live: Succession | None) -> tuple[str, ...]:
    """Return who succeeds a talent who died: of whom she named, if she named anybody.

    Raises:
        FieldInvalid: somebody is said whom she did not name.
    """
    if live is None or not live.successor_ids:
        return tuple(said)
    for index, one in enumerate(said):
        if one not in live.successor_ids:
            raise FieldInvalid(f"successor_ids[{index}]", "must be somebody she named herself")
    return tuple(said) or live.successor_ids


def say(succession: Succession, names: dict[str, str]) -> dict[str, Any]:
    """Return what the talent signs: whom she names, by id and name."""
    return {
        "type": "sosia.succession/1",
        "succession_id": succession.id,
        "talent_id": succession.talent_id,
        "version": succession.version,
        "successors": [{"party_id": one, "name": names[one]} for one in succession.successor_ids],
        "may": ["approve", "withdraw", "end"],
        "may_not": ["widen what she consented to"],
    }
