"""Rate cards: what a talent's twin costs. Data, set per talent; nothing of it is in code."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kit import fields
from kit.errors import FieldInvalid, NotFound

from licensing.domain.money import LARGEST_MINOR, WHOLE_BP, Money, check_currency
from licensing.domain.vocabulary import Vocabulary

MOST_FACTOR_BP = 1_000_000
"""A factor is at most a hundred times."""
MOST_FACTORS = 300
LONGEST_TERM_DAYS = 36_525
_DAYS = re.compile(r"[1-9][0-9]{0,4}")


class RateCardNotFound(NotFound):
    """The talent has no rate card, or none the caller may know of."""

    reason = "RATE_CARD_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor for one code, in basis points."""

    code: str
    basis_points: int


@dataclass(frozen=True, slots=True)
class Prices:
    """What a rate card says. Money is None where somebody said nothing of it."""

    talent_id: str
    day_rate: Money | None
    media: tuple[Factor, ...]
    territories: tuple[Factor, ...]
    terms: tuple[Factor, ...]
    exclusivity_bp: int
    per_image: Money | None
    crew_pool_bp: int
    floor: Money | None


@dataclass(frozen=True, slots=True)
class RateCard:
    """A talent's rate card; the newest counts for new quotes."""

    id: str
    talent_id: str
    day_rate: Money
    media: tuple[Factor, ...]
    territories: tuple[Factor, ...]
    terms: tuple[Factor, ...]
    """The code is the longest term in days."""
    exclusivity_bp: int
    per_image: Money
    crew_pool_bp: int
    floor: Money
    created_at: datetime


def make_card(prices: Prices, card_id: str, vocabulary: Vocabulary, *, now: datetime) -> RateCard:
    """Return the rate card somebody described.

    Raises:
        FieldInvalid: a field is missing or malformed; with reason MEDIA_UNKNOWN or
            TERRITORY_UNKNOWN where a factor is for a code we don't know.
    """
    fields.check_id("pty", prices.talent_id, "rate_card.talent_id", what="a talent")
    day_rate = _money(prices.day_rate, "day_rate", lowest=1)
    per_image = _money(prices.per_image, "per_image", lowest=0, currency=day_rate.currency)
    floor = _money(prices.floor, "floor", lowest=1, currency=day_rate.currency)
    return RateCard(
        card_id,
        prices.talent_id,
        day_rate,
        _factors(prices.media, "media", vocabulary.check_media),
        _factors(prices.territories, "territories", vocabulary.check_territory),
        _factors(prices.terms, "terms", _check_days),
        fields.within(prices.exclusivity_bp, "rate_card.exclusivity_bp", 0, MOST_FACTOR_BP),
        per_image,
        fields.within(prices.crew_pool_bp, "rate_card.crew_pool_bp", 0, WHOLE_BP),
        floor,
        now,
    )


def _money(value: Money | None, name: str, *, lowest: int, currency: str = "") -> Money:
    field = f"rate_card.{name}"
    if value is None:
        raise FieldInvalid(field, "must be given")
    check_currency(value.currency, f"{field}.currency_code")
    if currency and value.currency != currency:
        raise FieldInvalid(f"{field}.currency_code", "must be the currency of the day rate")
    fields.within(value.minor, f"{field}.amount_minor", lowest, LARGEST_MINOR)
    return value


def _factors(
    factors: tuple[Factor, ...], name: str, check: Callable[[str, str], object]
) -> tuple[Factor, ...]:
    field = f"rate_card.{name}"
    if not 0 < len(factors) <= MOST_FACTORS:
        raise FieldInvalid(field, f"must be from 1 to {MOST_FACTORS} factors")
    seen = set()
    for index, factor in enumerate(factors):
        check(factor.code, f"{field}[{index}].code")
        if factor.code in seen:
            raise FieldInvalid(f"{field}[{index}].code", "must not be there twice")
        seen.add(factor.code)
        fields.within(factor.basis_points, f"{field}[{index}].basis_points", 1, MOST_FACTOR_BP)
    return factors


def _check_days(code: str, field: str) -> None:
    if _DAYS.fullmatch(code) is None or int(code) > LONGEST_TERM_DAYS:
        raise FieldInvalid(field, f"must be days from 1 to {LONGEST_TERM_DAYS:,}")
