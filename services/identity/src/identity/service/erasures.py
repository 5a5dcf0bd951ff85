"""A person's erasure: what is written of each step. Each method is one transaction."""

import hashlib
from collections.abc import Mapping, Sequence

from kit import db, once, outbox
from kit.db import Database, Tx
from kit.errors import DomainError, FieldInvalid
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2, events_pb2

from identity.domain import consents as consent_rules
from identity.domain import erasures as domain
from identity.domain.consents import Consent, Policy
from identity.domain.consents import State as ConsentState
from identity.domain.erasures import Erasure, Inventory, Seen, State, Word
from identity.domain.estates import Act
from identity.domain.parties import Kind, PartyNotFound
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.service import access, receipts, signers
from identity.service.commands import Command
from identity.service.signatures import find_key
from identity.signing.checkpoints import LogSigner
from identity.signing.statements import canonical
from identity.store import consents as consents_store
from identity.store import erasures as store
from identity.store import keys as keys_store
from identity.store import parties as parties_store

_STANDING = (ConsentState.ACTIVE, ConsentState.SUPERSEDED)


class Erasures:
    """What is noted of erasures."""

    def __init__(self, database: Database, signer: LogSigner) -> None:
        self._db = database
        self._signer = signer

    async def look(self, talent_id: str, objects: Mapping[str, int]) -> Seen:
        """Return what there is of her, and her erasure if she asked for it.

        Raises:
            PartyNotFound, NotAllowed, FieldInvalid: in this order.
        """
        async with self._db.begin() as tx:
            await _check_talent(tx, talent_id)
            await access.require_near(tx, talent_id, now=await db.now(tx))
            erasure = await store.find(tx, talent_id)
            found = await _count(tx, talent_id, objects)
            said = erasure.statement if erasure else canonical(domain.request(talent_id, found))
            return Seen(talent_id, erasure, said, found)

    async def freeze(self, command: Command, talent_id: str, signature: bytes) -> None:
        """End all that a person allowed and allow nothing more, by her own signature.

        Raises:
            PartyNotFound, NotAllowed, FieldInvalid, SignatureInvalid: in this order.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            await _check_talent(tx, talent_id)
            access.require_signer(talent_id)
            consents = await consents_store.lock_all(tx, talent_id)
            await parties_store.lock(tx, talent_id)
            erasure = await store.find(tx, talent_id)
            said = erasure.statement if erasure else await _statement(tx, talent_id)
            signer = await signers.check_word(tx, talent_id, Act.GRANT, said, signature)
            await once.claim(tx, command.request_id, command.content, talent_id)
            if erasure is None:
                proof = _proof(talent_id, Word(said, signature), signer)
                await _freeze(tx, proof, receipt_id, consents)

    async def freeze_again(self, talent_id: str, word: Word) -> bool:
        """Freeze a person on the word she gave before this database was restored.

        Returns False, with nothing done, if it knows her and the word is not hers. One who is
        not known here, or whose erasure is, needs nothing.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            try:
                consents = await consents_store.lock_all(tx, talent_id)
                await parties_store.lock(tx, talent_id)
            except PartyNotFound:
                return True
            if await store.has(tx, talent_id):
                return True
            keys = await keys_store.find(tx, talent_id)
            try:
                signer = find_key(keys, word.statement, word.signature, counted=False).public_key
            except DomainError:
                return False
            if not domain.is_request(word.statement, talent_id):
                return False
            await _freeze(tx, _proof(talent_id, word, signer), receipt_id, consents)
            return True

    async def get(self, talent_id: str) -> Erasure:
        """Return an erasure that was begun."""
        async with self._db.begin() as tx:
            found = await store.find(tx, talent_id)
            if found is None:
                raise LookupError(f"nobody asked to erase {talent_id}")
            return found

    async def find_unfinished(self) -> list[str]:
        """Return whose erasure is not certified yet."""
        async with self._db.begin() as tx:
            return await store.find_unfinished(tx)

    async def note_key_destroyed(self, talent_id: str) -> None:
        """Note that her key is gone."""
        async with self._db.begin() as tx:
            if await _is_at(tx, talent_id, State.FROZEN):
                await store.step(tx, talent_id, State.KEY_DESTROYED)

    async def note_tried(self, talent_id: str, object_keys: Mapping[str, Sequence[str]]) -> None:
        """Note which objects were tried, by folder, and none of them opened."""
        hashes = {
            folder: [hashlib.sha256(key.encode()).hexdigest() for key in keys]
            for folder, keys in object_keys.items()
        }
        async with self._db.begin() as tx:
            if await _is_at(tx, talent_id, State.KEY_DESTROYED):
                await store.step(tx, talent_id, State.TRIED, objects=hashes)

    async def scrub(self, talent_id: str) -> None:
        """Empty her personal fields, once identity's own objects of her are deleted."""
        async with self._db.begin() as tx:
            if await _is_at(tx, talent_id, State.TRIED):
                await store.lock_capture_sets(tx, talent_id)
                await store.scrub(tx, talent_id)
                await store.step(tx, talent_id, State.DELETED)

    async def certify(self, talent_id: str) -> None:
        """Issue the receipt whose statement is the certificate, signed by the house."""
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            erasure = await _at(tx, talent_id, State.DELETED)
            if erasure is None:
                return
            now = await db.now(tx)
            found = await _count(tx, talent_id, {})
            deleted = {"capture_objects": len(erasure.objects["captures"])}
            said = domain.certificate(erasure, found, deleted=deleted, now=now)
            statement = canonical(said)
            done = {"certificate_receipt_id": receipt_id, "certified_at": now}
            await store.step(tx, talent_id, State.CERTIFIED, **done)
            proof = Agreed(
                ReceiptKind.TALENT_ERASED,
                talent_id,
                talent_id,
                statement,
                self._signer.sign(statement),
                self._signer.public_key,
            )
            await receipts.issue(tx, receipt_id, proof)


