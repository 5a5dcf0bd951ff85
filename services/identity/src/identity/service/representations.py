"""Representation: proposed by an agency or the talent, agreed by her alone, ended by either."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid, NotAllowed
from kit.ids import new_id
from sosia.identity.v1 import events_pb2

from identity.domain import representations as domain
from identity.domain.estates import Act
from identity.domain.parties import Jurisdictions, Kind
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.domain.representations import (
    Representation,
    RepresentationNotFound,
    RepresentationNotProposed,
)
from identity.service import access, receipts, signers
from identity.service.commands import Command
from identity.service.signatures import check_signature
from identity.signing.statements import canonical
from identity.store import parties as parties_store
from identity.store import representations as store

_MOST_OFFERS = 10
"""Open offers of one agency to one talent."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A representation, and why the agency does not represent her now; nothing if it does."""

    representation: Representation
    why_not: str
    statement: bytes
    """What she signs, or signed."""
    ending: bytes
    """What she or the agency signs to end it."""


class Representations:
    """Which agencies represent which talents."""

    def __init__(self, database: Database, jurisdictions: Jurisdictions) -> None:
        self._db = database
        self._jurisdictions = jurisdictions

    async def propose(self, command: Command, offer: Representation) -> Seen:
        """Write down what an agency and a talent would agree, for her to read and sign.

        Raises:
            NotAllowed, FieldInvalid, CommissionAboveCap, RepresentationTooLong, PartyNotFound,
            TalentErased, EstateFrozen: in about this order.
        """
        _check_side(offer)
        offer = replace(offer, id=new_id("rep"))
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, offer.id)
            if result == offer.id:
                now = await db.now(tx)
                await self._check(tx, offer)
                sides = (offer.talent_id, offer.agency_id)
                await parties_store.lock(tx, offer.talent_id)
                if await store.count_open(tx, *sides, now=now) >= _MOST_OFFERS:
                    rule = f"has {_MOST_OFFERS} offers of this agency before her"
                    raise FieldInvalid("talent_id", rule)
                actor = trace.actor().party_id
                await store.add_offer(tx, offer, proposed_by=actor, now=now)
            return await _see(tx, await store.get(tx, result))

    async def sign(self, command: Command, representation_id: str, signature: bytes) -> Seen:
        """Make an offer an agreement, with the talent's own signature.

        Raises:
            RepresentationNotFound, NotAllowed, SignatureInvalid, RepresentationNotProposed; as
            `propose`.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            found = await _get_visible(tx, representation_id)
            access.require_signer(found.talent_id)
            await parties_store.lock(tx, found.talent_id)
            offer = await store.get(tx, representation_id)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result == receipt_id:
                domain.check_may_sign(offer, now=await db.now(tx))
                await self._agree(tx, offer, signature, receipt_id)
            return await _see(tx, await store.get(tx, offer.id))

    async def agree(self, command: Command, agreed: Representation, signature: bytes) -> Seen:
        """Record that the talent signed to be represented, terms and signature in one.

        Raises:
            SignatureInvalid, RepresentationNotProposed (agreed before); as `propose`.
        """
        _check_side(agreed)
        agreed = replace(agreed, id=new_id("rep"))
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, agreed.id)
            if result == agreed.id:
                await parties_store.lock(tx, agreed.talent_id)
                await self._agree(tx, agreed, signature, new_id("rcp"))
            return await _see(tx, await store.get(tx, result))

    async def end(self, command: Command, representation_id: str, signature: bytes) -> Seen:
        """End an agreement now: with the signature of the talent, a successor, or the agency.

        Raises:
            RepresentationNotFound, NotAllowed, SignatureInvalid, RepresentationNotAgreed.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            found = await _get_visible(tx, representation_id)
            await parties_store.lock(tx, found.talent_id)
            agreed = await store.get(tx, representation_id)
            signer, ended_by = await _check_ender(tx, agreed, signature)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result == receipt_id:
                now = await db.now(tx)
                domain.check_may_end(agreed, now=now)
                agreed = replace(agreed, ended_at=now)
                await store.end(tx, agreed, ended_by=ended_by)
                statement = canonical(domain.say_end(agreed))
                kind = ReceiptKind.REPRESENTATION_ENDED
                await receipts.issue(
                    tx, receipt_id, _proof(kind, agreed, (statement, signature), signer)
                )
                await outbox.publish(tx, _ended(agreed, ended_by))
            return await _see(tx, agreed)

    async def get_in_force(self, talent_id: str) -> Seen | None:
        """Return who represents the talent now, if anybody."""
        trace.require_actor()
        async with self._db.begin() as tx:
            await parties_store.get(tx, talent_id)
            found = await store.find(tx, talent_id, now=await db.now(tx))
            return None if found is None else _seen(found, "")

    async def find(self, *, agency_id: str, talent_id: str, everything: bool) -> Sequence[Seen]:
        """Return how an agency represents talents now, or a talent's; `everything`: offers too.

        To the agency, to the talent and those near her, and to staff.

        Raises:
            FieldInvalid: both are named, or none.
            NotAllowed: they are not the caller's to see.
        """
        if bool(talent_id) == bool(agency_id):
            raise FieldInvalid("talent_id", "must be given, or agency_id, and not both")
        async with self._db.begin() as tx:
            now = await db.now(tx)
            if agency_id:
                access.require_self(agency_id)
            else:
                await access.require_near(tx, talent_id, now=now)
            if everything:
                found = await store.find_all(tx, talent_id=talent_id, agency_id=agency_id)
                return [await _see(tx, one) for one in found if _may_see(one)]
            if agency_id:
                represented = await store.find_represented(tx, agency_id, now=now)
                return [_seen(one, "") for one in represented]
            one = await store.find(tx, talent_id, now=now)
            return [_seen(one, "")] if one else []

    async def _check(self, tx: Tx, agreed: Representation) -> None:
        domain.check_representation(agreed, self._jurisdictions, now=await db.now(tx))
        await _check_kinds(tx, agreed)
        await access.require_not_erased(tx, agreed.talent_id)
        await signers.require_living(tx, agreed.talent_id)

    async def _agree(
        self, tx: Tx, terms: Representation, signature: bytes, receipt_id: str
    ) -> None:
        """Store what she signed, once: her signature names no id, so on terms she agreed to before
        it may be an old one, brought again after she ended them or went elsewhere."""
        await self._check(tx, terms)
        if await store.was_agreed(tx, terms):
            raise RepresentationNotProposed("she agreed to these very terms before: write new ones")
        agreed = replace(terms, agreed_at=await db.now(tx))
        statement = canonical(domain.say(agreed))
        signer = await check_signature(tx, agreed.talent_id, statement, signature)
        await store.add(tx, agreed)
        kind = ReceiptKind.REPRESENTATION_AGREED
        proof = _proof(kind, agreed, (statement, signature), signer)
        await receipts.issue(tx, receipt_id, proof)
        event = events_pb2.RepresentationAgreed(
            representation_id=agreed.id,
            agency_id=agreed.agency_id,
            talent_id=agreed.talent_id,
            commission_bp=agreed.commission_bp,
        )
        await outbox.publish(tx, event)


