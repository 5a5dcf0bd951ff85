"""Quotes: a price that holds for a set time."""

from dataclasses import dataclass
from datetime import datetime

from kit.errors import FailedPrecondition, NotFound

from licensing.domain.money import Money
from licensing.domain.pricing import Line
from licensing.domain.terms import Terms


class QuoteNotFound(NotFound):
    """No such quote, or none the caller may know of."""

    reason = "QUOTE_NOT_FOUND"


class QuoteExpired(FailedPrecondition):
    """The quote's time is over; ask for a new one."""

    reason = "QUOTE_EXPIRED"


@dataclass(frozen=True, slots=True)
class Quote:
    """What a license would cost."""

    id: str
    terms: Terms
    lines: tuple[Line, ...]
    total: Money
    per_image: Money
    crew_pool_bp: int
    rate_card_id: str
    created_at: datetime
    valid_until: datetime


def check_valid(quote: Quote, *, now: datetime) -> None:
    """Check that a quote still holds. Raises QuoteExpired."""
    if now >= quote.valid_until:
        raise QuoteExpired(f"quote {quote.id} held until {quote.valid_until}", quoteId=quote.id)
