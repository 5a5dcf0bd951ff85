"""Whether an agency may act for a talent: a delegation in force, and every bound she named."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from kit.errors import FailedPrecondition

from licensing.domain.licenses import License
from licensing.domain.money import Money
from licensing.domain.vocabulary import is_within


class DelegationNotInForce(FailedPrecondition):
    """The agency may not act under it now; `why` says why, as identity does."""

    reason = "DELEGATION_NOT_IN_FORCE"


class DelegationExceeded(FailedPrecondition):
    """What it would do is outside of what she delegated; `bound` names the first bound."""

    reason = "DELEGATION_EXCEEDED"


class Act(StrEnum):
    """What may be delegated."""

    SIGN_LICENSE = "sign_license"
    DECIDE_APPROVAL = "decide_approval"


@dataclass(frozen=True, slots=True)
class Delegation:
    """What a talent lets an agency do, as identity says it now."""

    id: str
    talent_id: str
    agency_id: str
    agency_keys: tuple[bytes, ...]
    why_not: str
    """Why it is not in force; empty where it is."""
    acts: frozenset[str]
    brand_ids: frozenset[str]
    categories: frozenset[str]
    fee_floor: Money
    longest_term: timedelta
    exclusive: bool


def check_within(
    delegation: Delegation, act: Act, license: License, paths: Mapping[str, str]
) -> None:
    """See that a delegation covers an act about a license.

    Price, term and exclusivity bound what is granted; a picture is judged under what was.

    Args:
        delegation: as identity says it now.
        act: what the agency would do.
        license: what it is about.
        paths: product category -> its path; a category that is not there is within nothing.

    Raises:
        DelegationNotInForce: of another talent, or ended, not begun, ...
        DelegationExceeded: names the first bound it is outside of.
    """
    why = delegation.why_not
    if delegation.talent_id != license.terms.talent_id:
        why = "OTHER_TALENT"
    if why:
        raise DelegationNotInForce(f"delegation {delegation.id} is not in force", why=why)
    terms = license.terms
    path = paths.get(terms.category, "")
    wider = [paths[code] for code in delegation.categories if code in paths]
    granting = act is Act.SIGN_LICENSE
    fee, floor = license.fee, delegation.fee_floor
    inside = {
        "acts": act in delegation.acts,
        "brand_ids": terms.brand_id in delegation.brand_ids,
        "categories": bool(path) and any(is_within(path, one) for one in wider),
        "fee_floor": not granting or (fee.currency == floor.currency and fee.minor >= floor.minor),
        "longest_term_days": not granting
        or terms.ends_at - terms.starts_at <= delegation.longest_term,
        "exclusive": not granting or delegation.exclusive or not terms.exclusive,
    }
    for bound, holds in inside.items():
        if not holds:
            raise DelegationExceeded(
                f"license {license.id} is outside of the delegation's {bound}",
                bound=bound,
                delegationId=delegation.id,
            )


def say_license(license: License, delegation_id: str) -> dict[str, Any]:
    """Return what an agency signs to grant a license under a delegation."""
    return {
        "type": "sosia.license-by-delegate/1",
        "delegation_id": delegation_id,
        "license_id": license.id,
        "license": json.loads(license.statement),
    }


def say_approval(statement: bytes, render_id: str, delegation_id: str) -> dict[str, Any]:
    """Return what an agency signs to decide about a picture under a delegation."""
    return {
        "type": "sosia.approval-by-delegate/1",
        "delegation_id": delegation_id,
        "render_id": render_id,
        "approval": json.loads(statement),
    }
