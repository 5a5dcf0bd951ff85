"""Estates: opened and settled by staff, signed by successors, stopped by her if she lives."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid, NotAllowed
from kit.ids import new_id
from sosia.identity.v1 import events_pb2

from identity.domain import estates as domain
from identity.domain import successions as successions_domain
from identity.domain.estates import (
    Estate,
    EstateNotFound,
    EstateOpen,
    Opening,
    State,
    Successor,
)
from identity.domain.parties import Kind
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.service import access, receipts
from identity.service.commands import Command
from identity.service.signatures import check_signature
from identity.signing.checkpoints import LogSigner
from identity.signing.statements import canonical
from identity.store import estates as store
from identity.store import keys as keys_store
from identity.store import parties as parties_store
from identity.store import representations as representations_store
from identity.store import successions as successions_store


class Estates:
    """Who acts for talents who died."""

    def __init__(self, database: Database, signer: LogSigner, waits: timedelta) -> None:
        self._db = database
        self._signer = signer
        self._waits = waits

    async def open(self, command: Command, opening: Opening) -> Estate:
        """Freeze a talent who died, on evidence; the house signs for it.

        Raises:
            NotAllowed, PartyNotFound, FieldInvalid, TalentErased, EstateOpen: in this order.
        """
        access.require_staff()
        estate_id, receipt_id = new_id("est"), new_id("rcp")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, estate_id)
            if result != estate_id:
                return await store.get(tx, result)
            await parties_store.lock(tx, opening.talent_id)
            named = await successions_store.find_live(tx, opening.talent_id)
            ids = successions_domain.choose(opening.successor_ids, named)
            opening = replace(opening, successor_ids=ids)
            made = (estate_id, receipt_id, named.id if named and named.successor_ids else "")
            successors = await _check_people(tx, opening)
            await access.require_not_erased(tx, opening.talent_id)
            if await store.find_open(tx, opening.talent_id) is not None:
                raise EstateOpen("she has an estate already", talentId=opening.talent_id)
            estate = await self._write(tx, made, opening, successors)
            await store.add(tx, estate)
            event = events_pb2.EstateOpened(
                estate_id=estate.id,
                talent_id=estate.talent_id,
                receipt_id=receipt_id,
                told=estate.told,
            )
            event.waits_until.FromDatetime(estate.waits_until)
            await outbox.publish(tx, event)
            await self._issue(tx, receipt_id, ReceiptKind.ESTATE_OPENED, estate, estate.statement)
            return estate

    async def accept(
        self, command: Command, estate_id: str, successor_id: str, signature: bytes
    ) -> Estate:
        """Take the signed statement of one successor, whom staff or they themselves hand in.

        Raises:
            EstateNotFound, NotAllowed, FieldInvalid, SignatureInvalid, EstateNotWaiting.
        """
        actor, receipt_id = trace.require_actor(), new_id("rcp")
        async with self._db.begin() as tx:
            estate = await _get_visible(tx, estate_id)
            if actor.kind != "staff" and actor.party_id != successor_id:
                raise NotAllowed("only the successor and staff may do this")
            named = domain.find_successor(estate, successor_id)
            signer = await check_signature(tx, successor_id, named.statement, signature)
            if signer not in named.public_keys:
                raise FieldInvalid("signature", "must be made with a key the estate names")
            await once.claim(tx, command.request_id, command.content, estate_id)
            now = await db.now(tx)
            estate, fresh = domain.accept(estate, successor_id, receipt_id=receipt_id, now=now)
            if fresh:
                await store.note_accepted(
                    tx, estate.id, domain.find_successor(estate, successor_id)
                )
                event = events_pb2.EstateAccepted(
                    estate_id=estate.id,
                    talent_id=estate.talent_id,
                    successor_id=successor_id,
                    receipt_id=receipt_id,
                )
                await outbox.publish(tx, event)
                kind, word = ReceiptKind.ESTATE_ACCEPTED, (signature, signer)
                proof = _proof(kind, estate, named.statement, *word)
                await receipts.issue(tx, receipt_id, proof)
            return estate

    async def settle(self, command: Command, estate_id: str) -> Estate:
        """End the wait, once it is over and every successor signed.

        Raises:
            NotAllowed, EstateNotFound, EstateNotWaiting, EstateWaits, EstateNotAccepted.
        """
        access.require_staff()
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            estate = await store.get(tx, estate_id, lock=True)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return estate
            estate = domain.settle(estate, now=await db.now(tx))
            await store.save(tx, estate)
            event = events_pb2.EstateSettled(
                estate_id=estate.id, talent_id=estate.talent_id, receipt_id=receipt_id
            )
            await outbox.publish(tx, event)
            said = canonical(domain.say_settled(estate))
            await self._issue(tx, receipt_id, ReceiptKind.ESTATE_SETTLED, estate, said)
            return estate

    async def stop(self, command: Command, estate_id: str, reason: str, signature: bytes) -> Estate:
        """Undo an opening made in error: by her signature, or by staff while it waits.

        Raises:
            EstateNotFound, NotAllowed, SignatureInvalid, FieldInvalid, EstateNotWaiting.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            estate = await _get_visible(tx, estate_id)
            signer = b""
            if signature:
                access.require_signer(estate.talent_id)
                said = estate.objection_statement
                signer = await check_signature(tx, estate.talent_id, said, signature)
            else:
                access.require_staff()
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return estate
            now = await db.now(tx)
            estate = domain.stop(estate, reason, objected=bool(signature), now=now)
            await store.save(tx, estate)
            event = events_pb2.EstateStopped(
                estate_id=estate.id, talent_id=estate.talent_id, receipt_id=receipt_id
            )
            await outbox.publish(tx, event)
            kind = ReceiptKind.ESTATE_STOPPED
            if signer:
                proof = _proof(kind, estate, estate.objection_statement, signature, signer)
                await receipts.issue(tx, receipt_id, proof)
            else:
                said = canonical(domain.say_stopped(estate))
                await self._issue(tx, receipt_id, kind, estate, said)
            return estate

    async def find(self) -> Sequence[Estate]:
        """Return the estates that stand open to staff, those that name them to successors."""
        actor = trace.require_actor()
        if actor.kind not in ("staff", "successor"):
            raise NotAllowed("only staff and successors may do this")
        async with self._db.begin() as tx:
            return await store.find_all_open(tx, "" if actor.kind == "staff" else actor.party_id)

    async def get(self, talent_id: str) -> Estate:
        """Return the newest estate of a talent to those near her. Raises EstateNotFound."""
        trace.require_actor()
        async with self._db.begin() as tx:
            near = await access.is_near(tx, talent_id, now=await db.now(tx))
            estate = await store.find_newest(tx, talent_id) if near else None
            if estate is None:
                raise EstateNotFound("there is no such estate")
            return estate

    async def _write(
        self, tx: Tx, ids: tuple[str, str, str], opening: Opening, successors: list[Successor]
    ) -> Estate:
        now = await db.now(tx)
        evidence, died_on = domain.check_opening(opening, now=now)
        agreed = await representations_store.find_each(tx, opening.talent_id, now=now)
        told = dict.fromkeys([*(one.agency_id for one in agreed), *opening.successor_ids])
        estate = Estate(
            ids[0],
            opening.talent_id,
            State.WAITING,
            evidence,
            opening.evidence_sha256,
            died_on,
            tuple(successors),
            tuple(told),
            trace.actor().party_id,
            now,
            now + self._waits,
            receipt_id=ids[1],
            succession_id=ids[2],
        )
        signed = tuple(
            replace(one, statement=canonical(domain.say_acceptance(estate, one)))
            for one in estate.successors
        )
        return replace(
            estate,
            successors=signed,
            statement=canonical(domain.say_opened(estate)),
            objection_statement=canonical(domain.say_objection(estate)),
        )

    async def _issue(
        self, tx: Tx, receipt_id: str, kind: ReceiptKind, estate: Estate, said: bytes
    ) -> None:
        """Issue a receipt of what the house says."""
        proof = _proof(kind, estate, said, self._signer.sign(said), self._signer.public_key)
        await receipts.issue(tx, receipt_id, proof)


