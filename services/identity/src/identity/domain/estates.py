"""Estates of talents who died: opened on evidence, signed by successors, settled after a wait.

Until it is settled everything is frozen. Then what she consented to goes on and her successors may
approve, withdraw and end; nothing she did not consent to is ever added.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

from identity.domain import reading, successions

_MOST_SUCCESSORS = successions.MOST_SUCCESSORS


class EstateNotFound(NotFound):
    """No such estate, or none the caller may know of."""

    reason = "ESTATE_NOT_FOUND"


class EstateOpen(FailedPrecondition):
    """The talent has an estate already."""

    reason = "ESTATE_OPEN"


class EstateNotWaiting(FailedPrecondition):
    """It was settled or stopped before."""

    reason = "ESTATE_NOT_WAITING"


class EstateWaits(FailedPrecondition):
    """The wait is not over."""

    reason = "ESTATE_WAITS"


class EstateNotAccepted(FailedPrecondition):
    """A successor has not signed."""

    reason = "ESTATE_NOT_ACCEPTED"


class EstateFrozen(FailedPrecondition):
    """The talent died, and nobody may do this, or not yet."""

    reason = "ESTATE_FROZEN"


class State(StrEnum):
    """Where an estate stands."""

    WAITING = "waiting"
    SETTLED = "settled"
    STOPPED = "stopped"


class Life(StrEnum):
    """Whether a talent speaks for herself."""

    LIVING = "living"
    FROZEN = "frozen"
    """Her estate waits: nothing is allowed."""
    SUCCEEDED = "succeeded"
    """Her estate is settled: what she consented to goes on."""
    ERASED = "erased"
    """She had herself erased: nothing is ever allowed again."""


class Act(StrEnum):
    """What a signature would do."""

    GRANT = "grant"
    """Allow something new."""
    APPROVE = "approve"
    """Say yes or no to a picture under what was allowed."""
    NARROW = "narrow"
    """Withdraw or end."""


@dataclass(frozen=True, slots=True)
class Successor:
    """Somebody who acts for a talent who died."""

    party_id: str
    public_keys: tuple[bytes, ...]
    """Those named when the estate was opened, passkeys too; no other counts."""
    statement: bytes = b""
    accepted_at: datetime | None = None
    receipt_id: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """What staff says to open an estate."""

    talent_id: str
    died_on: str
    evidence: str
    evidence_sha256: str
    successor_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estate:
    """The estate of a talent who died."""

    id: str
    talent_id: str
    state: State
    evidence: str
    evidence_sha256: str
    died_on: date
    successors: tuple[Successor, ...]
    told: tuple[str, ...]
    """Who was told by event."""
    opened_by: str
    opened_at: datetime
    waits_until: datetime
    statement: bytes = b""
    objection_statement: bytes = b""
    receipt_id: str = ""
    settled_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_reason: str = ""
    succession_id: str = ""
    """The succession she signed that names the successors, if she named any."""


def check_opening(opening: Opening, *, now: datetime) -> tuple[str, date]:
    """Return the evidence in words, tidied, and the day of death.

    Raises:
        FieldInvalid: names the first field that is missing or malformed.
    """
    rule = 'must be a date as "YYYY-MM-DD" that is past'
    try:
        died_on = date.fromisoformat(opening.died_on)
    except ValueError as error:
        raise FieldInvalid("died_on", rule) from error
    if len(opening.died_on) != 10 or died_on > now.date():
        raise FieldInvalid("died_on", rule)
    evidence = fields.text(opening.evidence, "evidence", longest=200, lines=False)
    fields.check_sha256(opening.evidence_sha256, "evidence_sha256")
    ids = opening.successor_ids
    if not 1 <= len(ids) <= _MOST_SUCCESSORS or len(set(ids)) != len(ids):
        raise FieldInvalid("successor_ids", f"must name from 1 to {_MOST_SUCCESSORS}, each once")
    return reading.shown(evidence, "evidence"), died_on


def accept(
    estate: Estate, successor_id: str, *, receipt_id: str, now: datetime
) -> tuple[Estate, bool]:
    """Note a successor's signature; return whether it is a new one.

    Raises:
        EstateNotWaiting: it was settled or stopped before.
        FieldInvalid: the estate does not name them.
    """
    found = find_successor(estate, successor_id)
    if found.accepted_at is not None:
        return estate, False
    check_waiting(estate)
    signed = replace(found, accepted_at=now, receipt_id=receipt_id)
    successors = tuple(signed if one is found else one for one in estate.successors)
    return replace(estate, successors=successors), True


def find_successor(estate: Estate, successor_id: str) -> Successor:
    """Return a successor the estate names. Raises FieldInvalid."""
    for one in estate.successors:
        if one.party_id == successor_id:
            return one
    raise FieldInvalid("successor_id", "must be a successor the estate names")


def check_waiting(estate: Estate) -> None:
    """Check that an estate still waits. Raises EstateNotWaiting."""
    if estate.state is not State.WAITING:
        raise EstateNotWaiting(f"estate {estate.id} is {estate.state}", estateId=estate.id)


def settle(estate: Estate, *, now: datetime) -> Estate:
    """End the wait.

    Raises:
        EstateNotWaiting, EstateWaits, EstateNotAccepted: in this order.
    """
    check_waiting(estate)
    if now < estate.waits_until:
        raise EstateWaits(f"estate {estate.id} waits", until=estate.waits_until)
    missing = [one.party_id for one in estate.successors if one.accepted_at is None]
    if missing:
        raise EstateNotAccepted(f"{missing[0]} has not signed", missing=", ".join(missing))
    return replace(estate, state=State.SETTLED, settled_at=now)


def stop(estate: Estate, reason: str, *, objected: bool, now: datetime) -> Estate:
    """Undo an opening made in error: by her own objection at any time, else while it waits.

    Raises:
        FieldInvalid: no reason.
        EstateNotWaiting: it was stopped before; or settled, and she did not object herself.
    """
    reason = fields.text(reason, "reason", longest=500)
    if not (objected and estate.state is State.SETTLED):
        check_waiting(estate)
    return replace(estate, state=State.STOPPED, stopped_at=now, stop_reason=reason)


def life(estate: Estate | None) -> Life:
    """Say whether a talent speaks for herself, from the estate that is not stopped, if any."""
    if estate is None or estate.state is State.STOPPED:
        return Life.LIVING
    return Life.SUCCEEDED if estate.state is State.SETTLED else Life.FROZEN


def find_speakers(estate: Estate | None, act: Act) -> tuple[bool, tuple[Successor, ...]]:
    """Return whether a talent herself may do an act now, and who else may.

    Ending something is never refused: she may be alive. Allowing something new is hers alone.

    Raises:
        EstateFrozen: she died, and nobody may do this, or not yet.
    """
    stands = life(estate)
    if stands is Life.LIVING:
        return True, ()
    successors = estate.successors if estate and stands is Life.SUCCEEDED else ()
    if act is Act.NARROW:
        return True, successors
    if act is Act.GRANT or not successors:
        raise EstateFrozen(f"her estate is {stands}", act=act)
    return False, successors


def say_opened(estate: Estate) -> dict[str, Any]:
    """Return what the house signs to open it."""
    return {
        "type": "sosia.estate/1",
        "estate_id": estate.id,
        "talent_id": estate.talent_id,
        "died_on": estate.died_on.isoformat(),
        "evidence": estate.evidence,
        "evidence_sha256": estate.evidence_sha256,
        "successors": _say_successors(estate),
        "succession_id": estate.succession_id,
        "told": list(estate.told),
        "opened_by": estate.opened_by,
        "opened_at": estate.opened_at,
        "waits_until": estate.waits_until,
    }


def _say_successors(estate: Estate) -> list[dict[str, Any]]:
    return [
        {"party_id": one.party_id, "public_keys": [key.hex() for key in one.public_keys]}
        for one in estate.successors
    ]


def say_acceptance(estate: Estate, successor: Successor) -> dict[str, Any]:
    """Return what a successor signs."""
    return {
        "type": "sosia.estate-acceptance/1",
        "estate_id": estate.id,
        "talent_id": estate.talent_id,
        "successor_id": successor.party_id,
        "died_on": estate.died_on.isoformat(),
        "evidence_sha256": estate.evidence_sha256,
        "successors": _say_successors(estate),
        "each_acts_for_all": True,
        "may": ["approve", "withdraw", "end"],
        "may_not": ["widen what she consented to"],
    }


def say_objection(estate: Estate) -> dict[str, Any]:
    """Return what the talent signs if she lives."""
    return {
        "type": "sosia.estate-objection/1",
        "estate_id": estate.id,
        "talent_id": estate.talent_id,
    }


def say_settled(estate: Estate) -> dict[str, Any]:
    """Return what the house signs when the wait is over."""
    return {
        "type": "sosia.estate-settled/1",
        "estate_id": estate.id,
        "talent_id": estate.talent_id,
        "accepted": [
            {"party_id": one.party_id, "receipt_id": one.receipt_id} for one in estate.successors
        ],
        "waited_until": estate.waits_until,
        "settled_at": estate.settled_at,
    }


def say_stopped(estate: Estate) -> dict[str, Any]:
    """Return what the house signs when it stops an estate it opened in error."""
    return {
        "type": "sosia.estate-stopped/1",
        "estate_id": estate.id,
        "talent_id": estate.talent_id,
        "reason": estate.stop_reason,
        "stopped_at": estate.stopped_at,
    }
