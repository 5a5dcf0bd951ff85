"""Delegations: what an agency may do in a talent's name, how far, and until when. Never consent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

from identity.domain import reading

_MOST_BRANDS = 100
_MOST_CATEGORIES = 50
_LONGEST_TERM_DAYS = 1095
_LARGEST_AMOUNT = 2**53 - 1  # what canonical JSON writes exactly


class DelegationNotFound(NotFound):
    """No such delegation, or none the caller may know of."""

    reason = "DELEGATION_NOT_FOUND"


class DelegationNotProposed(FailedPrecondition):
    """It was signed or ended before, or a newer version was signed."""

    reason = "DELEGATION_NOT_PROPOSED"


class DelegationNotActive(FailedPrecondition):
    """It is not signed, or was ended before."""

    reason = "DELEGATION_NOT_ACTIVE"


class NotRepresented(FailedPrecondition):
    """The agency does not represent the talent now."""

    reason = "NOT_REPRESENTED"


class State(StrEnum):
    """Where a delegation stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


class Act(StrEnum):
    """What may be delegated. Consent is not among it."""

    SIGN_LICENSE = "sign_license"
    DECIDE_APPROVAL = "decide_approval"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a delegation goes; in a request, None where an act or a time was not said."""

    acts: tuple[Act | None, ...]
    brand_ids: tuple[str, ...]
    categories: tuple[str, ...]
    currency_code: str
    floor_minor: int
    starts_at: datetime | None
    ends_at: datetime | None
    """Half-open."""
    longest_term_days: int
    exclusive: bool


@dataclass(frozen=True, slots=True)
class Delegation:
    """One version of what a talent lets an agency do; a version is never edited."""

    id: str
    talent_id: str
    agency_id: str
    version: int
    state: State
    bounds: Bounds
    agency_keys: tuple[bytes, ...]
    """The keys the agency had when it was proposed: no other acts under it."""
    statement: bytes
    revocation_statement: bytes
    proposed_by: str
    proposed_at: datetime
    signed_at: datetime | None = None
    ended_at: datetime | None = None
    receipt_id: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What else decides whether a delegation is in force."""

    represented: bool
    """Whether the agency represents her now."""
    alive: bool = True
    erased: bool = False


def find_delegable(jurisdiction: str, agencies_sign: Sequence[str]) -> tuple[Act, ...]:
    """Return what may be delegated in a place; to sign licenses, only where its law says so."""
    return tuple(act for act in Act if act is not Act.SIGN_LICENSE or jurisdiction in agencies_sign)


def check_signs_no_license(bounds: Bounds, jurisdiction: str) -> None:
    """See that bounds let nobody but the talent sign a license. Raises FieldInvalid."""
    if Act.SIGN_LICENSE in bounds.acts:
        rule = f"must not hold SIGN_LICENSE: in {jurisdiction} only the talent signs a license"
        raise FieldInvalid("bounds.acts", rule)


def check_bounds(bounds: Bounds, *, longest_days: int, now: datetime) -> Bounds:
    """Return bounds if every one of them is named and well formed, tidied.

    Raises:
        FieldInvalid: names the first that is not.
    """
    if not bounds.acts or None in bounds.acts:
        raise FieldInvalid("bounds.acts", "must name what is delegated")
    _check_list(bounds.brand_ids, "bounds.brand_ids", _MOST_BRANDS)
    for index, brand_id in enumerate(bounds.brand_ids):
        fields.check_id("pty", brand_id, f"bounds.brand_ids[{index}]", what="a brand")
    _check_list(bounds.categories, "bounds.categories", _MOST_CATEGORIES)
    categories = []
    for index, category in enumerate(bounds.categories):
        name = f"bounds.categories[{index}]"
        categories.append(reading.shown(fields.text(category, name, longest=80), name))
    if len(bounds.currency_code) != 3 or not bounds.currency_code.isupper():
        raise FieldInvalid("bounds.fee_floor.currency_code", "must be three capital letters")
    fields.within(bounds.floor_minor, "bounds.fee_floor.amount_minor", 1, _LARGEST_AMOUNT)
    fields.within(bounds.longest_term_days, "bounds.longest_term_days", 1, _LONGEST_TERM_DAYS)
    _check_duration(bounds, timedelta(days=longest_days), now)
    return replace(
        bounds,
        acts=tuple(act for act in Act if act in bounds.acts),
        brand_ids=tuple(sorted(set(bounds.brand_ids))),
        categories=tuple(sorted(set(categories))),
    )


