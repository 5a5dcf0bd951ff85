"""Approvals: the talent's word on one picture. Silence is a no."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit import fields
from kit.errors import FailedPrecondition, NotFound


class ApprovalNotFound(NotFound):
    """No such approval, or none the caller may know of."""

    reason = "APPROVAL_NOT_FOUND"


class ApprovalDecided(FailedPrecondition):
    """She said yes or no before."""

    reason = "APPROVAL_DECIDED"


class ApprovalOverdue(FailedPrecondition):
    """The deadline is over."""

    reason = "APPROVAL_OVERDUE"


class ApprovalMissing(FailedPrecondition):
    """The talent has not said yes to this very picture."""

    reason = "APPROVAL_MISSING"


class State(StrEnum):
    """Where an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Approval:
    """The talent's word on one picture, which is its bytes."""

    id: str
    license_id: str
    talent_id: str
    render_id: str
    picture_sha256: str
    state: State
    reason: str
    approve_statement: bytes
    refuse_statement: bytes
    created_at: datetime
    deadline: datetime
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What the talent said."""

    approve: bool
    reason: str
    signature: bytes


def say_approval(approval: Approval, *, approve: bool) -> dict[str, Any]:
    """Return what she signs to approve a picture, or to refuse it."""
    return {
        "type": "sosia.approval/1",
        "approval_id": approval.id,
        "license_id": approval.license_id,
        "talent_id": approval.talent_id,
        "render_id": approval.render_id,
        "picture_sha256": approval.picture_sha256,
        "decision": "approve" if approve else "refuse",
    }


def check_word(word: Word) -> Word:
    """Return what she said with its reason tidied; who refuses says why.

    Raises:
        FieldInvalid: no reason, or one too long.
    """
    if not word.approve or word.reason.strip():
        return replace(word, reason=fields.text(word.reason, "reason", longest=500))
    return replace(word, reason="")


def check_open(approval: Approval, *, now: datetime) -> None:
    """Check that she may still decide.

    Raises:
        ApprovalDecided, ApprovalOverdue: in this order; the deadline itself is too late.
    """
    if approval.state is not State.PENDING:
        raise ApprovalDecided(f"approval {approval.id} is {approval.state}", approvalId=approval.id)
    if now >= approval.deadline:
        raise ApprovalOverdue(
            f"approval {approval.id} was open until {approval.deadline}", approvalId=approval.id
        )


def decide(approval: Approval, word: Word, *, now: datetime) -> Approval:
    """Write down what she said. Raises what `check_open` raises."""
    check_open(approval, now=now)
    state = State.APPROVED if word.approve else State.REFUSED
    return replace(approval, state=state, reason=word.reason, decided_at=now)