def _check_side(agreed: Representation) -> None:
    """Let the two sides and staff hand in terms; the signature is what counts."""
    actor = trace.require_actor()
    if actor.kind != "staff" and actor.party_id not in (agreed.agency_id, agreed.talent_id):
        raise NotAllowed("only the agency, the talent and staff may do this")


async def _check_kinds(tx: Tx, agreed: Representation) -> None:
    found = await parties_store.get_all(tx, [agreed.agency_id, agreed.talent_id])
    if found[agreed.agency_id].kind is not Kind.AGENCY:
        raise FieldInvalid("agency_id", "must be an agency")
    if found[agreed.talent_id].kind is not Kind.TALENT:
        raise FieldInvalid("talent_id", "must be a talent")


async def _check_ender(tx: Tx, agreed: Representation, signature: bytes) -> tuple[bytes, str]:
    """Return the key that ends an agreement, and whose it is."""
    statement = canonical(domain.say_end(agreed))
    if trace.actor().party_id == agreed.agency_id:
        signer = await check_signature(tx, agreed.agency_id, statement, signature)
        return signer, agreed.agency_id
    access.require_ender(agreed.talent_id)
    signer = await signers.check_word(tx, agreed.talent_id, Act.NARROW, statement, signature)
    return signer, agreed.talent_id


async def _get_visible(tx: Tx, representation_id: str) -> Representation:
    """Return a representation to its two sides, those near her and staff."""
    trace.require_actor()
    found = await store.get(tx, representation_id)
    near = await access.is_near(tx, found.talent_id, now=await db.now(tx))
    if not (near and _may_see(found)) and not access.is_self(found.agency_id):
        raise RepresentationNotFound("there is no such representation")
    return found


def _may_see(found: Representation) -> bool:
    """Tell whether somebody near a talent may see one of hers: another agency's no agency may."""
    actor = trace.actor()
    return actor.kind != "agency" or actor.party_id == found.agency_id


async def _see(tx: Tx, found: Representation) -> Seen:
    now = await db.now(tx)
    newest = await store.find(tx, found.talent_id, now=now)
    return _seen(found, domain.why_not(found, newest, now=now))


def _seen(found: Representation, why_not: str) -> Seen:
    ending = canonical(domain.say_end(found))
    return Seen(found, why_not, canonical(domain.say(found)), ending)


def _proof(
    kind: ReceiptKind, agreed: Representation, word: tuple[bytes, bytes], signer: bytes
) -> Agreed:
    return Agreed(kind, agreed.id, agreed.talent_id, *word, signer, (agreed.agency_id,))


def _ended(agreed: Representation, ended_by: str) -> events_pb2.RepresentationEnded:
    return events_pb2.RepresentationEnded(
        representation_id=agreed.id,
        agency_id=agreed.agency_id,
        talent_id=agreed.talent_id,
        ended_by=ended_by,
    )
