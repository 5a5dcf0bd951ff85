"""The verdict over every combination of layer states, in words; docs/verification.md is its table.

"The record" is the released picture the layers are compared with: the one our own signature
names, else the one whose file this is byte for byte, else the one whose number the pixels carry,
else the one that looks the same. Metadata leads to none, for anyone can write it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Credentials(StrEnum):
    """What the Content Credentials are worth."""

    ABSENT = "absent"
    FOREIGN = "foreign"
    """Whole, by another signer, and claiming no picture of ours: worth as much as none."""
    OURS = "ours"
    """Whole, signed by us, and the registry has the record exactly as they claim it."""
    LAPSED = "lapsed"
    """The same, but the certificate has been revoked since, or has run out."""
    UNREGISTERED = "unregistered"
    """Whole and signed by us, but the registry has no such record, or another claim for it."""
    FORGED = "forged"
    """Whole, by another signer, yet claiming a picture of ours."""
    BROKEN = "broken"
    """The file or its manifest was changed after signing."""


class Watermark(StrEnum):
    """Which number the pixels carry."""

    NONE = "none"
    SAME = "same"
    """The record's own."""
    OTHER = "other"
    """That of another released picture."""
    UNKNOWN = "unknown"
    """One that no released picture has."""


class Fingerprint(StrEnum):
    """Which released picture this one looks like."""

    NONE = "none"
    """None, or several as much."""
    SAME = "same"
    OTHER = "other"
    """Another than the record, and not like the record."""


class Metadata(StrEnum):
    """What the readable metadata names."""

    ABSENT = "absent"
    SAME = "same"
    OTHER = "other"
    """Another picture than the record."""
    CONTRADICTS = "contradicts"
    """Two pictures at once, or it says that no machine made this one."""


@dataclass(frozen=True, slots=True)
class States:
    """One state of every layer.

    Attributes:
        exact: the file is the record's released file, byte for byte.
    """

    credentials: Credentials
    watermark: Watermark
    fingerprint: Fingerprint
    metadata: Metadata
    exact: bool


class Outcome(StrEnum):
    """The answer in one word."""

    VERIFIED = "verified"
    """The released file itself, under credentials that hold, no layer against it."""
    RECOVERED = "recovered"
    """No credentials that count, but the other layers agree on one record."""
    SUSPECT = "suspect"
    """Layers contradict each other or the registry."""
    UNKNOWN = "unknown"
    """Nothing leads to a record; that does not make the picture authentic."""


_BAD = {
    Credentials.BROKEN: "CREDENTIALS_BROKEN",
    Credentials.FORGED: "CREDENTIALS_FORGED",
    Credentials.UNREGISTERED: "CLAIM_NOT_REGISTERED",
}
_CLAIMING = (Credentials.OURS, Credentials.LAPSED)


def judge(states: States) -> tuple[Outcome, tuple[str, ...]]:
    """Return the verdict and its reasons, most important first; there is one for all states.

    Reasons are constants a page can translate. Of a suspect picture they are all contradictions.
    """
    doubts = tuple(_doubts(states))
    if doubts:
        return Outcome.SUSPECT, doubts
    if states.fingerprint is Fingerprint.NONE:
        return Outcome.UNKNOWN, ("NOTHING_FOUND",)
    agreeing = ("WATERMARK_AGREES",) if states.watermark is Watermark.SAME else ()
    if states.credentials is Credentials.OURS:
        return Outcome.VERIFIED, ("CREDENTIALS_TRUSTED", *agreeing, "LOOKS_AGREE")
    return Outcome.RECOVERED, (*agreeing, "LOOKS_AGREE")


def _doubts(states: States) -> Iterator[str]:
    """Name every contradiction."""
    if states.credentials in _BAD:
        yield _BAD[states.credentials]
    if states.credentials in _CLAIMING and not states.exact:
        yield "SIGNED_ANOTHER_FILE"
    if states.watermark is Watermark.OTHER:
        yield "WATERMARK_OF_ANOTHER"
    if _has_record(states):
        yield from _doubts_of_record(states)


def _doubts_of_record(states: States) -> Iterator[str]:
    """Name what speaks against the record that other layers lead to."""
    if states.watermark is Watermark.UNKNOWN:
        yield "WATERMARK_NOT_REGISTERED"
    if states.fingerprint is Fingerprint.OTHER:
        yield "LOOKS_OF_ANOTHER"
    if states.fingerprint is Fingerprint.NONE:
        yield "LOOKS_DIFFERENT"
    if states.metadata is Metadata.OTHER:
        yield "METADATA_OF_ANOTHER"
    if states.metadata is Metadata.CONTRADICTS:
        yield "METADATA_CONTRADICTS"


def _has_record(states: States) -> bool:
    """Tell whether any layer that may lead to a record does."""
    return (
        states.credentials in _CLAIMING
        or states.exact
        or states.watermark in (Watermark.SAME, Watermark.OTHER)
        or states.fingerprint is not Fingerprint.NONE
    )