def _proof(talent_id: str, word: Word, signer: bytes) -> Agreed:
    kind = ReceiptKind.ERASURE_SIGNED
    return Agreed(kind, talent_id, talent_id, word.statement, word.signature, signer)


async def _check_talent(tx: Tx, talent_id: str) -> None:
    if (await parties_store.get(tx, talent_id)).kind is not Kind.TALENT:
        raise FieldInvalid("talent_id", "must be a talent")


async def _count(tx: Tx, talent_id: str, objects: Mapping[str, int]) -> Inventory:
    signed = await consents_store.find_signed(tx, talent_id)
    standing = sum(consent.state in _STANDING for consent in signed)
    return Inventory(**await store.count(tx, talent_id), consents=standing, objects=objects)


async def _statement(tx: Tx, talent_id: str) -> bytes:
    return canonical(domain.request(talent_id, await _count(tx, talent_id, {})))


async def _freeze(tx: Tx, proof: Agreed, receipt_id: str, consents: Sequence[Consent]) -> None:
    """Withdraw every consent, whatever its policy, and tell everybody.

    That her key was made is noted even where it was not, so that it never is.
    """
    talent_id, now = proof.talent_id, await db.now(tx)
    ended = [consent for consent in consents if consent.state in _STANDING]
    erasure = Erasure(
        talent_id,
        State.FROZEN,
        proof.statement,
        proof.signature,
        proof.public_key,
        receipt_id,
        now,
        tuple(consent.id for consent in ended),
        {},
    )
    await store.add(tx, erasure)
    await parties_store.note_person_key(tx, talent_id, now)
    for consent in ended:
        withdrawn = consent_rules.withdraw(consent, receipt_id=receipt_id, now=now)
        await consents_store.save(tx, withdrawn)
    for consent in [*ended, *filter(_runs_on, consents)]:
        await _tell_withdrawn(tx, consent, receipt_id)
    event = events_pb2.TalentErased(talent_id=talent_id, receipt_id=receipt_id)
    await outbox.publish(tx, event)
    await receipts.issue(tx, receipt_id, proof)


def _runs_on(consent: Consent) -> bool:
    """Tell whether it was withdrawn before, but licenses under it were to run to their term."""
    policy = consent.terms.withdrawal_policy
    return consent.state is ConsentState.WITHDRAWN and policy is Policy.RUN_TO_TERM


async def _tell_withdrawn(tx: Tx, consent: Consent, receipt_id: str) -> None:
    event = events_pb2.ConsentWithdrawn(
        consent_id=consent.id,
        talent_id=consent.terms.talent_id,
        receipt_id=receipt_id,
        policy=consent_pb2.WITHDRAWAL_POLICY_END_NOW,
    )
    await outbox.publish(tx, event)


async def _at(tx: Tx, talent_id: str, state: State) -> Erasure | None:
    """Return and hold an erasure if it has come just so far: of two who go on with it, one does."""
    erasure = await store.find(tx, talent_id, lock=True)
    return erasure if erasure is not None and erasure.state is state else None


async def _is_at(tx: Tx, talent_id: str, state: State) -> bool:
    return await _at(tx, talent_id, state) is not None
