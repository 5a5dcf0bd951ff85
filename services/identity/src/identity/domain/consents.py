"""Consent to a digital replica: what it must say, and what it covers when."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

from identity.domain import reading
from identity.domain.estates import Life

_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LARGEST_AMOUNT = 2**53 - 1  # what canonical JSON writes exactly
_MISSING = "CONSENT_TERM_MISSING"


class ConsentNotFound(NotFound):
    """No such consent, or none the caller may know of."""

    reason = "CONSENT_NOT_FOUND"


class ConsentNotProposed(FailedPrecondition):
    """The consent was signed or withdrawn before."""

    reason = "CONSENT_NOT_PROPOSED"


class ConsentNotActive(FailedPrecondition):
    """The consent is not live."""

    reason = "CONSENT_NOT_ACTIVE"


class ConsentSuperseded(FailedPrecondition):
    """Another consent took its place before."""

    reason = "CONSENT_SUPERSEDED"


class ConsentMissing(FailedPrecondition):
    """No live consent covers the step."""

    reason = "CONSENT_MISSING"


class State(StrEnum):
    """Where a consent stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """A step of the chain a consent may cover, in the chain's order."""

    CAPTURE = "capture"
    TRAINING = "training"
    LICENSING = "licensing"
    RENDERING = "rendering"
    DELIVERY = "delivery"


class Advice(StrEnum):
    """Who advised the talent."""

    COUNSEL = "counsel"
    UNION = "union"
    NONE = "none"


class Policy(StrEnum):
    """What a withdrawal does to licenses already paid."""

    RUN_TO_TERM = "run_to_term"
    END_NOW = "end_now"


@dataclass(frozen=True, slots=True)
class Draft:
    """Terms as somebody sent them: None or empty where nothing was said."""

    talent_id: str
    scope: tuple[Step | None, ...]
    purpose: str
    currency_code: str
    amount_minor: int | None
    rate_basis: str
    starts_at: datetime | None
    ends_at: datetime | None
    uses: str
    language: str
    advice: Advice | None
    withdrawal_policy: Policy | None
    prohibited_contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything a talent agrees to."""

    talent_id: str
    scope: tuple[Step, ...]
    purpose: str
    currency_code: str
    amount_minor: int
    rate_basis: str
    starts_at: datetime
    ends_at: datetime
    uses: str
    language: str
    advice: Advice
    withdrawal_policy: Policy
    prohibited_contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """A talent's consent, or the proposal of one."""

    id: str
    state: State
    terms: Terms
    statement: bytes
    withdrawal_statement: bytes
    proposed_by: str
    proposed_at: datetime
    text: str
    """The terms in plain words, as she reads them."""
    text_version: int
    supersedes: str = ""
    """The consent it takes the place of when it is signed."""
    signed_at: datetime | None = None
    superseded_by: str = ""
    superseded_at: datetime | None = None
    withdrawn_at: datetime | None = None
    receipt_id: str = ""


def _missing(field: str, rule: str) -> FieldInvalid:
    return FieldInvalid(f"terms.{field}", rule, reason=_MISSING)


def check_terms(draft: Draft, *, now: datetime) -> Terms:
    """Return the terms if nothing is missing and everything is well formed.

    Raises:
        FieldInvalid: CONSENT_TERM_MISSING names the first term that is not there,
            FIELD_INVALID one that is malformed.
    """
    if not draft.talent_id:
        raise _missing("talent_id", "must name the talent")
    scope = _scope(draft.scope)
    purpose = _term(draft.purpose, "purpose", 500)
    amount = _rate(draft)
    rate_basis = _term(draft.rate_basis, "rate_basis", 200)
    starts_at, ends_at = _duration(draft, now)
    uses = _term(draft.uses, "uses", 4000)
    language = _term(draft.language, "language", 35)
    if not _LANGUAGE.fullmatch(language):
        raise FieldInvalid("terms.language", 'must be a BCP 47 tag such as "sv"')
    if draft.advice is None:
        raise _missing("advice", "must say who advised the talent")
    if draft.withdrawal_policy is None:
        raise _missing("withdrawal_policy", "must say what a withdrawal does to paid licenses")
    return Terms(
        draft.talent_id,
        scope,
        purpose,
        draft.currency_code,
        amount,
        rate_basis,
        starts_at,
        ends_at,
        uses,
        language,
        draft.advice,
        draft.withdrawal_policy,
        _contexts(draft.prohibited_contexts),
    )


def _term(value: str, field: str, longest: int) -> str:
    name = f"terms.{field}"
    return reading.shown(fields.text(value, name, longest=longest, reason=_MISSING), name)


def _scope(steps: tuple[Step | None, ...]) -> tuple[Step, ...]:
    if not steps:
        raise _missing("scope", "must name the steps covered")
    for index, step in enumerate(steps):
        if step is None:
            raise FieldInvalid(f"terms.scope[{index}]", "must be a step of the chain")
    return tuple(step for step in Step if step in steps)


def _rate(draft: Draft) -> int:
    if draft.amount_minor is None:
        raise _missing("rate_of_pay", "must say what the talent is paid")
    if not draft.currency_code:
        raise _missing("rate_of_pay.currency_code", "must name the currency")
    if not _CURRENCY.fullmatch(draft.currency_code):
        raise FieldInvalid("terms.rate_of_pay.currency_code", "must be three capital letters")
    if draft.amount_minor == 0:
        raise _missing("rate_of_pay.amount_minor", "must say what the talent is paid")
    if not 0 < draft.amount_minor <= _LARGEST_AMOUNT:
        raise FieldInvalid("terms.rate_of_pay.amount_minor", "must be above zero")
    return draft.amount_minor


