"""Whether a use is licensed: pure and total, with every reason, compiled to take microseconds.

A decision says whether a use may be made as things stand now: license and consent are judged as
they are, the use by the term it is asked for. What is not known counts as a no.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from licensing.domain.licenses import License, State
from licensing.domain.vocabulary import Vocabulary, is_within

MOMENT = timedelta(microseconds=1)
"""The shortest use there is."""


class Reason(StrEnum):
    """Why a use is refused; a constant is never renamed."""

    LICENSE_NOT_FOUND = "LICENSE_NOT_FOUND"
    BRAND_NOT_LICENSED = "BRAND_NOT_LICENSED"
    LICENSE_NOT_ACTIVE = "LICENSE_NOT_ACTIVE"
    """Not signed, declined or revoked."""
    CONSENT_UNKNOWN = "CONSENT_UNKNOWN"
    """identity did not answer."""
    CONSENT_MISSING = "CONSENT_MISSING"
    """There is none, or it does not cover the step."""
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    CONSENT_FROZEN = "CONSENT_FROZEN"
    """She died, and her estate is not settled."""
    CONSENT_NOT_IN_FORCE = "CONSENT_NOT_IN_FORCE"
    """Its duration does not hold now, or not as long as the use."""
    MEDIA_UNKNOWN = "MEDIA_UNKNOWN"
    MEDIA_NOT_LICENSED = "MEDIA_NOT_LICENSED"
    TERRITORY_UNKNOWN = "TERRITORY_UNKNOWN"
    TERRITORY_NOT_LICENSED = "TERRITORY_NOT_LICENSED"
    """A country of it is in no use of the license."""
    LICENSE_NOT_STARTED = "LICENSE_NOT_STARTED"
    LICENSE_EXPIRED = "LICENSE_EXPIRED"
    TERM_INVALID = "TERM_INVALID"
    """The use ends before it begins."""
    USE_NOT_LICENSED = "USE_NOT_LICENSED"
    """Medium, territory and time are each licensed, but not together."""
    CATEGORY_UNKNOWN = "CATEGORY_UNKNOWN"
    CATEGORY_NOT_LICENSED = "CATEGORY_NOT_LICENSED"
    CONTEXT_PROHIBITED = "CONTEXT_PROHIBITED"
    """By the license, or by the talent's standing list."""
    LICENSE_SPENT = "LICENSE_SPENT"
    """More pictures are asked for than are left."""
    APPROVAL_MISSING = "APPROVAL_MISSING"
    """The talent has not said yes to the picture; silence is a no."""


class Step(StrEnum):
    """What is done with a twin under a license."""

    RENDERING = "rendering"
    DELIVERY = "delivery"


class Standing(StrEnum):
    """Where the consent a license rests on stands."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    """Licenses that were paid run to their term, or end now: see `Consent.ends_licenses`."""
    FROZEN = "frozen"
    """She died, and her estate is not settled."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Consent:
    """What identity says of the consent a license rests on."""

    standing: Standing
    steps: frozenset[str] = frozenset()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """Half-open."""
    ends_licenses: bool = True
    """Whether a withdrawal ends licenses that were paid."""
    prohibited_contexts: frozenset[str] = frozenset()


