"""Successions: a talent names, with her own key, who acts for her once she has died."""

from collections.abc import Sequence
from dataclasses import replace

from kit import db, once, outbox
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.ids import new_id
from sosia.identity.v1 import events_pb2

from identity.domain import successions as domain
from identity.domain.estates import Act
from identity.domain.parties import Kind
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.domain.successions import State, Succession, SuccessionNotFound
from identity.service import access, receipts, signers
from identity.service.commands import Command
from identity.signing.statements import canonical
from identity.store import parties as parties_store
from identity.store import successions as store


class Successions:
    """Whom talents name."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def propose(
        self, command: Command, talent_id: str, successor_ids: Sequence[str]
    ) -> Succession:
        """Write down whom a talent names, for her to read and sign.

        Raises:
            NotAllowed, FieldInvalid, PartyNotFound, TalentErased, EstateFrozen: in this order.
        """
        access.require_signer(talent_id)
        named, succession_id = domain.check_successors(successor_ids), new_id("suc")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, succession_id)
            if result == succession_id:
                # Her row: versions are counted one after another.
                await parties_store.lock(tx, talent_id)
                names = await _check_people(tx, talent_id, named)
                await access.require_not_erased(tx, talent_id)
                await signers.require_living(tx, talent_id)
                version, now = await store.next_version(tx, talent_id), await db.now(tx)
                draft = Succession(
                    succession_id, talent_id, version, State.PROPOSED, named, b"", now
                )
                draft = replace(draft, statement=canonical(domain.say(draft, names)))
                await store.add(tx, draft)
            return await store.get(tx, result)

    async def sign(self, command: Command, succession_id: str, signature: bytes) -> Succession:
        """Put a succession in force with the talent's own signature.

        Raises:
            SuccessionNotFound, NotAllowed, EstateFrozen, SignatureInvalid, TalentErased,
                SuccessionNotProposed: in this order.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            found = await _get_visible(tx, succession_id)
            access.require_signer(found.talent_id)
            await parties_store.lock(tx, found.talent_id)
            one = await store.get(tx, succession_id, lock=True)
            signed = (one.statement, signature)
            signer = await signers.check_word(tx, one.talent_id, Act.GRANT, *signed)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return one
            await access.require_not_erased(tx, one.talent_id)
            live, now = await store.find_live(tx, one.talent_id), await db.now(tx)
            one = domain.sign(one, live, receipt_id=receipt_id, now=now)
            if live is not None:
                await store.save(tx, domain.supersede(live, now=now))
            await store.save(tx, one)
            await outbox.publish(tx, _signed(one))
            about = (ReceiptKind.SUCCESSION_SIGNED, one.id, one.talent_id)
            proof = Agreed(*about, one.statement, signature, signer, one.successor_ids)
            await receipts.issue(tx, receipt_id, proof)
            return one

    async def find(self, talent_id: str) -> Sequence[Succession]:
        """Return what a talent named, newest first, to herself and staff. Raises NotAllowed."""
        access.require_self(talent_id)
        async with self._db.begin() as tx:
            return await store.find(tx, talent_id)


async def _check_people(tx: Tx, talent_id: str, named: Sequence[str]) -> dict[str, str]:
    """Return the names of those named, as they are registered now."""
    found = await parties_store.get_all(tx, [talent_id, *named])
    if found[talent_id].kind is not Kind.TALENT:
        raise FieldInvalid("talent_id", "must be a talent")
    for index, party_id in enumerate(named):
        if found[party_id].kind is not Kind.SUCCESSOR:
            raise FieldInvalid(f"successor_ids[{index}]", "must be a successor")
    return {party_id: found[party_id].public_name for party_id in named}


async def _get_visible(tx: Tx, succession_id: str) -> Succession:
    found = await store.get(tx, succession_id)
    if not access.is_self(found.talent_id):
        raise SuccessionNotFound("there is no such succession")
    return found


def _signed(one: Succession) -> events_pb2.SuccessionSigned:
    return events_pb2.SuccessionSigned(
        succession_id=one.id,
        talent_id=one.talent_id,
        version=one.version,
        successor_ids=one.successor_ids,
        receipt_id=one.receipt_id,
    )
