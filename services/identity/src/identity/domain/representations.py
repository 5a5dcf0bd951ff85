"""Representation: which agency represents a talent, for what share, until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, InvalidArgument, NotFound

from identity.domain import reading
from identity.domain.parties import Jurisdictions


class CommissionAboveCap(InvalidArgument):
    """The commission is more than the jurisdiction allows."""

    reason = "COMMISSION_ABOVE_CAP"
    field = "commission_bp"


class RepresentationTooLong(InvalidArgument):
    """Representation lasts longer than it may."""

    reason = "REPRESENTATION_TOO_LONG"
    field = "ends_at"


class RepresentationNotFound(NotFound):
    """No such representation, or none the caller may know of."""

    reason = "REPRESENTATION_NOT_FOUND"


class RepresentationNotProposed(FailedPrecondition):
    """It was signed before, on the same terms or itself, or its time is over."""

    reason = "REPRESENTATION_NOT_PROPOSED"


class RepresentationNotAgreed(FailedPrecondition):
    """She did not sign it, or it ended before."""

    reason = "REPRESENTATION_NOT_AGREED"


@dataclass(frozen=True, slots=True)
class Representation:
    """An agreement that an agency represents a talent: proposed, agreed by her, or ended."""

    id: str
    agency_id: str
    talent_id: str
    commission_bp: int
    jurisdiction: str
    starts_at: datetime
    ends_at: datetime
    """Half-open; it never renews itself."""
    agreed_at: datetime | None = None
    """When she signed; None while it is only proposed."""
    ended_at: datetime | None = None
    """When she or the agency ended it before its time."""


def check_representation(
    agreed: Representation, jurisdictions: Jurisdictions, *, now: datetime
) -> None:
    """Check what an agency and a talent agreed.

    Raises:
        FieldInvalid: a field is missing or malformed.
        CommissionAboveCap: more than the jurisdiction's cap.
        RepresentationTooLong: more than three years.
    """
    if not _is_place(agreed.jurisdiction):
        raise FieldInvalid("jurisdiction", 'must be an ISO 3166 code such as "US-NY"')
    fields.within(agreed.commission_bp, "commission_bp", 0, 10_000)
    for field in ("starts_at", "ends_at"):
        if getattr(agreed, field).microsecond:
            raise FieldInvalid(field, "must be whole seconds")
    reading.check_term(agreed.starts_at, agreed.ends_at, "ends_at", now=now)
    cap = jurisdictions.commission_caps_bp.get(agreed.jurisdiction, 10_000)
    if agreed.commission_bp > cap:
        raise CommissionAboveCap(
            f"commission is {agreed.commission_bp} bp, {agreed.jurisdiction} allows {cap}",
            commissionBp=agreed.commission_bp,
            capBp=cap,
            jurisdiction=agreed.jurisdiction,
        )
    years = jurisdictions.longest_representation_years
    if agreed.ends_at > _years_later(agreed.starts_at, years):
        raise RepresentationTooLong(f"representation lasts at most {years} years", years=years)


def check_may_sign(offer: Representation, *, now: datetime) -> None:
    """Check that an offer may still be signed. Raises RepresentationNotProposed."""
    known = {"representationId": offer.id}
    if offer.agreed_at is not None:
        raise RepresentationNotProposed(f"representation {offer.id} is agreed", **known)
    if now >= offer.ends_at:
        raise RepresentationNotProposed(f"representation {offer.id} is over", **known)


def check_may_end(agreed: Representation, *, now: datetime) -> None:
    """Check that there is something to end. Raises RepresentationNotAgreed."""
    known = {"representationId": agreed.id}
    if agreed.agreed_at is None:
        raise RepresentationNotAgreed(f"representation {agreed.id} is not signed", **known)
    if agreed.ended_at is not None or now >= agreed.ends_at:
        raise RepresentationNotAgreed(f"representation {agreed.id} has ended", **known)


def why_not(agreed: Representation, newest: Representation | None, *, now: datetime) -> str:
    """Return why the agency does not represent her now; nothing if it does.

    `newest` is what holds for her now: of several agreements, the one she signed last.
    """
    faults: Mapping[str, bool] = {
        "ENDED": agreed.ended_at is not None,
        "OVER": now >= agreed.ends_at,
        "PROPOSED": agreed.agreed_at is None,
        "NOT_BEGUN": now < agreed.starts_at,
        "REPLACED": newest is None or newest.id != agreed.id,
    }
    return next((name for name, is_so in faults.items() if is_so), "")


def say(agreed: Representation) -> dict[str, Any]:
    """Return what the talent signs to be represented."""
    return {
        "type": "sosia.representation/1",
        "agency_id": agreed.agency_id,
        "talent_id": agreed.talent_id,
        "commission_bp": agreed.commission_bp,
        "jurisdiction": agreed.jurisdiction,
        "starts_at": agreed.starts_at,
        "ends_at": agreed.ends_at,
    }


def say_end(agreed: Representation) -> dict[str, Any]:
    """Return what she or the agency signs to end it before its time."""
    return {
        "type": "sosia.representation-end/1",
        "representation_id": agreed.id,
        "talent_id": agreed.talent_id,
        "agency_id": agreed.agency_id,
    }


def _is_place(code: str) -> bool:
    country, _, part = code.partition("-")
    known = len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()
    plain = part.isascii() and part.isalnum() and part == part.upper() and len(part) <= 3
    return known and (plain if "-" in code else True)


def _years_later(start: datetime, years: int) -> datetime:
    """Return the same day years later; 29 February becomes the 28th."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, day=28)
