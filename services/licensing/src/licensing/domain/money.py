"""Amounts in whole minor units, and how they are rounded and parted; integers only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kit.errors import FieldInvalid

WHOLE_BP = 10_000
"""Basis points of the whole."""
LARGEST_MINOR = 2**53 - 1
"""The largest amount canonical JSON writes exactly."""
_CURRENCY = re.compile(r"[A-Z]{3}")
_NO_MINOR = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
_MINOR_DIGITS = {
    **dict.fromkeys(_NO_MINOR, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""ISO 4217: digits of the minor unit where they are not two."""
_DECIMAL = re.compile(r"\d{1,16}(\.\d{1,4})?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency, ISO 4217."""

    currency: str
    minor: int


def round_half_even(numerator: int, denominator: int) -> int:
    """Return the whole number nearest to numerator / denominator, of two the even one.

    The denominator is positive.
    """
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest + quotient % 2 > denominator)


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Part an amount by weights so that the parts sum to it, by the largest remainder.

    Of equal remainders the earlier weight gets the unit, so the answer depends on nothing else.

    Raises:
        ValueError: a negative amount or weight, or no weight above zero.
    """
    whole = sum(weights)
    if amount < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError(f"cannot part {amount} by {weights!r}")
    shares = [amount * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for index in order[: amount - sum(shares)]:
        shares[index] += 1
    return shares


def check_currency(code: str, field: str) -> str:
    """Return a currency's code. Raises FieldInvalid: not three capital letters."""
    if _CURRENCY.fullmatch(code) is None:
        raise FieldInvalid(field, "must be three capital letters")
    return code


def say_decimal(amount: Money) -> str:
    """Return an amount of at least zero in whole units of its currency, as an xsd:decimal."""
    digits = _MINOR_DIGITS.get(amount.currency, 2)
    whole, rest = divmod(amount.minor, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def read_decimal(said: str, currency: str, field: str) -> Money:
    """Return the amount `say_decimal` wrote.

    Raises:
        FieldInvalid: no decimal, finer than the currency's minor unit, or too large.
    """
    digits = _MINOR_DIGITS.get(currency, 2)
    whole, _, rest = said.partition(".")
    if _DECIMAL.fullmatch(said) is None or len(rest) > digits:
        raise FieldInvalid(field, f"must be a decimal of at most {digits} places")
    minor = int(whole + rest.ljust(digits, "0"))
    if minor > LARGEST_MINOR:
        raise FieldInvalid(field, f"must be at most {LARGEST_MINOR:,} minor units")
    return Money(currency, minor)
