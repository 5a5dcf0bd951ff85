"""Rate cards and quotes, and the row that stands for a talent."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from licensing.domain.cards import Factor, RateCard, RateCardNotFound
from licensing.domain.money import Money
from licensing.domain.pricing import Line
from licensing.domain.quotes import Quote, QuoteNotFound
from licensing.domain.terms import Terms, read_use, say_use
from licensing.store.tables import quotes, rate_cards, talents


async def lock_talent(tx: Tx, talent_id: str) -> None:
    """Hold the talent's row, made on first use, until the transaction ends."""
    await tx.execute(upsert(talents).values(id=talent_id).on_conflict_do_nothing())
    await tx.execute(select(talents).where(talents.c.id == talent_id).with_for_update())


async def add_card(tx: Tx, card: RateCard) -> None:
    """Store a rate card of a talent whose row the caller holds."""
    row = {
        "id": card.id,
        "talent_id": card.talent_id,
        "currency_code": card.day_rate.currency,
        "day_rate_minor": card.day_rate.minor,
        "media": [asdict(factor) for factor in card.media],
        "territories": [asdict(factor) for factor in card.territories],
        "terms": [asdict(factor) for factor in card.terms],
        "exclusivity_bp": card.exclusivity_bp,
        "per_image_minor": card.per_image.minor,
        "crew_pool_bp": card.crew_pool_bp,
        "floor_minor": card.floor.minor,
        "created_at": card.created_at,
    }
    await tx.execute(insert(rate_cards).values(row))


async def get_card(tx: Tx, card_id: str) -> RateCard:
    """Return a rate card that is known to be there."""
    return _card((await tx.execute(select(rate_cards).where(rate_cards.c.id == card_id))).one())


async def find_card(tx: Tx, talent_id: str) -> RateCard:
    """Return the talent's newest rate card.

    Raises:
        RateCardNotFound: she has none.
    """
    row = None
    if is_id("pty", talent_id):
        query = select(rate_cards).where(rate_cards.c.talent_id == talent_id)
        query = query.order_by(rate_cards.c.created_at.desc(), rate_cards.c.id.desc()).limit(1)
        row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise RateCardNotFound("the talent has no rate card")
    return _card(row)


def _card(row: Row[Any]) -> RateCard:
    media, territories, terms = (
        tuple(Factor(**factor) for factor in factors)
        for factors in (row.media, row.territories, row.terms)
    )
    return RateCard(
        row.id,
        row.talent_id,
        Money(row.currency_code, row.day_rate_minor),
        media,
        territories,
        terms,
        row.exclusivity_bp,
        Money(row.currency_code, row.per_image_minor),
        row.crew_pool_bp,
        Money(row.currency_code, row.floor_minor),
        row.created_at,
    )


async def add_quote(tx: Tx, quote: Quote) -> None:
    """Store a quote."""
    row = {
        "id": quote.id,
        "rate_card_id": quote.rate_card_id,
        "lines": [asdict(line) for line in quote.lines],
        "total_minor": quote.total.minor,
        "valid_until": quote.valid_until,
        **agreed_row(quote.terms, quote.per_image, quote.crew_pool_bp, quote.created_at),
    }
    await tx.execute(insert(quotes).values(row))


async def get_quote(tx: Tx, quote_id: str, *, lock: bool = False) -> Quote:
    """Return a quote; with `lock`, hold its row until the transaction ends.

    Raises:
        QuoteNotFound: there is none with that id.
    """
    row = None
    if is_id("quo", quote_id):
        query = select(quotes).where(quotes.c.id == quote_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise QuoteNotFound("there is no such quote")
    return Quote(
        row.id,
        read_terms(row),
        tuple(Line(**line) for line in row.lines),
        Money(row.currency_code, row.total_minor),
        Money(row.currency_code, row.per_image_minor),
        row.crew_pool_bp,
        row.rate_card_id,
        row.created_at,
        row.valid_until,
    )


def agreed_row(
    terms: Terms, per_image: Money, crew_pool_bp: int, created_at: datetime
) -> dict[str, Any]:
    """Return the columns quotes and licenses have in common."""
    return {
        "brand_id": terms.brand_id,
        "talent_id": terms.talent_id,
        "purpose": terms.purpose,
        "uses": [say_use(use) for use in terms.uses],
        "category": terms.category,
        "exclusive": terms.exclusive,
        "image_cap": terms.image_cap,
        "approval_required": terms.approval_required,
        "prohibited_contexts": list(terms.prohibited_contexts),
        "currency_code": per_image.currency,
        "per_image_minor": per_image.minor,
        "crew_pool_bp": crew_pool_bp,
        "created_at": created_at,
    }


def read_terms(row: Row[Any]) -> Terms:
    """Read the terms of a quote or a license."""
    return Terms(
        row.brand_id,
        row.talent_id,
        row.purpose,
        tuple(read_use(use) for use in row.uses),
        row.category,
        row.exclusive,
        row.image_cap,
        row.approval_required,
        tuple(row.prohibited_contexts),
    )
