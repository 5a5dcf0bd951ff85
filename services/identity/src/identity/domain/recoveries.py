"""Supervised re-enrolment: how somebody who lost a key comes to sign again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kit.errors import AlreadyExists, FailedPrecondition, NotFound

WAITS = timedelta(hours=72)
"""How long a recovery can be stopped before it takes effect; the database holds to it too."""


class RecoveryNotFound(NotFound):
    """No such recovery, or none the caller may know of."""

    reason = "RECOVERY_NOT_FOUND"


class RecoveryOver(FailedPrecondition):
    """The recovery was stopped or completed before."""

    reason = "RECOVERY_OVER"


class RecoveryWaits(FailedPrecondition):
    """A recovery that waits holds the key."""

    reason = "RECOVERY_WAITS"


class RecoveryUnderWay(AlreadyExists):
    """Another recovery of the party waits."""

    reason = "RECOVERY_UNDER_WAY"


class State(StrEnum):
    """What became of a recovery."""

    WAITING = "waiting"
    STOPPED = "stopped"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What staff says to start a recovery."""

    party_id: str
    reason: str
    asked_by: str
    """Who asked, and how staff knew them."""
    key_id: str
    lost_key_ids: tuple[str, ...]
    """Empty: all that sign."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery, from staff's word on."""

    id: str
    party_id: str
    state: State
    reason: str
    started_by: str
    started_at: datetime
    ready_at: datetime
    key_id: str
    """The new key, pending until then."""
    lost_key_ids: tuple[str, ...]
    told_party_ids: tuple[str, ...]
    receipt_id: str
    end_receipt_id: str = ""
    ended_at: datetime | None = None
    asked_by: str = ""


def end(recovery: Recovery, state: State, *, receipt_id: str, now: datetime) -> Recovery:
    """Stop or complete a recovery.

    Raises:
        RecoveryOver: it was ended before.
        RecoveryWaits: it is to be completed, and its time has not come.
    """
    if recovery.state is not State.WAITING:
        raise RecoveryOver(f"recovery {recovery.id} is {recovery.state}", recoveryId=recovery.id)
    if state is State.COMPLETED and now < recovery.ready_at:
        raise RecoveryWaits(f"recovery {recovery.id} waits", recoveryId=recovery.id)
    return replace(recovery, state=state, end_receipt_id=receipt_id, ended_at=now)


def start(recovery: Recovery, public_key_sha256: str) -> dict[str, Any]:
    """Return what the house states when it starts one."""
    return {
        "type": "sosia.recovery/1",
        "recovery_id": recovery.id,
        "party_id": recovery.party_id,
        "reason": recovery.reason,
        "asked_by": recovery.asked_by,
        "started_by": recovery.started_by,
        "started_at": recovery.started_at,
        "ready_at": recovery.ready_at,
        "key_id": recovery.key_id,
        "public_key_sha256": public_key_sha256,
        "lost_key_ids": list(recovery.lost_key_ids),
        "told_party_ids": list(recovery.told_party_ids),
    }


def stop(recovery: Recovery) -> dict[str, Any]:
    """Return what any key of hers signs to stop it, or the house where staff does."""
    return {
        "type": "sosia.recovery-stop/1",
        "recovery_id": recovery.id,
        "party_id": recovery.party_id,
        "key_id": recovery.key_id,
    }


def completion(recovery: Recovery, *, now: datetime) -> dict[str, Any]:
    """Return what the house states when the new key takes the place of the lost ones."""
    return {
        "type": "sosia.recovery-completion/1",
        "recovery_id": recovery.id,
        "party_id": recovery.party_id,
        "key_id": recovery.key_id,
        "lost_key_ids": list(recovery.lost_key_ids),
        "completed_at": now,
    }