class Word(StrEnum):
    """The talent's word on the picture a use is asked about."""

    NO_PICTURE = "no_picture"
    """No certain picture is asked about."""
    MISSING = "missing"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who would make the use."""

    party_id: str


@dataclass(frozen=True, slots=True)
class Use:
    """A use somebody asks about."""

    media: str
    territory: str
    starts_at: datetime
    ends_at: datetime
    """Half-open; a moment ends `MOMENT` later."""
    category: str = ""
    """Empty: that of the license."""
    contexts: frozenset[str] = frozenset()
    """What the picture shows or stands beside, as in "tobacco"."""
    pictures: int = 0
    """How many more pictures it takes."""
    word: Word = Word.NO_PICTURE
    step: Step = Step.DELIVERY


@dataclass(frozen=True, slots=True)
class Decision:
    """Allow or deny, with every reason to deny."""

    allowed: bool
    reasons: tuple[Reason, ...]


ALLOWED = Decision(allowed=True, reasons=())
_NOT_FOUND = Decision(allowed=False, reasons=(Reason.LICENSE_NOT_FOUND,))


@dataclass(frozen=True, slots=True)
class Span:
    """Countries a medium is licensed in, and when."""

    countries: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """A license's terms, ready to be asked; they never change."""

    brand_id: str
    media: Mapping[str, tuple[Span, ...]]
    countries: int
    starts_at: datetime
    ends_at: datetime
    category: str
    """Its path."""
    prohibited_contexts: frozenset[str]
    approval_required: bool
    codes: "Codes"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A license as it stands, ready to be asked."""

    terms: Terms
    active: bool
    left: int
    """Pictures."""


class Codes:
    """A vocabulary as bits and paths."""

    __slots__ = ("categories", "media", "territories")

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Give every country a bit, every territory the bits of its countries."""
        bits = {code: 1 << place for place, code in enumerate(sorted(vocabulary.countries))}
        regions = {
            name: sum(bits[code] for code in codes) for name, codes in vocabulary.regions.items()
        }
        self.territories: Mapping[str, int] = {**regions, **bits}
        self.media = frozenset(vocabulary.media)
        self.categories = vocabulary.categories


def compile_license(license: License, codes: Codes) -> Compiled:
    """Return a license ready to be asked."""
    return stand(compile_terms(license, codes), license)


def stand(terms: Terms, license: License) -> Compiled:
    """Return compiled terms with where their license stands."""
    left = license.terms.image_cap - license.images_used
    # An expired license is judged by its term, as it was before anybody noticed its end.
    return Compiled(terms, license.state in (State.ACTIVE, State.EXPIRED), left)


def compile_terms(license: License, codes: Codes) -> Terms:
    """Return a license's terms ready to be asked."""
    agreed = license.terms
    media: dict[str, tuple[Span, ...]] = {}
    everywhere = 0
    for use in agreed.uses:
        countries = sum(codes.territories[code] for code in use.countries)
        everywhere |= countries
        span = Span(countries, use.starts_at, use.ends_at)
        media[use.media] = (*media.get(use.media, ()), span)
    return Terms(
        agreed.brand_id,
        media,
        everywhere,
        agreed.starts_at,
        agreed.ends_at,
        codes.categories.get(agreed.category, agreed.category),
        frozenset(agreed.prohibited_contexts),
        agreed.approval_required,
        codes,
    )


def decide(
    actor: Actor, use: Use, license: Compiled | None, consent: Consent | None, now: datetime
) -> Decision:
    """Say whether a use is allowed as things stand `now`, with every reason if it is not.

    It answers whatever it is given. `license` None: there is none, or none the caller may know
    of. `consent` None: identity did not say.
    """
    if license is None:
        return _NOT_FOUND
    terms = license.terms
    reasons: list[Reason] = []
    if actor.party_id != terms.brand_id:
        reasons.append(Reason.BRAND_NOT_LICENSED)
    if not license.active:
        reasons.append(Reason.LICENSE_NOT_ACTIVE)
    _judge_consent(reasons, consent, use, now)
    if not _is_plainly_covered(terms, use):
        _judge_use(reasons, terms, use)
    if use.category:
        _judge_category(reasons, terms, use.category)
    _judge_picture(reasons, license, consent, use)
    return Decision(allowed=False, reasons=tuple(reasons)) if reasons else ALLOWED


