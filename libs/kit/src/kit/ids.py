"""Identifiers: `<three letters>_<26 base32>`, sortable by the time they were made."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32


def new_id(prefix: str) -> str:
    """Make an id: 48 bits of milliseconds and 80 random bits, as a ULID.

    Raises:
        ValueError: the prefix is not three lower-case letters.
    """
    if not (len(prefix) == 3 and prefix.isascii() and prefix.islower()):
        raise ValueError(f"prefix is {prefix!r}, must be three lower-case letters")
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    digits = (_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{''.join(digits)}"
