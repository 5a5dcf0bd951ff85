"""What a form about a license says, as the fields of a call. Its rules are licensing's."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kit.errors import FieldInvalid

from gateway.forms import Form
from gateway.phrases import HOUSE_ZONE
from gateway.sessions import Visitor
from gateway.transcode import to_json

FORMATS = ("1x1", "4x5", "9x16", "16x9")
"""Those a picture is made in beside the whole of it; render knows them."""
_OF_TERMS = ("talent_id", "purpose", "category", "image_cap", "exclusive")
_OF_USES = {"media": "media", "territories": "territory"}
_OF_USES |= {"starts_at": "first_day", "ends_at": "last_day", "zone": "last_day"}
MOST_USES = 50
"""Of one license; licensing sees to it."""
_PLACES = {
    **{f"terms.{name}": name for name in _OF_TERMS},
    "terms.prohibited_contexts": "prohibited",
    "terms.uses": "media_0",
}
"""Where in a form a field of a call comes from."""
COUNTER_PLACES = {
    **_PLACES,
    "terms.uses": "last_day_0",
    **{f"terms.uses[{index}]": f"last_day_{index}" for index in range(MOST_USES)},
    **{f"last_day_{index}": f"last_day_{index}" for index in range(MOST_USES)},
    **{name: name for name in ("image_cap", "fee", "note")},
    "fee.amount_minor": "fee",
}
"""The same in the form of a counter-offer, which has a last day for each use."""
_A_DAY = timedelta(days=1)
_AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """The terms a form asks for, and where in the form each field of the call came from."""

    terms: dict[str, Any]
    places: dict[str, str]


def count_uses(form: Form) -> int:
    """Return how many uses a form shows, with one more where that was asked for."""
    text = form.text("rows_uses")
    there = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return max(1, min(there + (form.text("more") == "uses"), MOST_USES))


def to_terms(form: Form, *, brand_id: str) -> Asked:
    """Return the terms a brand asks for; a use without media is left out.

    Raises:
        FieldInvalid: a day or a number is none; the field is named as in the form.
    """
    uses: list[dict[str, Any]] = []
    places = dict(_PLACES)
    for row in range(count_uses(form)):
        if form.text(f"media_{row}"):
            at = f"terms.uses[{len(uses)}]"
            places |= {at: f"media_{row}"}
            places |= {f"{at}.{name}": f"{place}_{row}" for name, place in _OF_USES.items()}
            uses.append(_to_use(form, row))
    contexts = [one.strip() for one in form.text("prohibited").split(",") if one.strip()]
    terms = {
        "brand_id": brand_id,
        "talent_id": form.text("talent_id"),
        "purpose": form.text("purpose"),
        "uses": uses,
        "category": form.text("category"),
        "exclusive": form.is_ticked("exclusive"),
        "image_cap": to_number(form, "image_cap"),
        "approval_required": form.is_ticked("approval_required"),
        "prohibited_contexts": contexts,
    }
    return Asked(terms, places)


def _to_use(form: Form, row: int) -> dict[str, Any]:
    zone = form.text(f"zone_{row}") or HOUSE_ZONE
    return {
        "media": form.text(f"media_{row}"),
        "territories": list(dict.fromkeys(filter(None, form.all(f"territory_{row}")))),
        "starts_at": to_moment(form, f"first_day_{row}", zone),
        "ends_at": to_moment(form, f"last_day_{row}", zone, days=1),
        "zone": zone,
    }


def to_renewal(license: Any, visitor: Visitor) -> Form:
    """Return what a brand would fill in to renew a license: the same again, when it is over.

    All uses are moved by one number of days, so that they lie to one another as they did: the
    first of them begins the day after the last has ended, or tomorrow where that is later.
    """
    terms = to_json(license.terms)
    days = [_days_of(use) for use in terms["uses"]]
    tomorrow = datetime.now(ZoneInfo(HOUSE_ZONE)).date() + _A_DAY
    begins = max(max(last for _, last in days) + _A_DAY, tomorrow)
    later = begins - min(first for first, _ in days)
    values = {
        "renews": license.id,
        "rows_uses": str(len(days)),
        **{name: terms[name] for name in ("talent_id", "purpose", "category")},
        "image_cap": str(terms["image_cap"]),
        "prohibited": ", ".join(terms["prohibited_contexts"]),
    }
    values |= {name: "on" for name in ("exclusive", "approval_required") if terms[name]}
    places = {}
    for row, (use, (first, last)) in enumerate(zip(terms["uses"], days, strict=True)):
        values |= {f"media_{row}": use["media"], f"zone_{row}": use["zone"]}
        values |= {f"first_day_{row}": f"{first + later}", f"last_day_{row}": f"{last + later}"}
        places[f"territory_{row}"] = use["territories"]
    return Form(visitor, values, ticked=places)


def _days_of(use: dict[str, Any]) -> tuple[date, date]:
    """Return the first and the last day of a use, in its zone."""
    starts = datetime.fromisoformat(use["starts_at"]).astimezone(ZoneInfo(use["zone"]))
    return starts.date(), date.fromisoformat(last_day(use["ends_at"], use["zone"]))


def to_counter(form: Form, answered: Any) -> dict[str, Any]:
    """Return an answer to an offer: the fee named, and terms where they are other ones.

    Raises:
        FieldInvalid: an amount, a day or a number is none.
    """
    fields: dict[str, Any] = {"note": form.text("note")}
    fee = to_minor(form, "fee")
    if fee is not None:
        code = answered.fee.currency_code
        fields["fee"] = {"currency_code": code, "amount_minor": fee}
    terms = to_json(answered.terms)
    wanted = terms | {
        "image_cap": to_number(form, "image_cap"),
        "exclusive": form.is_ticked("exclusive"),
        "approval_required": form.is_ticked("approval_required"),
        "uses": [_use(form, use, index) for index, use in enumerate(terms["uses"])],
    }
    if wanted != terms:
        fields["terms"] = wanted
    return fields


def _use(form: Form, use: dict[str, Any], index: int) -> dict[str, Any]:
    """Return a use with the last day a form gives it."""
    name = f"last_day_{index}"
    if not form.text(name) or form.text(name) == last_day(use["ends_at"], use["zone"]):
        return use
    return use | {"ends_at": to_moment(form, name, use["zone"], days=1)}


def last_day(ends_at: str, zone: str) -> str:
    """Return the last day of a term, as a form has it: 2026-11-30."""
    end = datetime.fromisoformat(ends_at).astimezone(ZoneInfo(zone))
    return (end - timedelta(seconds=1)).date().isoformat()


def to_moment(form: Form, name: str, zone: str, *, days: int = 0) -> str:
    """Return the midnight a day begins with in a zone, `days` later, as RFC 3339 in UTC.

    Raises:
        FieldInvalid: the field holds no day, or there is no such zone.
    """
    try:
        day = date.fromisoformat(form.text(name)) + timedelta(days=days)
        local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    except (ValueError, OSError, OverflowError) as error:
        raise FieldInvalid(name, "must be a day, as in 2026-11-30") from error
    return local.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_minor(form: Form, name: str) -> int | None:
    """Return an amount in minor units; None where the field is empty. Raises FieldInvalid."""
    text = form.text(name).replace(" ", "")
    if not text:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise FieldInvalid(name, "must be an amount, as in 1250.00")
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def to_number(form: Form, name: str) -> int:
    """Return a whole number. Raises FieldInvalid."""
    if not re.fullmatch(r"\d{1,9}", form.text(name)):
        raise FieldInvalid(name, "must be a whole number")
    return int(form.text(name))