def _judge_consent(reasons: list[Reason], consent: Consent | None, use: Use, now: datetime) -> None:
    if consent is None:
        reasons.append(Reason.CONSENT_UNKNOWN)
        return
    if consent.standing is Standing.FROZEN:
        reasons.append(Reason.CONSENT_FROZEN)
        return
    if consent.standing is Standing.WITHDRAWN:
        if consent.ends_licenses or use.step is not Step.DELIVERY:
            reasons.append(Reason.CONSENT_WITHDRAWN)
    elif consent.standing is not Standing.ACTIVE:
        reasons.append(Reason.CONSENT_MISSING)
        return
    if use.step not in consent.steps:
        reasons.append(Reason.CONSENT_MISSING)
    if not _is_in_force(consent, use, now):
        reasons.append(Reason.CONSENT_NOT_IN_FORCE)


def _is_in_force(consent: Consent, use: Use, now: datetime) -> bool:
    """Tell whether a consent's duration holds now, and as long as the use."""
    starts_at, ends_at = consent.starts_at, consent.ends_at
    if starts_at is None or ends_at is None:
        return False
    return starts_at <= min(now, use.starts_at) and now < ends_at and use.ends_at <= ends_at


def _is_plainly_covered(terms: Terms, use: Use) -> bool:
    """Tell whether one use of the license alone covers medium, territory and time."""
    wanted = terms.codes.territories.get(use.territory, 0)
    starts_at, ends_at = use.starts_at, use.ends_at
    if not wanted or ends_at <= starts_at:
        return False
    for span in terms.media.get(use.media, ()):
        in_time = span.starts_at <= starts_at and ends_at <= span.ends_at
        if in_time and not wanted & ~span.countries:
            return True
    return False


def _judge_use(reasons: list[Reason], terms: Terms, use: Use) -> None:
    """Say which of medium, territory and time is in no use; if all are, whether together."""
    before = len(reasons)
    spans = terms.media.get(use.media, ())
    if not spans:
        known = use.media in terms.codes.media
        reasons.append(Reason.MEDIA_NOT_LICENSED if known else Reason.MEDIA_UNKNOWN)
    wanted = terms.codes.territories.get(use.territory, 0)
    if not wanted:
        reasons.append(Reason.TERRITORY_UNKNOWN)
    elif wanted & ~terms.countries:
        reasons.append(Reason.TERRITORY_NOT_LICENSED)
    if use.ends_at <= use.starts_at:
        reasons.append(Reason.TERM_INVALID)
    if use.starts_at < terms.starts_at:
        reasons.append(Reason.LICENSE_NOT_STARTED)
    if use.ends_at > terms.ends_at:
        reasons.append(Reason.LICENSE_EXPIRED)
    if len(reasons) == before and not _is_covered(spans, wanted, use):
        reasons.append(Reason.USE_NOT_LICENSED)


def _is_covered(spans: tuple[Span, ...], wanted: int, use: Use) -> bool:
    """Tell whether several uses of a medium together cover countries for the whole time."""
    edges = {use.starts_at}
    for span in spans:
        edges |= {at for at in (span.starts_at, span.ends_at) if use.starts_at < at < use.ends_at}
    for at in edges:
        together = 0
        for span in spans:
            if span.starts_at <= at < span.ends_at:
                together |= span.countries
        if wanted & ~together:
            return False
    return True


def _judge_category(reasons: list[Reason], terms: Terms, category: str) -> None:
    path = terms.codes.categories.get(category)
    if path is None:
        reasons.append(Reason.CATEGORY_UNKNOWN)
    elif not is_within(path, terms.category):
        reasons.append(Reason.CATEGORY_NOT_LICENSED)


def _judge_picture(
    reasons: list[Reason], license: Compiled, consent: Consent | None, use: Use
) -> None:
    if use.contexts:
        standing = consent.prohibited_contexts if consent is not None else frozenset[str]()
        if use.contexts & (license.terms.prohibited_contexts | standing):
            reasons.append(Reason.CONTEXT_PROHIBITED)
    if use.pictures > max(0, license.left):
        reasons.append(Reason.LICENSE_SPENT)
    if use.word is Word.MISSING and license.terms.approval_required:
        reasons.append(Reason.APPROVAL_MISSING)
