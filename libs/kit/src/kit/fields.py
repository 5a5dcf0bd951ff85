"""What a field of a request may hold. Pure: the domain of every service uses it."""

import re
from typing import TypeVar

from kit.errors import FieldInvalid

_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
Number = TypeVar("Number", int, float)


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` has the form of an id of that kind, as `kit.ids.new_id` makes it."""
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


def text(
    value: str, field: str, *, longest: int, reason: str | None = None, lines: bool = True
) -> str:
    """Return `value` without blanks around it.

    Raises:
        FieldInvalid: nothing is left (with `reason` if given), or as `optional_text`.
    """
    stripped = value.strip()
    if not stripped:
        raise FieldInvalid(field, "must not be empty", reason=reason)
    return optional_text(stripped, field, longest=longest, lines=lines)


def optional_text(value: str, field: str, *, longest: int, lines: bool = True) -> str:
    """Return `value` without blanks around it; it may be empty.

    Raises:
        FieldInvalid: longer than `longest` characters, or control characters; with `lines`, a
            line break is none.
    """
    stripped = value.strip()
    if len(stripped) > longest:
        raise FieldInvalid(field, f"must have at most {longest} characters")
    if any(_is_control(letter) and not (lines and letter == "\n") for letter in stripped):
        raise FieldInvalid(field, "must not hold control characters")
    return stripped


def within(value: Number, field: str, lowest: float, highest: float) -> Number:
    """Return `value` if it is from `lowest` to `highest`.

    Raises:
        FieldInvalid: it is not, or is not a number.
    """
    if not lowest <= value <= highest:
        raise FieldInvalid(field, f"must be from {lowest:,} to {highest:,}")
    return value


def _is_control(letter: str) -> bool:
    return ord(letter) < 32 or ord(letter) == 127
