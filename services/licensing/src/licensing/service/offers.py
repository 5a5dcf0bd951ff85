"""Talks about a license: offers and counter-offers, until the talent signs or a side declines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kit import db, fields, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid, NotAllowed
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2
from sosia.licensing.v1 import events_pb2

from licensing.clients import Identity
from licensing.domain import licenses as domain
from licensing.domain import pricing
from licensing.domain.licenses import Change, License, Side, State
from licensing.domain.money import Money
from licensing.domain.pricing import Line, Price
from licensing.domain.quotes import Quote
from licensing.domain.terms import Asked, Terms, check_terms
from licensing.domain.vocabulary import Vocabulary
from licensing.service import access
from licensing.service.commands import Command, claim, find_repeat
from licensing.service.licenses import Licenses
from licensing.service.lives import begin, keep
from licensing.service.prices import make_quote
from licensing.signing.statements import canonical
from licensing.store import licenses as store
from licensing.store import prices as prices_store

_LONGEST_NOTE = 500
_LONGEST_TALK = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What a side wants instead; None where it takes what is offered, or the rate card's fee."""

    asked: Asked | None
    fee: Money | None
    note: str


class Offers:
    """Talks; each side has its turn."""

    def __init__(
        self,
        database: Database,
        identity: Identity,
        licenses: Licenses,
        vocabulary: Vocabulary,
        lasts: timedelta,
    ) -> None:
        self._db = database
        self._identity = identity
        self._licenses = licenses
        self._vocabulary = vocabulary
        self._lasts = lasts

    async def counter(self, command: Command, license_id: str, answer: Answer) -> License:
        """Answer the other side's offer with another; the fee is never below the talent's floor.

        Raises:
            LicenseNotFound, NotAllowed, LicenseNotProposed, NotYourTurn, FieldInvalid: in this
                order, then CONSENT_MISSING as identity says it.
        """
        license = await self._licenses.get(license_id)
        side = await self._find_side(license)
        note = _check_note(answer.note)
        before = await find_repeat(self._db, command)
        if before is not None:
            return await self._licenses.get(before)
        async with self._db.begin() as tx:
            now = await db.now(tx)
        domain.counter(license, side, now=now)
        terms = self._read_terms(license, answer.asked, now=now)
        await self._identity.check_consent(terms.talent_id, consent_pb2.STEP_LICENSING)
        offer_id = new_id("lic")
        async with self._db.begin() as tx:
            license = await store.get(tx, license_id, lock=True)
            result = await claim(tx, command, offer_id)
            if result == offer_id:
                now = await db.now(tx)
                await keep(tx, domain.counter(license, side, now=now), note)
                quote = await self._quote(tx, terms, answer.fee, now=now)
                await _offer(tx, license, quote, side, offer_id)
                await outbox.publish(tx, _countered(license, offer_id, side, note))
            return await store.get(tx, result)

    async def accept(self, command: Command, license_id: str) -> License:
        """Say yes, for the brand, to what the talent's side offers.

        Raises:
            LicenseNotFound, NotAllowed, LicenseNotProposed, NotYourTurn: in this order.
        """
        license = await self._licenses.get(license_id)
        access.require_brand(license.terms.brand_id)
        async with self._db.begin() as tx:
            license = await store.get(tx, license_id, lock=True)
            token = new_id("lic")
            if await claim(tx, command, token) == token:
                license = domain.accept(license, now=await db.now(tx))
                await keep(tx, license, "accepted")
                event = events_pb2.LicenseAccepted(
                    license_id=license.id,
                    brand_id=license.terms.brand_id,
                    talent_id=license.terms.talent_id,
                )
                await outbox.publish(tx, event)
            return license

    async def decline(self, command: Command, license_id: str, note: str) -> License:
        """End the talks without a license.

        Raises:
            LicenseNotFound, NotAllowed, LicenseNotProposed: in this order.
        """
        license = await self._licenses.get(license_id)
        side = await self._find_side(license)
        note = _check_note(note)
        async with self._db.begin() as tx:
            license = await store.get(tx, license_id, lock=True)
            token = new_id("lic")
            if await claim(tx, command, token) == token:
                license = domain.decline(license, now=await db.now(tx))
                await keep(tx, license, note)
                event = events_pb2.LicenseDeclined(
                    license_id=license.id,
                    brand_id=license.terms.brand_id,
                    talent_id=license.terms.talent_id,
                    reason=str(side),
                    note=note,
                )
                await outbox.publish(tx, event)
            return license

    async def find_changes(self, license_id: str) -> Sequence[Change]:
        """Return every step of a license's life and of those whose offers it answers."""
        license = await self._licenses.get(license_id)
        ids = [license.id]
        async with self._db.begin() as tx:
            while license.answers and len(ids) < _LONGEST_TALK:
                license = await store.get(tx, license.answers)
                ids.append(license.id)
            return await store.find_changes(tx, ids)

    async def _find_side(self, license: License) -> Side:
        """Return whose side the caller is on; staff is on neither. Raises NotAllowed."""
        kind = trace.require_actor().kind
        if kind == "brand" and access.is_brand(license.terms.brand_id):
            return Side.BRAND
        if kind in ("talent", "agency") and await access.is_near(
            self._identity, license.terms.talent_id
        ):
            return Side.TALENT
        raise NotAllowed("only the brand, the talent and her agency may do this")

    def _read_terms(self, license: License, asked: Asked | None, *, now: datetime) -> Terms:
        if asked is None:
            return license.terms
        terms = check_terms(asked, self._vocabulary, now=now)
        for field in ("brand_id", "talent_id"):
            if getattr(terms, field) != getattr(license.terms, field):
                raise FieldInvalid(f"terms.{field}", "must stay as it is")
        return terms

    async def _quote(self, tx: Tx, terms: Terms, fee: Money | None, *, now: datetime) -> Quote:
        """Price terms by the rate card, and say what was agreed otherwise."""
        card = await prices_store.find_card(tx, terms.talent_id)
        price = pricing.price(card, terms, self._vocabulary)
        if fee is not None:
            price = _agree(price, fee, card.floor)
        quote = make_quote(new_id("quo"), (terms, price, card), now=now, lasts=self._lasts)
        await prices_store.add_quote(tx, quote)
        return quote


