"""One answer to "what is this picture", over all layers of marking and the registry.

Layers that contradict each other make a picture suspect, never verified. A picture that nothing
leads to is unknown, not authentic. `judging` holds the rule; here files and records become states.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from render.domain.judging import (
    Credentials,
    Fingerprint,
    Metadata,
    Outcome,
    States,
    Watermark,
    judge,
)

SAME_PICTURE_BITS = 31
"""Largest distance at which two fingerprints are one picture: the PDQ authors' own advice
(Facebook 2019). Of 256 bits; re-saves, resizes and filters move at most 18, strangers are about
120 apart."""

SAME_KEYED_BITS = 56
"""The same for keyed fingerprints, which only confirm. Measured: of 1,593 changed copies that the
other fingerprint finds, all but one are nearer; strangers' pictures that were given the other
fingerprint and the marks of one of ours are 84 and more away."""

_CLEAR_LEAD_BITS = 8  # by which one record must be nearer than the next to be found by looks alone

UNSURE_BITS = SAME_PICTURE_BITS + _CLEAR_LEAD_BITS
"""Distance beyond which no fingerprint counts: up to it a second makes the nearest uncertain."""


class Seal(StrEnum):
    """What became of the picture's Content Credentials."""

    TRUSTED = "trusted"
    """Whole, and signed under one of our anchors."""
    LAPSED = "lapsed"
    """Whole, but its certificate has been revoked since, or has run out; a chain that has run out
    leads to no anchor, so the signer may be anybody."""
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
        watermark_by: the codec that read it; empty where none did.
        fingerprint: 32 bytes, how it looks; anyone can compute it, and aim at it.
        keyed_fingerprint: 32 bytes, how it looks under our key.
        sha256: of the file, in hexadecimal.
        named_render: the render its metadata names; anyone can write metadata.
        metadata_contradicts: it names two renders, or says that no machine made the picture.
    """

    credentials: CredentialState
    watermark: int | None
    fingerprint: bytes
    keyed_fingerprint: bytes
    sha256: str
    named_render: str | None = None
    metadata_contradicts: bool = False
    watermark_by: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A released picture as the registry knows it.

    Attributes:
        keyed_fingerprint: empty where the picture was made before there was one.
        sha256: of the released file, in hexadecimal.
        outline: a small grey copy; empty where the picture was made before there was one.
        watermark_by: the codec it was marked with. A number that another one reads is not this
            picture's: else the weakest check that is switched on would stand for all.
    """

    rights: Rights
    fingerprint: bytes
    keyed_fingerprint: bytes
    sha256: str
    outline: bytes = field(default=b"", repr=False)
    watermark_by: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, the record it is about, and why.

    Attributes:
        record: None unless verified or recovered.
        reasons: constants a page can translate, most important first.
    """

    outcome: Outcome
    record: Candidate | None
    reasons: tuple[str, ...]
    states: States


def distance(a: bytes, b: bytes) -> int:
    """Return how many of the 256 bits differ between two fingerprints."""
    if len(a) != len(b):
        raise ValueError(f"fingerprints of {len(a)} and {len(b)} bytes have no distance")
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def find_cropped(layers: Layers, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the record whose number the pixels carry and that they do not look like as a whole.

    They may be a part of it, which only the pixels themselves can tell.
    """
    numbered = _numbered(layers, candidates)
    return numbered if numbered is not None and not _looks_like(layers, numbered) else None


def verdict(
    layers: Layers, candidates: Sequence[Candidate], cropped: Candidate | None = None
) -> Verdict:
    """Weigh all layers against the records that any of them leads to.

    Args:
        layers: from the file.
        cropped: a record of which the file is a part.
        candidates: every record found by the watermark's number, the signed render id, the file's
            hash or a near fingerprint; records that fit nothing do no harm.
    """
    record = _record(layers, candidates)
    states = States(
        credentials=_credentials(layers, candidates),
        watermark=_watermark(layers, record, candidates),
        fingerprint=_fingerprint(layers, record, candidates, cropped),
        metadata=_metadata(layers, record),
        exact=record is not None and record.sha256 == layers.sha256,
    )
    outcome, reasons = judge(states)
    found = outcome in (Outcome.VERIFIED, Outcome.RECOVERED)
    return Verdict(outcome, record if found else None, reasons, states)


