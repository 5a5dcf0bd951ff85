"""What the public is told of a picture: one verdict, and what each layer said, coarsely."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from render.domain.campaigns import Credit
from render.domain.verdicts import Candidate, Layers, Outcome, Seal, Verdict

_SEALS = {Seal.TRUSTED: "trusted", Seal.UNTRUSTED: "invalid", Seal.INVALID: "invalid"}
_FOUND = (Outcome.VERIFIED, Outcome.RECOVERED)
_WATERMARK_DOUBTS = {"WATERMARK_OF_ANOTHER", "WATERMARK_ON_OTHER_PICTURE"}
_LOOKS_DOUBTS = {"LOOKS_DIFFERENT", "WATERMARK_ON_OTHER_PICTURE"}


@dataclass(frozen=True, slots=True)
class Registered:
    """A released picture as the registry knows it."""

    candidate: Candidate
    talent_id: str
    brand_id: str
    credits: tuple[Credit, ...]
    released_at: datetime


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


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer over all layers."""

    outcome: Outcome
    layers: tuple[tuple[str, str], ...]
    """Name and state of each."""
    named: Named | None


def describe(layers: Layers, judged: Verdict, found: Sequence[Candidate]) -> dict[str, str]:
    """Return a word for each layer; never a distance, by which a forger could find his way."""
    doubts = set(judged.reasons)
    return {
        "credentials": _credentials(layers),
        "watermark": _state(
            layers.watermark is not None,
            bool(doubts & _WATERMARK_DOUBTS),
            any(one.rights.asset_number == layers.watermark for one in found),
        ),
        "fingerprint": _state(True, bool(doubts & _LOOKS_DOUBTS), judged.outcome in _FOUND),
        "metadata": _state(
            layers.named_render is not None,
            "METADATA_OF_ANOTHER" in doubts,
            any(one.rights.render_id == layers.named_render for one in found),
        ),
    }


def _credentials(layers: Layers) -> str:
    """Say what became of our credentials; those of others count as none."""
    said = layers.credentials
    if said.seal in (Seal.TRUSTED, Seal.UNTRUSTED) and said.rights is None:
        return "absent"
    return _SEALS.get(said.seal, "absent")


def _state(present: bool, contradicts: bool, matches: bool) -> str:
    if not present:
        return "absent"
    if contradicts:
        return "contradicts"
    return "match" if matches else "no match"
