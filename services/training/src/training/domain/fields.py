"""What a field of a request may hold."""

import re

from kit.errors import FieldInvalid

_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` has the form of an id of that kind."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None


def check_id(prefix: str, text: str, field: str, *, what: str) -> None:
    """Check that a field holds an id of that kind.

    Raises:
        FieldInvalid: it does not; `what` says in the rule what it must be the id of.
    """
    if not is_id(prefix, text):
        raise FieldInvalid(field, f"must be the id of {what}")


def within(value: int, field: str, lowest: int, highest: int) -> int:
    """Return `value` if it is from `lowest` to `highest`.

    Raises:
        FieldInvalid: it is not.
    """
    if not lowest <= value <= highest:
        raise FieldInvalid(field, f"must be from {lowest:,} to {highest:,}")
    return value
