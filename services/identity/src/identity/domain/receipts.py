"""Receipts: proof that something was agreed, committed to in the transparency log."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit.errors import NotFound


class ReceiptNotFound(NotFound):
    """No such receipt, or none the caller may know of."""

    reason = "RECEIPT_NOT_FOUND"


class Kind(StrEnum):
    """What was agreed."""

    CONSENT_SIGNED = "consent_signed"
    CONSENT_SUPERSEDED = "consent_superseded"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    REPRESENTATION_AGREED = "representation_agreed"
    REPRESENTATION_ENDED = "representation_ended"
    LICENSE_SIGNED = "license_signed"
    LICENSE_REVOKED = "license_revoked"
    APPROVAL_DECIDED = "approval_decided"
    ERASURE_SIGNED = "erasure_signed"
    TALENT_ERASED = "talent_erased"
    DELEGATION_SIGNED = "delegation_signed"
    DELEGATION_REVOKED = "delegation_revoked"
    SUCCESSION_SIGNED = "succession_signed"
    ESTATE_OPENED = "estate_opened"
    ESTATE_ACCEPTED = "estate_accepted"
    ESTATE_SETTLED = "estate_settled"
    ESTATE_STOPPED = "estate_stopped"
    KEY_ADDED = "key_added"
    KEY_REMOVED = "key_removed"
    RECOVERY_STARTED = "recovery_started"
    RECOVERY_STOPPED = "recovery_stopped"
    RECOVERY_COMPLETED = "recovery_completed"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a receipt is made of."""

    kind: Kind
    subject_id: str
    talent_id: str
    statement: bytes
    signature: bytes
    public_key: bytes
    party_ids: tuple[str, ...] = ()
    """Who besides the talent may see the receipt."""
    license_id: str = ""
    """The license it is about; who may see that license's receipt may see this one."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A leaf of the log, with what it commits to."""

    id: str
    agreed: Agreed
    salt: bytes
    leaf_index: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """A receipt, and that it is in the log."""

    receipt: Receipt
    inclusion_proof: tuple[bytes, ...]
    checkpoint: str


def commitment(agreed: Agreed, salt: bytes) -> bytes:
    """Return what the leaf holds: nothing can be learned from it without the salt.

    The salt has 32 bytes, the statement is one JSON object, signature and key have their fixed
    lengths or none, or the signature is one JSON object too and begins and ends with its braces:
    no two receipts run together to the same bytes.
    """
    content = salt + agreed.statement + agreed.signature + agreed.public_key
    return hashlib.sha256(content).digest()