async def _check_people(tx: Tx, opening: Opening) -> list[Successor]:
    """Return the successors, with the keys they sign with now, passkeys too."""
    found = await parties_store.get_all(tx, [opening.talent_id, *opening.successor_ids])
    if found[opening.talent_id].kind is not Kind.TALENT:
        raise FieldInvalid("talent_id", "must be a talent")
    for index, party_id in enumerate(opening.successor_ids):
        if found[party_id].kind is not Kind.SUCCESSOR:
            raise FieldInvalid(f"successor_ids[{index}]", "must be a successor")
    return [
        Successor(party_id, await keys_store.find_live(tx, party_id))
        for party_id in sorted(opening.successor_ids)
    ]


async def _get_visible(tx: Tx, estate_id: str) -> Estate:
    """Return and hold an estate the caller may know of."""
    trace.require_actor()
    estate = await store.get(tx, estate_id, lock=True)
    if not await access.is_near(tx, estate.talent_id, now=await db.now(tx)):
        raise EstateNotFound("there is no such estate")
    return estate


def _proof(
    kind: ReceiptKind, estate: Estate, statement: bytes, signature: bytes, signer: bytes
) -> Agreed:
    about = (estate.id, estate.talent_id)
    return Agreed(kind, *about, statement, signature, signer, estate.told)
