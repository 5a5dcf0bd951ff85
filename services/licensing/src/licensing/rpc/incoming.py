"""From messages to the domain."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from kit import once
from kit.errors import FieldInvalid
from sosia.common.v1 import money_pb2, use_pb2
from sosia.licensing.v1 import license_pb2
from sosia.licensing.v1 import licensing_service_pb2 as pb

from licensing.domain.approvals import Word
from licensing.domain.cards import Factor, Prices
from licensing.domain.grants import Work
from licensing.domain.ledger import Credit
from licensing.domain.money import Money
from licensing.domain.terms import Asked, UseAsked, tidy_context
from licensing.service.commands import Command
from licensing.service.decisions import Question
from licensing.service.exchange import Format
from licensing.service.offers import Answer
from licensing.service.releases import Picture


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


def to_given_time(message: Message, name: str, field: str) -> datetime | None:
    """Read a time that may be absent."""
    return to_time(getattr(message, name), field) if message.HasField(name) else None


def to_prices(card: license_pb2.RateCard) -> Prices:
    """Read what somebody says of a rate card, whatever is missing."""
    return Prices(
        card.talent_id,
        _money(card.day_rate) if card.HasField("day_rate") else None,
        _factors(card.media),
        _factors(card.territories),
        _factors(card.terms),
        card.exclusivity_bp,
        _money(card.per_image) if card.HasField("per_image") else None,
        card.crew_pool_bp,
        _money(card.floor) if card.HasField("floor") else None,
    )


def _money(amount: money_pb2.Money) -> Money:
    return Money(amount.currency_code, amount.amount_minor)


def _factors(factors: Iterable[license_pb2.Factor]) -> tuple[Factor, ...]:
    return tuple(Factor(factor.code, factor.basis_points) for factor in factors)


def to_asked(terms: license_pb2.LicenseTerms) -> Asked:
    """Read terms, whatever is missing."""
    return Asked(
        terms.brand_id,
        terms.talent_id,
        terms.purpose,
        tuple(_use(use, f"terms.uses[{index}]") for index, use in enumerate(terms.uses)),
        terms.category,
        terms.exclusive,
        terms.image_cap,
        terms.approval_required,
        tuple(terms.prohibited_contexts),
    )


def _use(use: use_pb2.Use, field: str) -> UseAsked:
    return UseAsked(
        use.media,
        tuple(use.territories),
        to_given_time(use, "starts_at", f"{field}.starts_at"),
        to_given_time(use, "ends_at", f"{field}.ends_at"),
        use.zone,
    )


def to_answer(request: pb.CounterLicenseRequest) -> Answer:
    """Read what a side wants instead of what it was offered."""
    return Answer(
        to_asked(request.terms) if request.HasField("terms") else None,
        _money(request.fee) if request.HasField("fee") else None,
        request.note,
    )


def to_question(request: pb.AuthorizeRequest, at: str = "") -> Question:
    """Read a use somebody asks about; `at` is where the question stands in a request."""
    return Question(
        license_id=request.license_id,
        render_id=request.render_id,
        brand_id=request.brand_id,
        media=request.media,
        territory=request.territory,
        starts_at=to_given_time(request, "at", f"{at}at"),
        ends_at=to_given_time(request, "ends_at", f"{at}ends_at"),
        category=request.category,
        contexts=frozenset(map(tidy_context, request.contexts)),
        pictures=request.pictures,
    )


def to_work(request: pb.IssueGrantRequest) -> Work:
    """Read what a grant is asked for."""
    return Work(request.license_id, request.twin_version_id, request.brief_sha256, request.count)


def to_word(request: pb.DecideApprovalRequest) -> Word:
    """Read what a talent said."""
    return Word(request.approve, request.reason, request.signature)


def to_picture(request: pb.ReleasePictureRequest) -> Picture:
    """Read which picture is wanted; names of credits are not needed here."""
    credits = tuple(Credit(credit.party_id, credit.role) for credit in request.credits)
    return Picture(request.license_id, request.render_id, request.picture_sha256, credits)


def to_format(given: int) -> Format:
    """Read how a license is to be written. Raises FieldInvalid."""
    name = pb.LicenseFormat.keys()[given] if given in pb.LicenseFormat.values() else ""
    try:
        return Format(name.removeprefix("LICENSE_FORMAT_").lower())
    except ValueError as error:
        raise FieldInvalid("format", "must be LICENSE_FORMAT_ODRL or _PLUS") from error


def to_document(given: Struct) -> dict[str, Any]:
    """Read a document.

    Raises:
        FieldInvalid: a number that JSON has not.
    """
    try:
        return json_format.MessageToDict(given)
    except (json_format.Error, ValueError) as error:
        raise FieldInvalid("document", "must be JSON: no NaN and no infinity") from error
