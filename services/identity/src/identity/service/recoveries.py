"""Supervised re-enrolment: started by staff, stopped by any key of the party, or completed."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from kit import db, fields, once, outbox, trace
from kit.bus import stopping
from kit.db import Database, Tx
from kit.errors import DomainError, FieldInvalid
from kit.ids import new_id
from kit.ops import log
from sosia.identity.v1 import events_pb2
from sqlalchemy.exc import DBAPIError

from identity.domain import recoveries as domain
from identity.domain import signing_keys as keys_domain
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.domain.recoveries import WAITS, Asked, Recovery, RecoveryNotFound, State
from identity.domain.signing_keys import KeyNotFound, SigningKey
from identity.domain.signing_keys import State as KeyState
from identity.service import access, receipts
from identity.service.commands import Command
from identity.service.signatures import check_signature
from identity.service.signing_keys import tell_removed
from identity.signing.checkpoints import LogSigner
from identity.signing.statements import canonical
from identity.store import keys as keys_store
from identity.store import parties as parties_store
from identity.store import recoveries as store
from identity.store import representations as representations_store

_LOOK_EVERY_S = 1.0


class Recoveries:
    """Lost keys and what takes their place."""

    def __init__(self, database: Database, signer: LogSigner) -> None:
        self._db = database
        self._signer = signer

    async def start(self, command: Command, asked: Asked) -> Recovery:
        """Begin to replace keys of a party by a pending one; staff only.

        Raises:
            NotAllowed, PartyNotFound, FieldInvalid, TalentErased: in this order.
            KeyNotFound, KeyNotPending, KeyNotLive: of the new key; of a lost one.
            RecoveryUnderWay: another one waits.
        """
        access.require_staff()
        recovery_id, receipt_id = new_id("rec"), new_id("rcp")
        party_id = asked.party_id
        async with self._db.begin() as tx:
            await parties_store.lock(tx, party_id)
            result = await once.claim(tx, command.request_id, command.content, recovery_id)
            if result != recovery_id:
                return await store.get(tx, result)
            reason = fields.text(asked.reason, "reason", longest=500)
            asker = asked.asked_by and fields.text(asked.asked_by, "asked_by", longest=200)
            await access.require_not_erased(tx, party_id)
            keys = await keys_store.find(tx, party_id, lock=True)
            key, lost_keys = _choose(keys, asked.key_id, asked.lost_key_ids)
            now = await db.now(tx)
            recovery = Recovery(
                recovery_id,
                party_id,
                State.WAITING,
                reason,
                trace.actor().party_id,
                now,
                now + WAITS,
                asked.key_id,
                tuple(lost_keys),
                await _concerned(tx, party_id),
                receipt_id,
                asked_by=asker,
            )
            await store.add(tx, recovery)
            ready_at = Timestamp()
            ready_at.FromDatetime(recovery.ready_at)
            event = events_pb2.RecoveryStarted(ready_at=ready_at, **_told(recovery, receipt_id))
            await outbox.publish(tx, event)
            digest = hashlib.sha256(key.public_key).hexdigest()
            said = canonical(domain.start(recovery, digest))
            await self._state(tx, ReceiptKind.RECOVERY_STARTED, recovery, receipt_id, said)
            return recovery

    async def stop(self, command: Command, recovery_id: str, signature: bytes) -> Recovery:
        """Stop a recovery by the word of any key of the party that signs, lost ones too; or by
        staff without one, for which the house signs.

        Raises:
            RecoveryNotFound, NotAllowed, FieldInvalid, SignatureInvalid, RecoveryOver: in this
                order.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            recovery = await store.get(tx, recovery_id, lock=True)
            if not access.is_self(recovery.party_id):
                raise RecoveryNotFound("there is no such recovery")
            said = canonical(domain.stop(recovery))
            if signature:
                signer = await check_signature(tx, recovery.party_id, said, signature)
            else:
                access.require_staff()
                signature, signer = self._signer.sign(said), self._signer.public_key
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return recovery
            now = await db.now(tx)
            recovery = domain.end(recovery, State.STOPPED, receipt_id=receipt_id, now=now)
            await store.save(tx, recovery)
            key = await keys_store.get(tx, recovery.key_id)
            await keys_store.save(tx, keys_domain.replaced(key, now=now))
            await outbox.publish(tx, events_pb2.RecoveryStopped(**_told(recovery, receipt_id)))
            proof = _proof(ReceiptKind.RECOVERY_STOPPED, recovery, said, signature, signer)
            await receipts.issue(tx, receipt_id, proof)
            return recovery

    async def get(self, recovery_id: str) -> Recovery:
        """Return a recovery to the party, to whom it is told, and to the house."""
        async with self._db.begin() as tx:
            found = await store.get(tx, recovery_id)
            near = await access.is_near(tx, found.party_id, now=await db.now(tx))
            told = trace.actor().party_id in found.told_party_ids
            if not (near or told or access.is_self(found.party_id)):
                raise RecoveryNotFound("there is no such recovery")
            return found

    async def find(self) -> Sequence[Recovery]:
        """Return the newest recoveries the caller may know of: staff of all."""
        actor = trace.require_actor()
        async with self._db.begin() as tx:
            return await store.find_told(tx, "" if actor.kind == "staff" else actor.party_id)

    async def complete_due(self) -> int:
        """Let new keys take the place of lost ones where the time has come; return how many did."""
        async with self._db.begin() as tx:
            due = await store.find_due(tx, await db.now(tx))
        done = 0
        for recovery_id in due:
            try:
                await self._complete(recovery_id)
                done += 1
            except DomainError as error:  # somebody stopped or completed it just now
                log.info("a recovery is not completed", recovery_id=recovery_id, error=repr(error))
        return done

    async def watch(self) -> None:
        """Complete what is due, until cancelled."""
        while not stopping():
            try:
                with trace.span("recover", {}, who=trace.Actor("identity", "service")):
                    await self.complete_due()
            except (DBAPIError, OSError) as error:
                log.warning("recoveries were not looked at", error=repr(error))
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _complete(self, recovery_id: str) -> None:
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            recovery = await store.get(tx, recovery_id, lock=True)
            now = await db.now(tx)
            recovery = domain.end(recovery, State.COMPLETED, receipt_id=receipt_id, now=now)
            keys = await keys_store.find(tx, recovery.party_id, lock=True)
            await store.save(tx, recovery)
            for key in keys:
                if key.id in recovery.lost_key_ids and key.state is not KeyState.REMOVED:
                    removed = keys_domain.replaced(key, now=now)
                    await keys_store.save(tx, removed)
                    await tell_removed(tx, removed, receipt_id)
                elif key.id == recovery.key_id:
                    await keys_store.save(tx, keys_domain.confirm(key))
            event = events_pb2.RecoveryCompleted(
                key_id=recovery.key_id,
                lost_key_ids=recovery.lost_key_ids,
                **_told(recovery, receipt_id),
            )
            await outbox.publish(tx, event)
            said = canonical(domain.completion(recovery, now=now))
            await self._state(tx, ReceiptKind.RECOVERY_COMPLETED, recovery, receipt_id, said)

    async def _state(
        self, tx: Tx, kind: ReceiptKind, recovery: Recovery, receipt_id: str, said: bytes
    ) -> None:
        """Issue the receipt of what the house states of a recovery, signed with the log's key."""
        signature = self._signer.sign(said)
        proof = _proof(kind, recovery, said, signature, self._signer.public_key)
        await receipts.issue(tx, receipt_id, proof)