def _check_list(values: Sequence[str], field: str, most: int) -> None:
    if not 1 <= len(values) <= most:
        raise FieldInvalid(field, f"must name from 1 to {most}: none is not any")


def _check_duration(bounds: Bounds, longest: timedelta, now: datetime) -> None:
    if bounds.starts_at is None or bounds.ends_at is None:
        name = "starts_at" if bounds.starts_at is None else "ends_at"
        raise FieldInvalid(f"bounds.{name}", "must be given")
    for field in ("starts_at", "ends_at"):
        if getattr(bounds, field).microsecond:
            raise FieldInvalid(f"bounds.{field}", "must be whole seconds")
    reading.check_term(bounds.starts_at, bounds.ends_at, "bounds.ends_at", now=now)
    if bounds.ends_at - bounds.starts_at > longest:
        raise FieldInvalid("bounds.ends_at", f"must be at most {longest.days} days after the start")


def sign(
    delegation: Delegation, live: Delegation | None, *, receipt_id: str, now: datetime
) -> Delegation:
    """Make a proposed delegation live; `live` is the version it takes the place of, if any.

    Raises:
        DelegationNotProposed: it was signed before, has ended, or is the older of the two.
    """
    known = {"delegationId": delegation.id}
    if delegation.state is not State.PROPOSED:
        raise DelegationNotProposed(f"delegation {delegation.id} is {delegation.state}", **known)
    if delegation.bounds.ends_at is None or now >= delegation.bounds.ends_at:
        raise DelegationNotProposed(f"delegation {delegation.id} has ended", **known)
    if live is not None and live.version > delegation.version:
        raise DelegationNotProposed(f"version {live.version} was signed meanwhile", **known)
    return replace(delegation, state=State.ACTIVE, signed_at=now, receipt_id=receipt_id)


def supersede(live: Delegation, *, now: datetime) -> Delegation:
    """End a live version for a newer one. Raises DelegationNotActive."""
    _check_active(live)
    return replace(live, state=State.SUPERSEDED, ended_at=now)


def revoke(delegation: Delegation, *, receipt_id: str, now: datetime) -> Delegation:
    """End a live delegation. Raises DelegationNotActive."""
    _check_active(delegation)
    return replace(delegation, state=State.REVOKED, ended_at=now, receipt_id=receipt_id)


def _check_active(delegation: Delegation) -> None:
    if delegation.state is not State.ACTIVE:
        raise DelegationNotActive(
            f"delegation {delegation.id} is {delegation.state}", delegationId=delegation.id
        )


def why_not(delegation: Delegation, around: Around, *, now: datetime) -> str:
    """Return why the agency may not act under a delegation now; nothing if it may."""
    bounds = delegation.bounds
    if delegation.state is not State.ACTIVE or bounds.starts_at is None or bounds.ends_at is None:
        return delegation.state.name
    faults = {
        "ERASED": around.erased,
        "ESTATE": not around.alive,
        "NOT_BEGUN": now < bounds.starts_at,
        "ENDED": now >= bounds.ends_at,
        "NOT_REPRESENTED": not around.represented,
    }
    return next((name for name, is_so in faults.items() if is_so), "")


def say(delegation: Delegation) -> dict[str, Any]:
    """Return what the talent signs to give it: every bound, and the keys that may act."""
    bounds = delegation.bounds
    return {
        "type": "sosia.delegation/1",
        "delegation_id": delegation.id,
        "talent_id": delegation.talent_id,
        "agency_id": delegation.agency_id,
        "agency_keys": [key.hex() for key in delegation.agency_keys],
        "version": delegation.version,
        "acts": [str(act) for act in bounds.acts],
        "brand_ids": list(bounds.brand_ids),
        "categories": list(bounds.categories),
        "fee_floor": {"amount_minor": bounds.floor_minor, "currency_code": bounds.currency_code},
        "starts_at": bounds.starts_at,
        "ends_at": bounds.ends_at,
        "longest_term_days": bounds.longest_term_days,
        "exclusive": bounds.exclusive,
        "consent": "never delegated",
    }


def say_revocation(delegation: Delegation) -> dict[str, Any]:
    """Return what she signs to end it."""
    return {
        "type": "sosia.delegation-revocation/1",
        "delegation_id": delegation.id,
        "talent_id": delegation.talent_id,
        "agency_id": delegation.agency_id,
    }
