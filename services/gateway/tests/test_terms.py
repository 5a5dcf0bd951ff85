"""A license as a file for others, and the terms such a file says, over the API."""

from typing import Any


def bp(**codes: int) -> list[dict[str, Any]]:
    return [{"code": code.lstrip("_"), "basis_points": str(much)} for code, much in codes.items()]


def eur(minor: int) -> dict[str, str]:
    return {"currency_code": "EUR", "amount_minor": str(minor)}


async def a_license(web: Any, talent: Any, brand: Any) -> dict[str, Any]:
    """Return a license that waits for the talent."""
    await web.desk.consented(talent)
    card = {
        "talent_id": talent.id,
        "day_rate": eur(100_000),
        "media": bp(social=10_000),
        "territories": bp(NORDICS=10_000),
        "terms": bp(_365=10_000),
        "per_image": eur(1_050),
        "floor": eur(1),
    }
    assert (await web.post("/v1/rate-cards", {"rate_card": card})).status_code == 201
    use = {"media": "social", "territories": ["NORDICS"], "zone": "Europe/Oslo"}
    term = {"starts_at": "2040-01-31T23:00:00Z", "ends_at": "2040-12-31T23:00:00Z"}
    terms = {
        "brand_id": brand.id,
        "talent_id": talent.id,
        "purpose": "Spring.",
        "uses": [use | term],
        "category": "coats",
        "image_cap": 2,
        "approval_required": True,
        "prohibited_contexts": ["tobacco"],
    }
    quoted = await web.post("/v1/quotes", {"terms": terms})
    assert quoted.status_code == 201, quoted.text
    made = await web.post("/v1/licenses", {"quote_id": quoted.json()["quote"]["id"]})
    return dict(made.json()["license"])


async def test_a_license_is_a_file_whose_terms_can_be_asked_for_again(web: Any) -> None:
    talent, brand, other = [await web.desk.party(kind) for kind in ("talent", "brand", "brand")]
    license = await a_license(web, talent, brand)
    key = await web.key_of(brand)
    path = f"/v1/licenses/{license['id']}/odrl.json"
    policy = await web.get(path, key)
    assert policy.headers["content-type"].startswith("application/ld+json")
    assert policy.json()["@type"] == "Request"
    read = await web.post("/v1/terms/import", {"document": policy.json()}, key)
    assert (read.status_code, read.json()) == (
        200,
        {"terms": license["terms"], "fee": license["fee"], "per_image": license["per_image"]},
    )
    plus = await web.get(f"/v1/licenses/{license['id']}/plus.json", key)
    assert plus.headers["content-type"].startswith("application/json")
    assert plus.json()["plus:RegionConstraints"] == {"x-default": "Only: NORDICS"}
    assert plus.json()["plus:ModelReleaseStatus"].endswith("MR-NON")
    assert (await web.post("/v1/terms/import", {"document": plus.json()}, key)).status_code == 200
    assert (await web.get(path, await web.key_of(other))).status_code == 404
    broken = policy.json()
    broken["permission"][0]["constraint"][1]["operator"] = "isNoneOf"
    refused = await web.post("/v1/terms/import", {"document": broken}, key)
    assert (refused.status_code, refused.json()["field"], refused.json()["rule"]) == (
        400,
        "document.permission[0].constraint[1].operator",
        "must be isAnyOf",
    )
