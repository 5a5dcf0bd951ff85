"""One answer to "what is this picture", over all layers of marking and the registry.

Layers that contradict each other make a picture suspect, never verified. A picture that nothing
leads to is unknown, not authentic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SAME_PICTURE_BITS = 31
"""Largest distance at which two fingerprints are one picture: the PDQ authors' own advice
(Facebook 2019). Of 256 bits; re-saves, resizes and filters move at most 18, strangers are about
120 apart."""

_CLEAR_LEAD_BITS = 8  # by which one record must be nearer than the next to be found by looks alone


class Seal(StrEnum):
    """What became of the picture's Content Credentials."""

    TRUSTED = "trusted"
    """Whole, and signed under one of our anchors."""
    UNTRUSTED = "untrusted"
    """Whole, and signed by someone we do not know."""
    INVALID = "invalid"
    """Broken: the picture or its manifest was changed after signing."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Rights:
    """What our signed assertion binds to the picture.

    Attributes:
        digest: SHA-256 over all of it and the credits, in hexadecimal.
    """

    asset_number: int
    render_id: str
    license_id: str
    twin_version_id: str
    consent_receipt_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class CredentialState:
    """A seal, the manifest it belongs to and the rights it asserts, if it does."""

    seal: Seal
    label: str | None = None
    rights: Rights | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layers:
    """All that a file says about itself.

    Attributes:
        watermark: the number in its pixels, which proves nothing by itself.
        fingerprint: 32 bytes, how it looks.
        named_render: the render its metadata names; anyone can write metadata.
    """

    credentials: CredentialState
    watermark: int | None
    fingerprint: bytes
    named_render: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A released picture as the registry knows it."""

    rights: Rights
    fingerprint: bytes


class Outcome(StrEnum):
    """The answer in one word."""

    VERIFIED = "verified"
    """Trusted credentials that agree with the registry and with every other layer."""
    RECOVERED = "recovered"
    """No credentials, but the watermark, the looks or both lead to one record."""
    SUSPECT = "suspect"
    """Layers contradict each other or the registry."""
    UNKNOWN = "unknown"
    """Nothing leads to a record; that does not make the picture authentic."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, the record it is about, and why.

    Attributes:
        record: None where no record is certain enough to be named.
        reasons: constants a page can translate, most important first.
    """

    outcome: Outcome
    record: Candidate | None
    reasons: tuple[str, ...]


def distance(a: bytes, b: bytes) -> int:
    """Return how many of the 256 bits differ between two fingerprints."""
    if len(a) != len(b):
        raise ValueError(f"fingerprints of {len(a)} and {len(b)} bytes have no distance")
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def verdict(layers: Layers, candidates: Sequence[Candidate]) -> Verdict:
    """Weigh all layers against the records that any of them leads to.

    Args:
        layers: from the file.
        candidates: every record found by the watermark's number, the signed render id or a near
            fingerprint; records that fit nothing do no harm.
    """
    seal, rights = layers.credentials.seal, layers.credentials.rights
    if seal is Seal.INVALID:
        return _suspect(layers, candidates, "CREDENTIALS_BROKEN")
    if seal is Seal.UNTRUSTED and rights is not None:
        return _suspect(layers, candidates, "CREDENTIALS_FORGED")
    if seal is Seal.TRUSTED and rights is not None:
        return _sealed(layers, rights, candidates)
    return _unsealed(layers, candidates)


def _sealed(layers: Layers, rights: Rights, candidates: Sequence[Candidate]) -> Verdict:
    """Judge a picture whose signature is ours: every other layer must agree."""
    record = next((c for c in candidates if c.rights.render_id == rights.render_id), None)
    if record is None:
        return Verdict(Outcome.SUSPECT, None, ("SIGNED_BUT_NOT_REGISTERED",))
    doubts = []
    if record.rights != rights:
        doubts.append("CLAIM_DIFFERS_FROM_REGISTRY")
    if layers.watermark not in (None, record.rights.asset_number):
        doubts.append("WATERMARK_OF_ANOTHER")
    if not _looks_like(layers, record):
        doubts.append("LOOKS_DIFFERENT")
    if layers.named_render not in (None, rights.render_id):
        doubts.append("METADATA_OF_ANOTHER")
    if doubts:
        return Verdict(Outcome.SUSPECT, None, tuple(doubts))
    agreeing = ("WATERMARK_AGREES",) if layers.watermark is not None else ()
    return Verdict(Outcome.VERIFIED, record, ("CREDENTIALS_TRUSTED", *agreeing, "LOOKS_AGREE"))


def _unsealed(layers: Layers, candidates: Sequence[Candidate]) -> Verdict:
    """Judge a picture without credentials of ours by its watermark and its looks."""
    if layers.watermark is None:
        record = _nearest(layers, candidates)
        reasons: tuple[str, ...] = ("LOOKS_AGREE",)
    else:
        marked = [c for c in candidates if c.rights.asset_number == layers.watermark]
        record, reasons = next(iter(marked), None), ("WATERMARK_AGREES", "LOOKS_AGREE")
        if record is not None and not _looks_like(layers, record):
            return Verdict(Outcome.SUSPECT, None, ("WATERMARK_ON_OTHER_PICTURE",))
        if record is None and any(_looks_like(layers, c) for c in candidates):
            return Verdict(Outcome.SUSPECT, None, ("WATERMARK_OF_ANOTHER",))
    if record is None:
        return Verdict(Outcome.UNKNOWN, None, ("NOTHING_FOUND",))
    if layers.named_render not in (None, record.rights.render_id):
        return Verdict(Outcome.SUSPECT, None, ("METADATA_OF_ANOTHER",))
    return Verdict(Outcome.RECOVERED, record, reasons)


def _suspect(layers: Layers, candidates: Sequence[Candidate], reason: str) -> Verdict:
    """Name the picture beneath bad credentials only where watermark and looks agree on it."""
    beneath = _unsealed(layers, candidates)
    certain = layers.watermark is not None and beneath.outcome is Outcome.RECOVERED
    return Verdict(Outcome.SUSPECT, beneath.record if certain else None, (reason,))


def _looks_like(layers: Layers, record: Candidate) -> bool:
    return distance(layers.fingerprint, record.fingerprint) <= SAME_PICTURE_BITS


def _nearest(layers: Layers, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the record that looks the same, unless a second one does so nearly as well."""
    ranked = sorted(candidates, key=lambda c: distance(layers.fingerprint, c.fingerprint))
    if not ranked or not _looks_like(layers, ranked[0]):
        return None
    best = distance(layers.fingerprint, ranked[0].fingerprint)
    second = ranked[1:2]
    if second and distance(layers.fingerprint, second[0].fingerprint) < best + _CLEAR_LEAD_BITS:
        return None
    return ranked[0]
