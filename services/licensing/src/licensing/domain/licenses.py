"""Licenses: one person's permission to use her twin, and whether it allows a use."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit.errors import FailedPrecondition, NotFound, ResourceExhausted

from licensing.domain.money import Money
from licensing.domain.quotes import Quote
from licensing.domain.terms import Terms, say_terms


class LicenseNotFound(NotFound):
    """No such license, or none the caller may know of."""

    reason = "LICENSE_NOT_FOUND"


class LicenseNotProposed(FailedPrecondition):
    """The license was signed, declined or revoked before, or its term is over."""

    reason = "LICENSE_NOT_PROPOSED"


class LicenseNotAccepted(FailedPrecondition):
    """The brand has not said yes to what the talent's side offers."""

    reason = "LICENSE_NOT_ACCEPTED"


class NotYourTurn(FailedPrecondition):
    """The offer is this side's own, or was accepted: the other side has the word."""

    reason = "NOT_YOUR_TURN"


class LicenseNotActive(FailedPrecondition):
    """The license is not signed, was ended, or has not begun."""

    reason = "LICENSE_NOT_ACTIVE"


class LicenseExpired(FailedPrecondition):
    """The license's term is over."""

    reason = "LICENSE_EXPIRED"


class LicenseSpent(ResourceExhausted):
    """Every picture of the license was released."""

    reason = "LICENSE_SPENT"


class ExclusivityConflict(FailedPrecondition):
    """An exclusivity contradicts the license; it was declined."""

    reason = "EXCLUSIVITY_CONFLICT"


class ConsentMissing(FailedPrecondition):
    """The talent's consent does not cover this, or no longer does."""

    reason = "CONSENT_MISSING"


class State(StrEnum):
    """Where a license stands."""

    PROPOSED = "proposed"
    COUNTERED = "countered"
    """The other side answered with an offer of its own."""
    ACTIVE = "active"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Side(StrEnum):
    """The two sides of a license."""

    BRAND = "brand"
    TALENT = "talent"
    """The talent, or the agency that represents her."""


@dataclass(frozen=True, slots=True)
class License:
    """One person's permission to use her twin."""

    id: str
    quote_id: str
    terms: Terms
    state: State
    statement: bytes
    fee: Money
    per_image: Money
    crew_pool_bp: int
    images_used: int
    created_at: datetime
    signed_at: datetime | None = None
    consent_id: str = ""
    """The consent it was granted under; empty until it is signed."""
    offered_by: Side = Side.BRAND
    accepted_at: datetime | None = None
    """When the brand said yes to an offer of the talent's side."""
    answers: str = ""
    """The license whose offer this one answers."""
    renews: str = ""
    delegation_id: str = ""
    """The delegation an agency signed it under; empty where the talent signed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a license's life."""

    license_id: str
    state: State
    at: datetime
    party_id: str
    """Who did it; empty when time or a withdrawn consent did."""
    note: str = ""


def say_license(license_id: str, quote: Quote) -> dict[str, Any]:
    """Return what the talent signs to grant the license, as plain JSON values."""
    return {
        "type": "sosia.license/1",
        "license_id": license_id,
        "quote_id": quote.id,
        **say_terms(quote.terms),
        "fee": _say_money(quote.total),
        "per_image": _say_money(quote.per_image),
        "crew_pool_bp": quote.crew_pool_bp,
    }


def _say_money(amount: Money) -> dict[str, Any]:
    return {"amount_minor": amount.minor, "currency_code": amount.currency}


def say_revocation(license_id: str) -> bytes:
    """Return the ASCII bytes the talent signs to end a license."""
    return f"revoke:{license_id}".encode("ascii")


def check_open(license: License, *, now: datetime) -> None:
    """Check that an offer still stands.

    Raises:
        LicenseNotProposed: it was answered, signed or refused, or its term has ended meanwhile.
    """
    if license.state is not State.PROPOSED:
        raise LicenseNotProposed(f"license {license.id} is {license.state}", licenseId=license.id)
    if now >= license.terms.ends_at:
        raise LicenseNotProposed(f"license {license.id} has ended", licenseId=license.id)


