"""Bytes and numbers as text, of which there is one way to write each."""

import base64
import binascii
import re

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
MOST = 2**63 - 1
"""The largest number of leaves, and the latest time."""


class Malformed(ValueError):
    """Something cannot be what it claims to be; says which field breaks which rule."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


def decode(text: str, field: str, *, lengths: tuple[int, ...] = ()) -> bytes:
    """Read base64 (RFC 4648, section 4) written in the one right way: padded, no stray bits.

    Raises:
        Malformed: it is something else, or has none of these lengths in bytes.
    """
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(field, "must be base64") from error
    if base64.b64encode(found).decode() != text:
        raise Malformed(field, "must be base64 in its one right form")
    check_length(found, field, lengths)
    return found


def check_length(found: bytes, field: str, lengths: tuple[int, ...]) -> None:
    """See that some bytes have one of these lengths; none given means any.

    Raises:
        Malformed: they have another.
    """
    if lengths and len(found) not in lengths:
        allowed = " or ".join(map(str, lengths))
        raise Malformed(field, f"must have {allowed} bytes, has {len(found)}")


def decimal(text: str, field: str) -> int:
    """Read a number from 0 to 2**63 - 1 in ASCII digits without leading zeros.

    Raises:
        Malformed: it is something else.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MOST:
        raise Malformed(field, "must be a number in decimal, without leading zeros")
    return int(text)
