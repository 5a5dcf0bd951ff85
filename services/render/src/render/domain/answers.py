"""What the public is told of a picture: one verdict, and what each layer said, coarsely."""

from dataclasses import dataclass
from datetime import datetime

from kit.errors import FieldInvalid

from render.domain.campaigns import Credit
from render.domain.judging import Credentials, Fingerprint, Metadata, Outcome, Watermark
from render.domain.verdicts import Candidate, Verdict

_CREDENTIALS = {
    Credentials.ABSENT: "absent",
    Credentials.FOREIGN: "absent",  # those of others count as none
    Credentials.OURS: "trusted",
    Credentials.LAPSED: "lapsed",
    Credentials.UNREGISTERED: "contradicts",
    Credentials.FORGED: "invalid",
    Credentials.BROKEN: "invalid",
}
_MARKS = {Watermark.NONE: "absent", Watermark.SAME: "match"}
_LOOKS = {Fingerprint.SAME: "match"}
_SAID = {Metadata.ABSENT: "absent", Metadata.SAME: "match"}
_DOUBTS = {
    "credentials": {"CLAIM_NOT_REGISTERED", "SIGNED_ANOTHER_FILE"},
    "watermark": {"WATERMARK_OF_ANOTHER", "WATERMARK_NOT_REGISTERED"},
    "fingerprint": {"LOOKS_OF_ANOTHER", "LOOKS_DIFFERENT"},
    "metadata": {"METADATA_OF_ANOTHER", "METADATA_CONTRADICTS"},
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A released picture as the registry knows it."""

    candidate: Candidate
    talent_id: str
    brand_id: str
    credits: tuple[Credit, ...]
    released_at: datetime


@dataclass(frozen=True, slots=True)
class Word:
    """What the talent said of a picture: "approved", "refused", "pending" or "not asked"."""

    said: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a receipt stands in the transparency log; what it says is not told.

    Attributes:
        commitment_sha256: what the leaf holds, in hexadecimal.
        inclusion_proof: RFC 9162, each node in hexadecimal.
    """

    commitment_sha256: str
    leaf_index: int
    inclusion_proof: tuple[str, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Named:
    """Who and what a picture is, once it is certain."""

    render_id: str
    talent: str
    brand: str
    license_id: str
    license_state: str
    license_ends_at: datetime
    credits: tuple[Credit, ...]
    consent_receipt_id: str
    released_at: datetime
    refusals: tuple[str, ...] | None
    """Why the use asked about is not licensed, none if it is; None where none was asked about."""
    word: Word
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class AskedUse:
    """What somebody would use the picture for."""

    media: str
    territory: str

    def __post_init__(self) -> None:
        for name, value, other in (
            ("media", self.media, self.territory),
            ("territory", self.territory, self.media),
        ):
            if other and not value:
                raise FieldInvalid(name, "must be given: a use is media and territory")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer over all layers."""

    outcome: Outcome
    layers: tuple[tuple[str, str], ...]
    """Name and state of each."""
    named: Named | None


def describe(judged: Verdict) -> dict[str, str]:
    """Return a word for each layer; never a distance, by which a forger could find his way."""
    states, doubts = judged.states, set(judged.reasons)
    words = {
        "credentials": _CREDENTIALS[states.credentials],
        "watermark": _MARKS.get(states.watermark, "no match"),
        "fingerprint": _LOOKS.get(states.fingerprint, "no match"),
        "metadata": _SAID.get(states.metadata, "no match"),
    }
    return {name: "contradicts" if _DOUBTS[name] & doubts else words[name] for name in words}
