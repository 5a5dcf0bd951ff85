"""Licenses and twins, as render reads them; licensing and training own them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit.errors import FailedPrecondition


class LicenseNotActive(FailedPrecondition):
    """Nothing is made or handed out under this license, now or any more."""

    reason = "LICENSE_NOT_ACTIVE"


class LicenseExpired(FailedPrecondition):
    """The license's term is over."""

    reason = "LICENSE_EXPIRED"


class State(StrEnum):
    """Where a license stands with licensing."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    DECLINED = "declined"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class License:
    """What render must know of a license. Its term is half-open."""

    id: str
    brand_id: str
    talent_id: str
    state: State
    starts_at: datetime
    ends_at: datetime
    territories: tuple[str, ...] = ()
    """Of all its uses: ISO 3166 codes and regions, as they were asked for."""


@dataclass(frozen=True, slots=True)
class Twin:
    """What render must know of a twin version."""

    id: str
    talent_id: str
    consent_id: str
    base: str
    adapter_object_key: str
    adapter_sha256: str
    """Of the sealed bytes, hex."""
    dataset_sha256: str = ""
    """Of the capture set it was trained on, as training hashed it, hex."""


def check_live(license: License, *, now: datetime) -> None:
    """Check that pictures may be made and handed out under a license.

    Raises:
        LicenseNotActive: it was never granted, was revoked, or has not begun.
        LicenseExpired: its term is over.
    """
    if license.state is not State.ACTIVE:
        raise LicenseNotActive(f"license {license.id} is {license.state}", licenseId=license.id)
    if now < license.starts_at:
        raise LicenseNotActive(f"license {license.id} has not begun", licenseId=license.id)
    if now >= license.ends_at:
        raise LicenseExpired(f"license {license.id} has expired", licenseId=license.id)


def describe(license: License, *, now: datetime) -> str:
    """Return what the public is told of a license: in term, not yet, expired or revoked."""
    if license.state is not State.ACTIVE:
        return "revoked"
    if now < license.starts_at:
        return "not yet"
    return "in term" if now < license.ends_at else "expired"