def _record(layers: Layers, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the record every layer is compared with: the first that a layer leads to."""
    claimed = _claimed(layers, candidates)
    exact = next((c for c in candidates if c.sha256 == layers.sha256), None)
    return claimed or exact or _numbered(layers, candidates) or _nearest(layers, candidates)


def _numbered(layers: Layers, candidates: Sequence[Candidate]) -> Candidate | None:
    return next((c for c in candidates if _has_number(c, layers)), None)


def _has_number(record: Candidate, layers: Layers) -> bool:
    same = record.rights.asset_number == layers.watermark
    return same and record.watermark_by == layers.watermark_by


def _claimed(layers: Layers, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the record whose rights a signature that is or was ours states, to the letter."""
    if layers.credentials.seal not in (Seal.TRUSTED, Seal.LAPSED):
        return None
    return next((c for c in candidates if c.rights == layers.credentials.rights), None)


def _credentials(layers: Layers, candidates: Sequence[Candidate]) -> Credentials:
    seal = layers.credentials.seal
    if seal is Seal.ABSENT:
        return Credentials.ABSENT
    if seal is Seal.INVALID:
        return Credentials.BROKEN
    if layers.credentials.rights is None:
        return Credentials.FOREIGN
    if seal is Seal.UNTRUSTED:
        return Credentials.FORGED
    if _claimed(layers, candidates) is None:
        return Credentials.UNREGISTERED
    return Credentials.OURS if seal is Seal.TRUSTED else Credentials.LAPSED


def _watermark(
    layers: Layers, record: Candidate | None, candidates: Sequence[Candidate]
) -> Watermark:
    if layers.watermark is None:
        return Watermark.NONE
    if record is not None and _has_number(record, layers):
        return Watermark.SAME
    known = any(_has_number(c, layers) for c in candidates)
    return Watermark.OTHER if known else Watermark.UNKNOWN


def _fingerprint(
    layers: Layers,
    record: Candidate | None,
    candidates: Sequence[Candidate],
    cropped: Candidate | None,
) -> Fingerprint:
    if record is None:
        return Fingerprint.NONE
    if record == cropped or _looks_like(layers, record):
        return Fingerprint.SAME
    other = any(_looks_like(layers, c) for c in candidates)
    return Fingerprint.OTHER if other else Fingerprint.NONE


def _metadata(layers: Layers, record: Candidate | None) -> Metadata:
    if layers.metadata_contradicts:
        return Metadata.CONTRADICTS
    if layers.named_render is None:
        return Metadata.ABSENT
    same = record is not None and record.rights.render_id == layers.named_render
    return Metadata.SAME if same else Metadata.OTHER


def _looks_like(layers: Layers, record: Candidate) -> bool:
    near = distance(layers.fingerprint, record.fingerprint) <= SAME_PICTURE_BITS
    return near and _is_confirmed(layers, record)


def _is_confirmed(layers: Layers, record: Candidate) -> bool:
    """Tell whether the keyed fingerprints agree, if the record has one."""
    if not record.keyed_fingerprint:
        return True
    return distance(layers.keyed_fingerprint, record.keyed_fingerprint) <= SAME_KEYED_BITS


def _nearest(layers: Layers, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the record that looks the same, unless a second one does so nearly as well."""
    alike = [c for c in candidates if _is_confirmed(layers, c)]
    ranked = sorted(alike, key=lambda c: distance(layers.fingerprint, c.fingerprint))
    if not ranked or not _looks_like(layers, ranked[0]):
        return None
    best = distance(layers.fingerprint, ranked[0].fingerprint)
    render_id = ranked[0].rights.render_id  # its own formats may look alike
    second = next((c for c in ranked if c.rights.render_id != render_id), None)
    if second and distance(layers.fingerprint, second.fingerprint) < best + _CLEAR_LEAD_BITS:
        return None
    return ranked[0]
