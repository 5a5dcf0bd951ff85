"""What a twin may be used for, and what it costs: rate card, quotes, licenses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from story.api import Refused, to_bytes
from story.cast import Cast, Party, Stuck, stamp


def rate_card(cast: Cast) -> dict[str, Any]:
    """Return what the talent's twin costs."""
    return {
        "talent_id": cast.talent.id,
        "day_rate": _euro(120_000),
        "media": [_factor("ecommerce", 6_000), _factor("social", 4_000), _factor("print", 10_000)],
        "territories": [
            _factor("SE", 3_000),
            _factor("NORDICS", 6_000),
            _factor("EU", 12_000),
            _factor("WORLD", 25_000),
        ],
        "terms": [_factor("90", 5_000), _factor("365", 10_000)],
        "exclusivity_bp": 10_000,
        "per_image": _euro(4_500),
        "crew_pool_bp": 500,
        "floor": _euro(40_000),
    }


def set_rate_card(cast: Cast) -> Any:
    """Have the agency set what the talent's twin costs."""
    body = {"rate_card": rate_card(cast)}
    return cast.agency.api.post("/v1/rate-cards", body)["rate_card"]


def license_terms(cast: Cast, brand: Party, campaign: dict[str, Any]) -> dict[str, Any]:
    """Return what a brand asks for: a year in the Nordic shops and on social media."""
    now = datetime.now(UTC)
    uses = [
        {
            "media": media,
            "territories": ["NORDICS"],
            "starts_at": stamp(now - timedelta(minutes=1)),
            "ends_at": stamp(now + timedelta(days=364)),
            "zone": "Europe/Stockholm",
        }
        for media in ("ecommerce", "social")
    ]
    return {
        "brand_id": brand.id,
        "talent_id": cast.talent.id,
        "purpose": campaign["purpose"],
        "uses": uses,
        "category": campaign["category"],
        "image_cap": 10,
        "approval_required": True,
    }


def propose(cast: Cast, brand: Party, campaign: dict[str, Any], *, exclusive: bool) -> Any:
    """Have a brand ask for a license: quote, then proposal."""
    terms = {**license_terms(cast, brand, campaign), "exclusive": exclusive}
    quote = brand.api.post("/v1/quotes", {"terms": terms})["quote"]
    license = brand.api.post("/v1/licenses", {"quote_id": quote["id"]})["license"]
    return {"quote": quote, "license": license}


def negotiate(cast: Cast, brand: Party, license: Any, *, more: int) -> Any:
    """Have the agency ask for `more` cents than a brand offers, and the brand say yes."""
    fee = _euro(int(license["fee"]["amount_minor"]) + more)
    body = {"fee": fee, "note": "The first week of the season costs a little more."}
    path = f"/v1/licenses/{license['id']}/counter"
    offer = cast.agency.api.post(path, body)["license"]
    early = reason_of(lambda: sign(cast, offer))
    if early != "LICENSE_NOT_ACCEPTED":
        raise Stuck(f"an offer the brand had not accepted was answered {early or 'yes'}")
    return brand.api.post(f"/v1/licenses/{offer['id']}/accept")["license"]


def may_use(brand: Party, render_id: str, **use: Any) -> Any:
    """Ask whether a brand may use a picture, without using it."""
    return brand.api.post(f"/v1/renders/{render_id}/authorize", use)


def sign(cast: Cast, license: Any) -> Any:
    """Have the talent grant a license with her own key."""
    signature = cast.talent.sign(to_bytes(license["statement"]))
    path = f"/v1/licenses/{license['id']}/sign"
    return cast.talent.api.post(path, {"signature": signature})["license"]


def contradict(cast: Cast, brand: Party, campaign: dict[str, Any]) -> str:
    """Ask for an exclusive that others' licenses forbid; return the rule it is refused by."""
    asked = propose(cast, brand, campaign, exclusive=True)["license"]
    return reason_of(lambda: sign(cast, asked))


def reason_of(attempt: Any) -> str:
    """Return the reason an attempt is refused with, or nothing when it was allowed."""
    try:
        attempt()
    except Refused as refused:
        return refused.reason or str(refused.status)
    return ""


def _euro(cents: int) -> dict[str, Any]:
    return {"currency_code": "EUR", "amount_minor": cents}


def _factor(code: str, basis_points: int) -> dict[str, Any]:
    return {"code": code, "basis_points": basis_points}
