"""What the forms of campaigns and briefs say, as the fields of a call. Their rules are render's."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kit.errors import FieldInvalid

from gateway import offers
from gateway.forms import Form
from gateway.phrases import HOUSE_ZONE

MOST_CREDITS, MOST_PRODUCTS, MOST_SHOTS, MOST_ALIKE = 10, 4, 8, 8
_DIRECTOR = "creative_director"
_PRODUCT = ("name", "garment", "colour", "pattern")
_SHOT = ("framing", "pose", "view", "lighting")
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ordered:
    """The fields of a call, and where in the form each came from."""

    fields: dict[str, Any]
    places: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows of each kind a form shows."""

    credits: int = 2
    products: int = 1
    shots: int = 1


def count_rows(form: Form) -> Rows:
    """Return how many rows a form had, with one more where that was asked for."""
    wanted = form.text("more")

    def rows(name: str, most: int) -> int:
        text = form.text(f"rows_{name}")
        there = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
        return max(1, min(there + (wanted == name), most))

    return Rows(
        rows("credits", MOST_CREDITS), rows("products", MOST_PRODUCTS), rows("shots", MOST_SHOTS)
    )


def to_campaign(form: Form, term: tuple[datetime, datetime] | None) -> Ordered:
    """Return a campaign that is asked for.

    Args:
        form: what was filled in.
        term: of the license, half-open; None where the license is not known.

    Raises:
        FieldInvalid: a day is none; the field is named as in the form.
    """
    places = {"license_id": "license_id", "name": "name", "credits": "director_id"}
    credits = [{"party_id": form.text("director_id"), "role": _DIRECTOR}]
    for row in range(count_rows(form).credits):
        if party_id := form.text(f"credit_{row}_party"):
            places[f"credits[{len(credits)}]"] = f"credit_{row}_party"
            places[f"credits[{len(credits)}].role"] = f"credit_{row}_role"
            credits.append({"party_id": party_id, "role": form.text(f"credit_{row}_role")})
    fields: dict[str, Any] = {
        "license_id": form.text("license_id"),
        "name": form.text("name"),
        "credits": credits,
    }
    days = (("starts_at", "first_day", 0), ("ends_at", "last_day", 1))
    for index, (name, day, later) in enumerate(days):
        places[name] = day
        if form.text(day):
            fields[name] = _moment(form, day, later, term[index] if term else None)
    return Ordered(fields, places)


def to_brief(form: Form, campaign_id: str, latest: datetime, media: Sequence[str]) -> Ordered:
    """Return a brief that is asked for.

    Args:
        form: what was filled in.
        campaign_id: what it is a brief of.
        latest: when the campaign ends.
        media: codes that have a box in the form.

    Raises:
        FieldInvalid: a day or a number is none; the field is named as in the form.
    """
    places = {"twin_version_id": "twin_version_id", "deadline": "deadline"}
    places |= {"media": "media", "formats": "formats"}
    rows = count_rows(form)
    products = []
    for row in range(rows.products):
        places |= {f"products[{row}].{one}": f"product_{row}_{one}" for one in _PRODUCT}
        products.append({one: form.text(f"product_{row}_{one}") for one in _PRODUCT})
    fields: dict[str, Any] = {
        "campaign_id": campaign_id,
        "twin_version_id": form.text("twin_version_id"),
        "products": products,
        "shots": _shots(form, rows.shots, places),
        "media": [one for one in media if form.is_ticked(f"media_{one}")],
        "formats": [one for one in offers.FORMATS if form.is_ticked(f"format_{one}")],
    }
    if form.text("deadline"):
        fields["deadline"] = _moment(form, "deadline", 1, latest)
    return Ordered(fields, places)


def _shots(form: Form, rows: int, places: dict[str, str]) -> list[dict[str, Any]]:
    """Return the shots, alike ones each with a seed of its own, which follows from the form's key.

    So a form that is sent twice says the same twice.
    """
    shots: list[dict[str, Any]] = []
    for row in range(rows):
        alike = offers.to_number(form, f"shot_{row}_count")
        if not 0 < alike <= MOST_ALIKE:
            raise FieldInvalid(f"shot_{row}_count", f"must be from 1 to {MOST_ALIKE}")
        product = offers.to_number(form, f"shot_{row}_product")
        for _ in range(alike):
            at = f"shots[{len(shots)}]"
            places |= {f"{at}.{one}": f"shot_{row}_{one}" for one in (*_SHOT, "product")}
            drawn = hashlib.sha256(f"{form.text('once')}/{len(shots)}".encode()).digest()
            words = {one: form.text(f"shot_{row}_{one}") for one in _SHOT}
            seed = int.from_bytes(drawn[:6], "big")
            shots.append({"product": product, "seed": str(seed), **words})
    return shots


def _moment(form: Form, name: str, later: int, bound: datetime | None) -> str:
    """Return the midnight a day of the form begins with, `later` days on, in the house's zone.

    A day is a day wherever a license was agreed: one that ends within a day of `bound` is `bound`.
    """
    moment = datetime.fromisoformat(offers.to_moment(form, name, HOUSE_ZONE, days=later))
    if bound is not None and abs(moment - bound) < _A_DAY:
        moment = bound
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
