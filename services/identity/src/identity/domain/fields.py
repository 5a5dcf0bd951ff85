"""What a field of a request may hold."""

import re
from datetime import datetime

from kit.errors import FieldInvalid

# What breaks a line or turns its reading direction unseen: C1 controls, line and paragraph
# separators, and the embeddings, overrides and isolates of Unicode's bidirectional algorithm.
_UNSEEN = re.compile("[\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` has the form of an id of that kind."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None


def text(value: str, field: str, *, longest: int, reason: str | None = None) -> str:
    """Return `value` without blanks around it.

    Raises:
        FieldInvalid: nothing is left (with `reason` if given), it is longer than `longest`
            characters, or it holds control characters other than a line break.
    """
    stripped = value.strip()
    if not stripped:
        raise FieldInvalid(field, "must not be empty", reason=reason)
    return optional_text(stripped, field, longest=longest)


def shown(value: str, field: str) -> str:
    """Return `value`, which somebody will read before she signs.

    Raises:
        FieldInvalid: it would look other than it reads.
    """
    if _UNSEEN.search(value):
        raise FieldInvalid(field, "must not hold characters that break or turn a line unseen")
    return value


def optional_text(value: str, field: str, *, longest: int) -> str:
    """Return `value` without blanks around it; it may be empty.

    Raises:
        FieldInvalid: too long, or control characters other than a line break.
    """
    stripped = value.strip()
    if len(stripped) > longest:
        raise FieldInvalid(field, f"must have at most {longest} characters")
    if any((ord(letter) < 32 and letter != "\n") or ord(letter) == 127 for letter in stripped):
        raise FieldInvalid(field, "must not hold control characters")
    return stripped


def interval(starts_at: datetime, ends_at: datetime, field: str, *, now: datetime) -> None:
    """Check a half-open interval that still matters.

    Raises:
        FieldInvalid: it ends before it starts, or has ended.
    """
    if ends_at <= starts_at:
        raise FieldInvalid(field, "must be after the start")
    if ends_at <= now:
        raise FieldInvalid(field, "must lie ahead")


def within(value: float, field: str, lowest: float, highest: float) -> float:
    """Return `value` if it is from `lowest` to `highest`.

    Raises:
        FieldInvalid: it is not, or is not a number.
    """
    if not lowest <= value <= highest:
        raise FieldInvalid(field, f"must be from {lowest:g} to {highest:g}")
    return value
