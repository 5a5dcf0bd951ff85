"""What a form about a license says, as the fields of a call. Its rules are licensing's."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kit.errors import FieldInvalid

from gateway.forms import Form
from gateway.transcode import to_json

_AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d{1,2}))?")


def to_terms(form: Form, *, brand_id: str) -> dict[str, Any]:
    """Return the terms a brand asks for.

    Raises:
        FieldInvalid: a day or a number is none.
    """
    zone = form.text("zone") or "Europe/Stockholm"
    use = {
        "media": form.text("media"),
        "territories": [form.text("territory")],
        "starts_at": to_moment(form, "first_day", zone),
        "ends_at": to_moment(form, "last_day", zone, days=1),
        "zone": zone,
    }
    contexts = [one.strip() for one in form.text("prohibited").split(",") if one.strip()]
    return {
        "brand_id": brand_id,
        "talent_id": form.text("talent_id"),
        "purpose": form.text("purpose"),
        "uses": [use],
        "category": form.text("category"),
        "exclusive": form.is_ticked("exclusive"),
        "image_cap": to_number(form, "image_cap"),
        "approval_required": form.is_ticked("approval_required"),
        "prohibited_contexts": contexts,
    }


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