def _duration(draft: Draft, now: datetime) -> tuple[datetime, datetime]:
    if draft.starts_at is None:
        raise _missing("starts_at", "must say when it begins")
    if draft.ends_at is None:
        raise _missing("ends_at", "must say when it ends")
    reading.check_term(draft.starts_at, draft.ends_at, "terms.ends_at", now=now)
    return draft.starts_at, draft.ends_at


def _contexts(contexts: tuple[str, ...]) -> tuple[str, ...]:
    if len(contexts) > 100:
        raise FieldInvalid("terms.prohibited_contexts", "must be at most 100")
    tidy = []
    for index, context in enumerate(contexts):
        name = f"terms.prohibited_contexts[{index}]"
        tidy.append(reading.shown(fields.text(context, name, longest=80), name))
    return tuple(dict.fromkeys(tidy))


def check_supersedable(old: Consent, terms: Terms, *, now: datetime) -> None:
    """Check that a consent to `terms` may be proposed to take the place of `old`.

    Raises:
        FieldInvalid: `old` is of another talent, or the new one has not begun: between the two
            would be a time that neither covers.
        ConsentSuperseded: another took its place.
        ConsentNotActive: it was not signed, was withdrawn, or has ended.
    """
    if old.terms.talent_id != terms.talent_id:
        raise FieldInvalid("supersedes", "must be a consent of the same talent")
    _check_live(old)
    if now >= old.terms.ends_at:
        raise ConsentNotActive(f"consent {old.id} has ended", consentId=old.id)
    if terms.starts_at > now:
        raise FieldInvalid("terms.starts_at", "must not lie ahead where it supersedes a consent")


def _check_live(consent: Consent) -> None:
    if consent.state is State.SUPERSEDED:
        raise ConsentSuperseded(
            f"consent {consent.id} was superseded by {consent.superseded_by}",
            consentId=consent.id,
            supersededBy=consent.superseded_by,
        )
    if consent.state is not State.ACTIVE:
        raise ConsentNotActive(f"consent {consent.id} is {consent.state}", consentId=consent.id)


def sign(consent: Consent, *, receipt_id: str, now: datetime) -> Consent:
    """Make a proposed consent live.

    Raises:
        ConsentNotProposed: it was signed before, or its term has ended meanwhile.
    """
    if consent.state is not State.PROPOSED:
        raise ConsentNotProposed(f"consent {consent.id} is {consent.state}", consentId=consent.id)
    if now >= consent.terms.ends_at:
        raise ConsentNotProposed(f"consent {consent.id} has ended", consentId=consent.id)
    return replace(consent, state=State.ACTIVE, signed_at=now, receipt_id=receipt_id)


def supersede(old: Consent, by: Consent, *, now: datetime) -> Consent:
    """Let a consent that is being signed take the place of the one it says it supersedes.

    Raises:
        ConsentSuperseded: another took its place first.
        ConsentNotActive: it was withdrawn meanwhile.
    """
    _check_live(old)
    return replace(old, state=State.SUPERSEDED, superseded_by=by.id, superseded_at=now)


def withdraw(consent: Consent, *, receipt_id: str, now: datetime) -> Consent:
    """End a consent, live or superseded.

    Raises:
        ConsentNotActive: it is not signed, or was withdrawn before.
    """
    if consent.state not in (State.ACTIVE, State.SUPERSEDED):
        raise ConsentNotActive(f"consent {consent.id} is {consent.state}", consentId=consent.id)
    return replace(consent, state=State.WITHDRAWN, withdrawn_at=now, receipt_id=receipt_id)


_SUCCEEDED = (Step.RENDERING, Step.DELIVERY)
"""What goes on under a settled estate: it ends nothing by itself, and begins nothing new."""


def covers(consent: Consent, step: Step, *, now: datetime, life: Life = Life.LIVING) -> bool:
    """Tell whether a consent allows `step` now.

    Delivery of pictures already released outlives a withdrawal with policy run_to_term, and
    whatever takes the consent's place, to the end of the consent's term. Nothing is allowed from
    the moment her estate is opened until it is settled.
    """
    terms = consent.terms
    if life in (Life.FROZEN, Life.ERASED) or (life is Life.SUCCEEDED and step not in _SUCCEEDED):
        return False
    if step not in terms.scope or not terms.starts_at <= now < terms.ends_at:
        return False
    if consent.state is State.SUPERSEDED:
        return step is Step.DELIVERY
    if consent.state is State.WITHDRAWN:
        return step is Step.DELIVERY and terms.withdrawal_policy is Policy.RUN_TO_TERM
    return consent.state is State.ACTIVE


def find_covering(
    consents: list[Consent],
    talent_id: str,
    step: Step,
    *,
    now: datetime,
    life: Life = Life.LIVING,
) -> Consent:
    """Return the first consent that covers the step.

    Raises:
        ConsentMissing: none does.
    """
    for consent in consents:
        if covers(consent, step, now=now, life=life):
            return consent
    raise ConsentMissing(
        f"no live consent of {talent_id} covers {step}", talentId=talent_id, step=step
    )
