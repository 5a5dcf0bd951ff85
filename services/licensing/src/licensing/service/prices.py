"""Rate cards and the quotes made from them."""

from dataclasses import replace
from datetime import datetime, timedelta

from kit import db, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.fields import check_id
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2
from sosia.licensing.v1 import events_pb2

from licensing.clients import Identity
from licensing.domain import cards, pricing
from licensing.domain.cards import Prices, RateCard, RateCardNotFound
from licensing.domain.pricing import Price
from licensing.domain.quotes import Quote
from licensing.domain.terms import Asked, Terms, check_terms
from licensing.domain.vocabulary import Vocabulary
from licensing.service import access
from licensing.service.commands import Command, claim, find_repeat
from licensing.service.stamps import to_money
from licensing.store import prices as store


class RateCards:
    """What each talent's twin costs."""

    def __init__(self, database: Database, identity: Identity, vocabulary: Vocabulary) -> None:
        self._db = database
        self._identity = identity
        self._vocabulary = vocabulary

    async def set(self, command: Command, prices: Prices) -> RateCard:
        """Replace the talent's rate card for later quotes; she, her agency and staff may."""
        trace.require_actor()
        card_id = new_id("rat")
        async with self._db.begin() as tx:
            now = await db.now(tx)
        card = cards.make_card(prices, card_id, self._vocabulary, now=now)
        await access.require_near(self._identity, card.talent_id)
        if await self._identity.find_kind(card.talent_id) != "talent":
            raise FieldInvalid("rate_card.talent_id", "must be a talent")
        async with self._db.begin() as tx:
            result = await claim(tx, command, card_id)
            if result == card_id:
                await store.lock_talent(tx, card.talent_id)
                # Dated under the lock, so that the newest card is the one set last.
                await store.add_card(tx, replace(card, created_at=await db.now(tx)))
                event = events_pb2.RateCardSet(rate_card_id=card_id, talent_id=card.talent_id)
                await outbox.publish(tx, event)
            return await store.get_card(tx, result)

    async def get(self, talent_id: str) -> RateCard:
        """Return the rate card of a talent the caller is near."""
        trace.require_actor()
        async with self._db.begin() as tx:
            card = await store.find_card(tx, talent_id)
        if not await access.is_near(self._identity, talent_id):
            raise RateCardNotFound("the talent has no rate card")
        return card


class Quotes:
    """What a license would cost."""

    def __init__(
        self, database: Database, identity: Identity, vocabulary: Vocabulary, lasts: timedelta
    ) -> None:
        self._db = database
        self._identity = identity
        self._vocabulary = vocabulary
        self._lasts = lasts

    async def create(self, command: Command, asked: Asked) -> Quote:
        """Price a license for the brand that asks; staff may ask for it.

        Raises:
            NotAllowed, FieldInvalid, RateCardNotFound, UseNotPriced: in this order, then
                CONSENT_MISSING as identity says it.
        """
        trace.require_actor()
        check_id("pty", asked.brand_id, "terms.brand_id", what="a brand")
        access.require_brand(asked.brand_id)
        before = await find_repeat(self._db, command)
        async with self._db.begin() as tx:
            if before is not None:
                return await store.get_quote(tx, before)
            terms = check_terms(asked, self._vocabulary, now=await db.now(tx))
        await self._check(terms)
        quote_id = new_id("quo")
        async with self._db.begin() as tx:
            result = await claim(tx, command, quote_id)
            if result == quote_id:
                await self._add(tx, quote_id, terms)
            return await store.get_quote(tx, result)

    async def _add(self, tx: Tx, quote_id: str, terms: Terms) -> None:
        card = await store.find_card(tx, terms.talent_id)
        price = pricing.price(card, terms, self._vocabulary)
        quote = make_quote(quote_id, (terms, price, card), now=await db.now(tx), lasts=self._lasts)
        await store.add_quote(tx, quote)
        event = events_pb2.QuoteCreated(
            quote_id=quote_id,
            brand_id=terms.brand_id,
            talent_id=terms.talent_id,
            total=to_money(quote.total),
        )
        await outbox.publish(tx, event)

    async def _check(self, terms: Terms) -> None:
        """See that the brand is one, that it is priced, and that the talent allows licensing."""
        if await self._identity.find_kind(terms.brand_id) != "brand":
            raise FieldInvalid("terms.brand_id", "must be a brand")
        async with self._db.begin() as tx:
            card = await store.find_card(tx, terms.talent_id)
        pricing.price(card, terms, self._vocabulary)
        await self._identity.check_consent(terms.talent_id, consent_pb2.STEP_LICENSING)


def make_quote(
    quote_id: str, priced: tuple[Terms, Price, RateCard], *, now: datetime, lasts: timedelta
) -> Quote:
    """Return a quote of what some terms cost by a rate card."""
    terms, price, card = priced
    return Quote(
        quote_id,
        terms,
        price.lines,
        price.total,
        card.per_image,
        card.crew_pool_bp,
        card.id,
        now,
        now + lasts,
    )
