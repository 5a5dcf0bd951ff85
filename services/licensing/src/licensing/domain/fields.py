"""What a field of a request may hold."""

import re

from kit.errors import FieldInvalid

_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


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


def check_sha256(text: str, field: str) -> None:
    """Check that a field holds a SHA-256. Raises FieldInvalid."""
    if _SHA256.fullmatch(text) is None:
        raise FieldInvalid(field, "must be a SHA-256 of 64 lower-case hex digits")


def text(value: str, field: str, *, longest: int) -> str:
    """Return `value` without blanks around it.

    Raises:
        FieldInvalid: nothing is left, it is longer than `longest` characters, or it holds
            control characters other than a line break.
    """
    stripped = value.strip()
    if not stripped:
        raise FieldInvalid(field, "must not be empty")
    if len(stripped) > longest:
        raise FieldInvalid(field, f"must have at most {longest} characters")
    if any((ord(letter) < 32 and letter != "\n") or ord(letter) == 127 for letter in stripped):
        raise FieldInvalid(field, "must not hold control characters")
    return stripped


def within(value: int, field: str, lowest: int, highest: int) -> int:
    """Return `value` if it is from `lowest` to `highest`.

    Raises:
        FieldInvalid: it is not.
    """
    if not lowest <= value <= highest:
        raise FieldInvalid(field, f"must be from {lowest:,} to {highest:,}")
    return value
