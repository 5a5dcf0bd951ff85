"""Pictures found in use, and the claims that come of those that should not be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

_AHEAD = timedelta(minutes=5)  # a crawler's clock may be that far ahead of ours
_MOST_URL, _MOST_NOTE = 2_000, 1_000
USE_NOT_LICENSED = "USE_NOT_LICENSED"


class ClaimNotFound(NotFound):
    """No such claim, or none the caller may know of."""

    reason = "CLAIM_NOT_FOUND"


class SightingNotFound(NotFound):
    """No such sighting, or nothing of it that the caller may see."""

    reason = "SIGHTING_NOT_FOUND"


class ClaimNotOpen(FailedPrecondition):
    """The claim was answered or closed already."""

    reason = "CLAIM_NOT_OPEN"


class ClaimNotAnswered(FailedPrecondition):
    """Nobody has answered the claim, so there is nothing to settle for."""

    reason = "CLAIM_NOT_ANSWERED"


class State(StrEnum):
    """Where a claim stands."""

    OPEN = "open"
    ANSWERED = "answered"
    SETTLED = "settled"
    DISMISSED = "dismissed"


CLOSED = (State.SETTLED, State.DISMISSED)


class Fate(StrEnum):
    """What comes of a sighting."""

    NOTHING = "nothing"
    """The use is licensed, or the picture is none of ours."""
    OPENS = "opens"
    JOINS = "joins"
    """The claim about the same picture in the same place is still open."""
    KNOWN = "known"
    """That claim was closed for the same reasons: it is noted there, and nobody is told."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of where a picture was found; empty where it is not known."""

    source: str
    url: str
    seen_at: datetime | None
    media: str
    territory: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """A picture found in use."""

    id: str
    source: str
    url: str
    seen_at: datetime
    media: str
    territory: str
    picture_sha256: str
    verdict: str
    layers: tuple[tuple[str, str], ...]
    render_id: str | None
    reasons: tuple[str, ...]
    claim_id: str | None
    object_key: str
    """Where the file lies sealed; empty where it was not kept."""
    object_sha256: str
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a claim's life."""

    state: State
    at: datetime
    party_id: str
    note: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A use its license did not cover when it was seen; nothing of it ever changes but its steps.

    Attributes:
        number: of the claims about this picture in this place, from 1.
        license_statement: what the talent signed: the license's terms then.
    """

    id: str
    render_id: str
    license_id: str
    talent_id: str
    brand_id: str
    place: str
    number: int
    reasons: tuple[str, ...]
    license_statement: bytes
    license_state: str
    opened_at: datetime
    steps: tuple[Step, ...]

    @property
    def state(self) -> State:
        """Return where it stands: the state of its last step."""
        return self.steps[-1].state


def check(facts: Facts, *, now: datetime) -> Facts:
    """Return facts as they are kept, the time of the sighting filled in.

    Raises:
        FieldInvalid: source or URL is none, or it was seen in the future.
    """
    source = fields.text(facts.source, "facts.source", longest=60, lines=False)
    url = fields.optional_text(facts.url, "facts.url", longest=_MOST_URL, lines=False)
    if url and not url.startswith(("http://", "https://")):
        raise FieldInvalid("facts.url", "must begin with http:// or https://")
    seen_at = facts.seen_at or now
    if seen_at > now + _AHEAD:
        raise FieldInvalid("facts.seen_at", "must not be in the future")
    return Facts(source, url, min(seen_at, now), facts.media.strip(), facts.territory.strip())


def place_of(facts: Facts, picture_sha256: str) -> str:
    """Return what makes two sightings of one picture the same: host and path of the address.

    Query and fragment change with every visit. Without an address, source and file stand for it.
    """
    try:
        parts = urlsplit(facts.url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        host = ""
    if not host:
        return f"{facts.source}: {picture_sha256}"
    return host + (parts.path.rstrip("/") or "/")


def questions(
    facts: Facts, licensed: Sequence[tuple[str, str]], most: int = 100
) -> list[tuple[str, str]]:
    """Return the uses, as media and territory, one of which the sighting is.

    What is not known of it may be anything the license covers: nobody is accused of what was not
    seen.
    """
    asked = [
        (facts.media or media, facts.territory or territory) for media, territory in licensed
    ] or [(facts.media, facts.territory)]
    return list(dict.fromkeys(asked))[:most]


def weigh(answers: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return why none of the uses that were asked about is licensed; nothing if one is.

    What refuses every one of them; or, if each is refused for another reason, that none fits.
    """
    if not answers or any(not reasons for reasons in answers):
        return ()
    common = [one for one in answers[0] if all(one in reasons for reasons in answers)]
    return tuple(common) or (USE_NOT_LICENSED,)


def decide(reasons: Sequence[str], last: Claim | None) -> Fate:
    """Say what comes of a sighting, given the last claim about its picture in its place."""
    if not reasons:
        return Fate.NOTHING
    if last is None:
        return Fate.OPENS
    if last.state not in CLOSED:
        return Fate.JOINS
    return Fate.KNOWN if set(reasons) <= set(last.reasons) else Fate.OPENS


def answer(claim: Claim, note: str) -> tuple[State, str]:
    """Return the step by which the brand answers.

    Raises:
        FieldInvalid: nothing is said.
        ClaimNotOpen: it was answered or closed already.
    """
    note = fields.text(note, "note", longest=_MOST_NOTE)
    if claim.state is not State.OPEN:
        raise ClaimNotOpen(f"the claim is {claim.state}", claimId=claim.id)
    return State.ANSWERED, note


def close(claim: Claim, note: str, *, settle: bool) -> tuple[State, str]:
    """Return the step by which a claim ends.

    Raises:
        FieldInvalid: nothing is said.
        ClaimNotOpen: it is closed already.
        ClaimNotAnswered: it is to be settled and nobody has answered.
    """
    note = fields.text(note, "note", longest=_MOST_NOTE)
    if claim.state in CLOSED:
        raise ClaimNotOpen(f"the claim is {claim.state}", claimId=claim.id)
    if settle and claim.state is not State.ANSWERED:
        raise ClaimNotAnswered("the brand has not answered yet", claimId=claim.id)
    return State.SETTLED if settle else State.DISMISSED, note
