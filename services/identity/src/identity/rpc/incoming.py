"""From messages to the domain."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from kit import once
from kit.errors import FieldInvalid
from sosia.common.v1 import credit_pb2
from sosia.identity.v1 import (
    capture_pb2,
    consent_pb2,
    delegation_pb2,
    estate_pb2,
    identity_service_pb2,
    key_pb2,
    party_pb2,
)

from identity.domain.captures import Credit, Facts, Mark, SeenMark
from identity.domain.consents import Advice, Draft, Policy, Step
from identity.domain.delegations import Act as DelegatedAct
from identity.domain.delegations import Bounds
from identity.domain.estates import Act, Opening
from identity.domain.parties import Kind, NewParty
from identity.domain.representations import Representation
from identity.domain.signing_keys import NewKey
from identity.service.commands import Command


def to_command(request: Message) -> Command:
    """Read the id of a request and what its content is."""
    request_id: str = getattr(request, "request_id")  # noqa: B009 -- every command has one
    return Command(request_id, once.digest(request))


def to_time(value: Timestamp, field: str) -> datetime:
    """Read a time, in UTC.

    Raises:
        FieldInvalid: not between the years 1 and 9999.
    """
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise FieldInvalid(field, "must be a time from year 1 to 9999") from error


def _given_time(message: Message, name: str, field: str) -> datetime | None:
    return to_time(getattr(message, name), field) if message.HasField(name) else None


def to_kind(value: "party_pb2.PartyKind.ValueType") -> Kind | None:
    """Read a kind of party; None for unspecified and for numbers we do not know."""
    if value not in party_pb2.PartyKind.values() or value == party_pb2.PARTY_KIND_UNSPECIFIED:
        return None
    return Kind[party_pb2.PartyKind.Name(value).removeprefix("PARTY_KIND_")]


def to_new_party(request: identity_service_pb2.RegisterPartyRequest) -> NewParty:
    """Read a party to be registered. Raises FieldInvalid: no kind."""
    kind = to_kind(request.kind)
    if kind is None:
        raise FieldInvalid("kind", "must say what the party is")
    return NewParty(
        kind,
        request.name,
        request.public_name,
        request.public_key,
        request.birth_date,
        request.synthetic,
        to_passkey(request.passkey) if request.HasField("passkey") else None,
    )


def to_passkey(passkey: key_pb2.NewPasskey) -> NewKey:
    """Read a passkey somebody made. Raises FieldInvalid: there is nothing of it."""
    if not passkey.credential:
        raise FieldInvalid("passkey.credential", "must not be empty")
    return NewKey(passkey.name, passkey.credential)


def to_new_key(request: identity_service_pb2.AddKeyRequest) -> NewKey:
    """Read a key to be added. Raises FieldInvalid: none is given, or two."""
    if request.HasField("passkey") == request.HasField("ed25519"):
        raise FieldInvalid("passkey", "must be given, or else ed25519")
    if request.HasField("passkey"):
        return to_passkey(request.passkey)
    return NewKey(request.ed25519.name, public_key=request.ed25519.public_key)


def to_representation(
    request: identity_service_pb2.AgreeRepresentationRequest
    | identity_service_pb2.ProposeRepresentationRequest,
) -> Representation:
    """Read a representation, which has no id yet. Raises FieldInvalid: a time is missing."""
    for field in ("starts_at", "ends_at"):
        if not request.HasField(field):
            raise FieldInvalid(field, "must be given")
    return Representation(
        "",
        request.agency_id,
        request.talent_id,
        request.commission_bp,
        request.jurisdiction,
        to_time(request.starts_at, "starts_at"),
        to_time(request.ends_at, "ends_at"),
    )


def to_step(value: "consent_pb2.Step.ValueType") -> Step | None:
    """Read a step; None for unspecified and for numbers we do not know."""
    if value not in consent_pb2.Step.values() or value == consent_pb2.STEP_UNSPECIFIED:
        return None
    return Step[consent_pb2.Step.Name(value).removeprefix("STEP_")]


def to_named_step(value: "consent_pb2.Step.ValueType") -> Step:
    """Read a step that must be named. Raises FieldInvalid."""
    step = to_step(value)
    if step is None:
        raise FieldInvalid("step", "must be a step of the chain")
    return step


def to_draft(terms: consent_pb2.ConsentTerms) -> Draft:
    """Read terms, whatever is missing."""
    paid = terms.HasField("rate_of_pay")
    advice = (None, Advice.COUNSEL, Advice.UNION, Advice.NONE)
    policy = (None, Policy.RUN_TO_TERM, Policy.END_NOW)
    return Draft(
        talent_id=terms.talent_id,
        scope=tuple(to_step(step) for step in terms.scope),
        purpose=terms.purpose,
        currency_code=terms.rate_of_pay.currency_code,
        amount_minor=terms.rate_of_pay.amount_minor if paid else None,
        rate_basis=terms.rate_basis,
        starts_at=_given_time(terms, "starts_at", "terms.starts_at"),
        ends_at=_given_time(terms, "ends_at", "terms.ends_at"),
        uses=terms.uses,
        language=terms.language,
        advice=dict(enumerate(advice)).get(terms.advice),
        withdrawal_policy=dict(enumerate(policy)).get(terms.withdrawal_policy),
        prohibited_contexts=tuple(terms.prohibited_contexts),
    )


def to_mark(mark: capture_pb2.BodyMark) -> Mark:
    """Read a mark of the body."""
    return Mark(mark.name, mark.site, mark.radius_mm)


def to_credit(credit: credit_pb2.Credit) -> Credit:
    """Read a credit; the name is filled in from the party."""
    return Credit(credit.party_id, "", credit.role)


def to_facts(facts: capture_pb2.PhotoFacts) -> Facts:
    """Read what the photographer says of a photo."""
    return Facts(
        facts.framing,
        facts.yaw,
        facts.pitch,
        facts.lighting,
        facts.pose,
        facts.caption,
        tuple(SeenMark(mark.name, mark.x, mark.y) for mark in facts.marks),
    )


def to_bounds(bounds: delegation_pb2.DelegationBounds) -> Bounds:
    """Read the bounds of a delegation, whatever is missing."""
    acts = (None, DelegatedAct.SIGN_LICENSE, DelegatedAct.DECIDE_APPROVAL)
    return Bounds(
        tuple(dict(enumerate(acts)).get(act) for act in bounds.acts),
        tuple(bounds.brand_ids),
        tuple(bounds.categories),
        bounds.fee_floor.currency_code,
        bounds.fee_floor.amount_minor,
        _given_time(bounds, "starts_at", "bounds.starts_at"),
        _given_time(bounds, "ends_at", "bounds.ends_at"),
        bounds.longest_term_days,
        bounds.exclusive,
    )


def to_opening(request: identity_service_pb2.OpenEstateRequest) -> Opening:
    """Read what staff says to open an estate."""
    return Opening(
        request.talent_id,
        request.died_on,
        request.evidence,
        request.evidence_sha256,
        tuple(request.successor_ids),
    )


def to_act(value: "estate_pb2.SigningAct.ValueType") -> Act:
    """Read what a signature would do. Raises FieldInvalid."""
    acts = (None, Act.GRANT, Act.APPROVE, Act.NARROW)
    act = dict(enumerate(acts)).get(value)
    if act is None:
        raise FieldInvalid("act", "must be named")
    return act