def check_signable(license: License, *, now: datetime) -> None:
    """Check that a license may be signed: an open offer that both sides want.

    Raises:
        LicenseNotProposed, LicenseNotAccepted: in this order.
    """
    check_open(license, now=now)
    if license.offered_by is Side.TALENT and license.accepted_at is None:
        raise LicenseNotAccepted(
            f"the brand has not accepted license {license.id}", licenseId=license.id
        )


def counter(license: License, side: Side, *, now: datetime) -> License:
    """Close an offer that `side` answers with its own. Raises LicenseNotProposed, NotYourTurn."""
    _check_turn(license, side, now=now)
    return replace(license, state=State.COUNTERED)


def accept(license: License, *, now: datetime) -> License:
    """Note the brand's yes to an offer. Raises LicenseNotProposed, NotYourTurn."""
    _check_turn(license, Side.BRAND, now=now)
    return replace(license, accepted_at=now)


def _check_turn(license: License, side: Side, *, now: datetime) -> None:
    check_open(license, now=now)
    if license.offered_by is side or license.accepted_at is not None:
        raise NotYourTurn(
            f"license {license.id} waits for the other side", licenseId=license.id, side=side
        )


def sign(license: License, *, consent_id: str, now: datetime, delegation_id: str = "") -> License:
    """Make a proposed license live. Raises LicenseNotProposed."""
    check_signable(license, now=now)
    return replace(
        license,
        state=State.ACTIVE,
        signed_at=now,
        consent_id=consent_id,
        delegation_id=delegation_id,
    )


def decline(license: License, *, now: datetime) -> License:
    """Refuse a proposed license. Raises LicenseNotProposed."""
    check_open(license, now=now)
    return replace(license, state=State.DECLINED)


def expire(license: License, *, now: datetime) -> License:
    """End a live license whose term is over. Raises LicenseNotActive: it is not, or not yet."""
    if license.state is not State.ACTIVE or now < license.terms.ends_at:
        raise LicenseNotActive(f"license {license.id} is {license.state}", licenseId=license.id)
    return replace(license, state=State.EXPIRED)


def revoke(license: License) -> License:
    """End a live license.

    Raises:
        LicenseNotActive: it is not live.
    """
    if license.state is not State.ACTIVE:
        raise LicenseNotActive(f"license {license.id} is {license.state}", licenseId=license.id)
    return replace(license, state=State.REVOKED)


def check_live(license: License, *, now: datetime) -> None:
    """Check that a license is active and in its term, which ends just before `ends_at`.

    Raises:
        LicenseNotActive, LicenseExpired: in this order; a license that has not begun is not
            active.
    """
    if license.state not in (State.ACTIVE, State.EXPIRED):
        raise LicenseNotActive(f"license {license.id} is {license.state}", licenseId=license.id)
    starts_at, ends_at = license.terms.starts_at, license.terms.ends_at
    if now < starts_at:
        raise LicenseNotActive(
            f"license {license.id} starts at {starts_at}", licenseId=license.id, startsAt=starts_at
        )
    if now >= ends_at:
        raise LicenseExpired(
            f"license {license.id} ended at {ends_at}", licenseId=license.id, endedAt=ends_at
        )


def check_unspent(license: License) -> None:
    """Check that a picture is left. Raises LicenseSpent."""
    if license.images_used >= license.terms.image_cap:
        raise LicenseSpent(
            f"all {license.terms.image_cap} pictures of license {license.id} were released",
            licenseId=license.id,
            imageCap=license.terms.image_cap,
        )


def draw(license: License, *, now: datetime) -> License:
    """Draw one picture. Raises what `check_live` and `check_unspent` raise."""
    check_live(license, now=now)
    check_unspent(license)
    return replace(license, images_used=license.images_used + 1)