def _choose(
    keys: Sequence[SigningKey], key_id: str, lost: Sequence[str]
) -> tuple[SigningKey, list[str]]:
    """Return the new key and the ids of the lost ones, which are all that sign if none is named."""
    known = {key.id: key for key in keys}
    for one in (key_id, *lost):
        if one not in known:
            raise KeyNotFound("there is no such key of this party")
    keys_domain.require_pending(known[key_id])
    for one in lost:
        keys_domain.require_live(known[one])
    chosen = list(dict.fromkeys(lost)) or [one.id for one in keys if one.state is KeyState.LIVE]
    if not chosen:
        raise FieldInvalid("lost_key_ids", "the party has no key it could have lost")
    return known[key_id], chosen


async def _concerned(tx: Tx, party_id: str) -> tuple[str, ...]:
    """Return whom it is told beside the party: her agency, and brands with a license of hers."""
    agreed = await representations_store.find(tx, party_id, now=await db.now(tx))
    agency = [agreed.agency_id] if agreed else []
    return tuple(dict.fromkeys([*agency, *await store.find_brands(tx, party_id)]))


def _told(recovery: Recovery, receipt_id: str) -> dict[str, Any]:
    return {
        "recovery_id": recovery.id,
        "party_id": recovery.party_id,
        "told_party_ids": recovery.told_party_ids,
        "receipt_id": receipt_id,
    }


def _proof(
    kind: ReceiptKind, recovery: Recovery, said: bytes, signature: bytes, signer: bytes
) -> Agreed:
    told = recovery.told_party_ids
    return Agreed(kind, recovery.id, recovery.party_id, said, signature, signer, told)