def _agree(price: Price, fee: Money, floor: Money) -> Price:
    """Return a price brought to the fee a side wants.

    Raises:
        FieldInvalid: another currency; FEE_BELOW_FLOOR, less than her comparable human booking.
    """
    if fee.currency != floor.currency:
        raise FieldInvalid("fee.currency_code", f"must be {floor.currency}, as on the rate card")
    if fee.minor < floor.minor:
        rule = f"must be at least {floor.minor}, her comparable human booking"
        raise FieldInvalid("fee.amount_minor", rule, reason="FEE_BELOW_FLOOR")
    difference = fee.minor - price.total.minor
    lines = (*price.lines, Line("offered otherwise", difference)) if difference else price.lines
    return Price(lines, fee)


def _check_note(note: str) -> str:
    return fields.text(note, "note", longest=_LONGEST_NOTE) if note.strip() else ""


async def _offer(tx: Tx, answered: License, quote: Quote, side: Side, offer_id: str) -> None:
    offer = replace(
        answered,
        id=offer_id,
        quote_id=quote.id,
        terms=quote.terms,
        state=State.PROPOSED,
        statement=canonical(domain.say_license(offer_id, quote)),
        fee=quote.total,
        per_image=quote.per_image,
        crew_pool_bp=quote.crew_pool_bp,
        created_at=quote.created_at,
        offered_by=side,
        answers=answered.id,
    )
    await begin(tx, offer)
    event = events_pb2.LicenseProposed(
        license_id=offer_id, brand_id=offer.terms.brand_id, talent_id=offer.terms.talent_id
    )
    await outbox.publish(tx, event)


def _countered(
    license: License, offer_id: str, side: Side, note: str
) -> events_pb2.LicenseCountered:
    return events_pb2.LicenseCountered(
        license_id=license.id,
        brand_id=license.terms.brand_id,
        talent_id=license.terms.talent_id,
        answer_id=offer_id,
        offered_by=str(side),
        note=note,
    )
