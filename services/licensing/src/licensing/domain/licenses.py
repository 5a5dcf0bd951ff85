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
    ACTIVE = "active"
    DECLINED = "declined"
    REVOKED = "revoked"


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


def check_signable(license: License, *, now: datetime) -> None:
    """Check that a license may still be signed.

    Raises:
        LicenseNotProposed: it is past that, or its term has ended meanwhile.
    """
    if license.state is not State.PROPOSED:
        raise LicenseNotProposed(f"license {license.id} is {license.state}", licenseId=license.id)
    if now >= license.terms.ends_at:
        raise LicenseNotProposed(f"license {license.id} has ended", licenseId=license.id)


def sign(license: License, *, consent_id: str, now: datetime) -> License:
    """Make a proposed license live. Raises LicenseNotProposed."""
    check_signable(license, now=now)
    return replace(license, state=State.ACTIVE, signed_at=now, consent_id=consent_id)


def decline(license: License, *, now: datetime) -> License:
    """Refuse a proposed license. Raises LicenseNotProposed."""
    check_signable(license, now=now)
    return replace(license, state=State.DECLINED)


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
    if license.state is not State.ACTIVE:
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
