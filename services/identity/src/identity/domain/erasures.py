"""The erasure of a person: its steps, what she signs to have it, and what the house certifies."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit.errors import FailedPrecondition

_REQUEST = "sosia.erasure/1"
_LONGER = bytes(64)
SCRUBBED = "erased"
"""Stands where a name, a caption or another personal text stood."""

DELETED = (
    "photos",
    "face_vectors",
    "twins",
    "sample_sheets",
    "checkpoints",
    "unreleased_pictures",
    "person_key",
)
"""What is deleted."""
SCRUBBED_FIELDS = (
    "name",
    "public_name",
    "consent_texts",
    "body_marks",
    "capture_reports",
    "photo_names_and_captions",
    "photo_fingerprints",
    "key_names",
)
"""What is emptied in rows that stay."""
NOT_COVERED = {
    "released_pictures": "already delivered to brands, out of the house's reach",
    "released_fingerprints": "kept, so that a picture found later is recognised",
    "receipts": "kept with what they state: proof of what was agreed; the log only grows",
    "ledger_entries": "kept as the law of accounts requires",
    "public_key": "kept, so that her receipts can be verified",
    "api_keys": "kept, so that she can fetch this certificate",
    "events": "names in events already sent stay until the streams drop them",
}
"""What cannot be deleted, and why."""


class TalentErased(FailedPrecondition):
    """The talent had herself erased; nothing of her is ever made again."""

    reason = "TALENT_ERASED"


class StillReadable(RuntimeError):
    """Something of an erased person opened: a fault of ours, which nobody may certify away."""


class State(StrEnum):
    """How far an erasure has come; each step after the one before it."""

    FROZEN = "frozen"
    KEY_DESTROYED = "key_destroyed"
    TRIED = "tried"
    DELETED = "deleted"
    CERTIFIED = "certified"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is of a person, by number."""

    capture_sets: int
    photos: int
    consents: int
    """Live or superseded."""
    receipts: int
    objects: Mapping[str, int]
    """By folder, sealed objects that lie in the store now."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person's erasure, from her signature on."""

    talent_id: str
    state: State
    statement: bytes
    signature: bytes
    public_key: bytes
    receipt_id: str
    asked_at: datetime
    consents: tuple[str, ...]
    """Those it ended."""
    objects: Mapping[str, Sequence[str]]
    """By folder, the SHA-256 of the key of every object that was tried, hex; empty before."""
    certificate_receipt_id: str = ""
    certified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """An erasure as callers see it, begun or not."""

    talent_id: str
    erasure: Erasure | None
    statement: bytes
    """What she signs, or signed."""
    inventory: Inventory


@dataclass(frozen=True, slots=True)
class Word:
    """What a person signed to be erased, kept where her key was."""

    statement: bytes
    signature: bytes

    def dump(self) -> bytes:
        """Write it as one run of bytes: the signature first, which has 64.

        A passkey's is longer: 64 zeros, which no signature is, and its length stand before it.
        """
        if len(self.signature) == 64:
            return self.signature + self.statement
        return _LONGER + len(self.signature).to_bytes(4, "big") + self.signature + self.statement

    @classmethod
    def load(cls, data: bytes) -> "Word":
        """Read what `dump` wrote."""
        if not data.startswith(_LONGER):
            return cls(data[64:], data[:64])
        end = 68 + int.from_bytes(data[64:68], "big")
        return cls(data[end:], data[68:end])


def request(talent_id: str, found: Inventory) -> dict[str, Any]:
    """Return what she signs: what will be deleted, with what identity has, and what cannot be.

    What others make of her meanwhile is not counted here, or her signature would not last.
    """
    return {
        "type": _REQUEST,
        "talent_id": talent_id,
        "ends": {"consents": found.consents, "licenses": "all", "jobs": "all"},
        "deletes": list(DELETED),
        "empties": list(SCRUBBED_FIELDS),
        "counts": {"capture_sets": found.capture_sets, "photos": found.photos},
        "not_covered": dict(NOT_COVERED),
    }


def is_request(statement: bytes, talent_id: str) -> bool:
    """Tell whether a statement she signed asks for her erasure, and not for anything else."""
    try:
        said = json.loads(statement)
    except ValueError:
        return False
    return (said.get("type"), said.get("talent_id")) == (_REQUEST, talent_id)


def certificate(
    erasure: Erasure, found: Inventory, *, deleted: Mapping[str, int], now: datetime
) -> dict[str, Any]:
    """Return what the house certifies; `deleted` says what identity itself deleted, by kind."""
    tried = sum(len(hashes) for hashes in erasure.objects.values())
    return {
        "type": "sosia.erasure-certificate/1",
        "talent_id": erasure.talent_id,
        "request_receipt_id": erasure.receipt_id,
        "request_sha256": hashlib.sha256(erasure.statement).hexdigest(),
        "asked_at": erasure.asked_at,
        "certified_at": now,
        "consents_ended": sorted(erasure.consents),
        "person_key": "destroyed",
        "decryption": {"tried": tried, "opened": 0},
        "objects": {folder: sorted(hashes) for folder, hashes in erasure.objects.items()},
        "deleted": dict(deleted),
        "deleted_by_others": ["twins", "pictures"],
        "emptied": list(SCRUBBED_FIELDS),
        "receipts_kept": found.receipts,
        "not_covered": dict(NOT_COVERED),
    }
