"""Words that may stand in a prompt."""

import re

from kit import fields
from kit.errors import FieldInvalid

_WORDS = re.compile(r"[^\W_]+(?:[ '/-]+[^\W_]+)*")


def check(value: str, field: str, *, longest: int) -> str:
    """Return words for a prompt, single blanks between them.

    Without commas and brackets nobody adds a sentence of his own to a prompt.

    Raises:
        FieldInvalid: as `kit.fields.text`, or anything but words.
    """
    tidy = " ".join(fields.text(value, field, longest=longest, lines=False).split())
    if _WORDS.fullmatch(tidy) is None:
        raise FieldInvalid(field, "must be words: letters, digits, hyphens, apostrophes, slashes")
    return tidy
