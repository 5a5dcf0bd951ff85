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
    COUNTERED = "countered"
    EXPIRED = "expired"


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
    media: tuple[str, ...] = ()
    """Of all its uses."""
    purpose: str = ""


class TwinBelowBar(FailedPrecondition):
    """The twin version is not near enough to its talent, and she did not accept it."""

    reason = "TWIN_BELOW_BAR"


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What training says of a twin version's likeness.

    Attributes:
        allowed: it passes the house's gates, or its talent signed that she accepts it.
        gate: the first gate that does not hold; "" if all do, "measurement" without a report.
        figure, bar: of that gate.
        template_object_key, template_sha256: who she is, sealed; empty where nobody knows.
        mean, deviation: distance of the report's renders to her; unitless.
    """

    allowed: bool
    gate: str = ""
    figure: float = 0.0
    bar: float = 0.0
    template_object_key: str = ""
    template_sha256: str = ""
    mean: float = 0.0
    deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class Signed:
    """A license's terms as evidence.

    Attributes:
        statement: canonical JSON (RFC 8785) that the talent signs to grant it.
        uses: what it covers, as media and territory.
    """

    statement: bytes
    uses: tuple[tuple[str, str], ...]


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
    fidelity: Fidelity
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


def check_fidelity(twin: Twin) -> None:
    """Check that a twin version may be rendered for a license.

    Raises:
        TwinBelowBar: it was never measured, or is below a bar and its talent has not accepted it.
    """
    told = twin.fidelity
    if told.allowed:
        return
    where = {"twinVersionId": twin.id, "gate": told.gate}
    if told.gate == "measurement":
        raise TwinBelowBar(f"twin {twin.id} was never measured", **where)
    raise TwinBelowBar(
        f"twin {twin.id} fails the gate {told.gate}: {told.figure:.3f} against {told.bar:.3f};"
        " its talent may accept it",
        **where,
        figure=f"{told.figure:.3f}",
        bar=f"{told.bar:.3f}",
    )


def describe(license: License, *, now: datetime) -> str:
    """Return what the public is told of a license: in term, not yet, expired or revoked."""
    if license.state not in (State.ACTIVE, State.EXPIRED):
        return "revoked"
    if now < license.starts_at:
        return "not yet"
    return "in term" if now < license.ends_at else "expired"
