"""What somebody reads before she signs, and how long what she signs lasts."""

import re
from datetime import datetime

from kit.errors import FieldInvalid

# What breaks a line or turns its reading direction unseen: C1 controls, line and paragraph
# separators, and the embeddings, overrides and isolates of Unicode's bidirectional algorithm.
_UNSEEN = re.compile("[\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def shown(value: str, field: str) -> str:
    """Return `value`, which somebody will read before she signs.

    Raises:
        FieldInvalid: it would look other than it reads.
    """
    if _UNSEEN.search(value):
        raise FieldInvalid(field, "must not hold characters that break or turn a line unseen")
    return value


def check_term(starts_at: datetime, ends_at: datetime, field: str, *, now: datetime) -> None:
    """Check a half-open term that still matters.

    Raises:
        FieldInvalid: it ends before it starts, or has ended.
    """
    if ends_at <= starts_at:
        raise FieldInvalid(field, "must be after the start")
    if ends_at <= now:
        raise FieldInvalid(field, "must lie ahead")
