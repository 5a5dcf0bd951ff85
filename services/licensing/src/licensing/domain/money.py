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
