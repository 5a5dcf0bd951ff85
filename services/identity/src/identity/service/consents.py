"""Consents: proposed by many, given and withdrawn by the talent alone."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2, events_pb2

from identity.domain import consents as domain
from identity.domain.consents import Consent, ConsentNotFound, Draft, State, Step
from identity.domain.parties import Kind
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.service import access, receipts
from identity.service.commands import Command
from identity.service.parties import check_signature
from identity.signing.statements import canonical
from identity.store import consents as store
from identity.store import parties as parties_store


class Consents:
    """What a talent allows to be done with her likeness."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def propose(self, command: Command, draft: Draft) -> Consent:
        """Write terms down for the talent to read and sign."""
        trace.require_actor()
        consent_id = new_id("con")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, consent_id)
            if result == consent_id:
                await _propose(tx, consent_id, draft)
            return await store.get(tx, result)

    async def sign(self, command: Command, consent_id: str, signature: bytes) -> Consent:
        """Make a consent live with the talent's own signature."""
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            consent, signer = await _check(tx, consent_id, signature, withdrawal=False)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return consent
            consent = domain.sign(consent, receipt_id=receipt_id, now=await db.now(tx))
            await store.save(tx, consent)
            event = events_pb2.ConsentSigned(
                consent_id=consent_id,
                talent_id=consent.terms.talent_id,
                receipt_id=receipt_id,
                ends_at=_stamp(consent.terms.ends_at),
            )
            await outbox.publish(tx, event)
            proof = _proof(ReceiptKind.CONSENT_SIGNED, consent, signature, signer)
            await receipts.issue(tx, receipt_id, proof)
            return consent

    async def withdraw(self, command: Command, consent_id: str, signature: bytes) -> Consent:
        """End a consent with the talent's own signature."""
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            consent, signer = await _check(tx, consent_id, signature, withdrawal=True)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return consent
            consent = domain.withdraw(consent, receipt_id=receipt_id, now=await db.now(tx))
            await store.save(tx, consent)
            policy = f"WITHDRAWAL_POLICY_{consent.terms.withdrawal_policy.name}"
            event = events_pb2.ConsentWithdrawn(
                consent_id=consent_id,
                talent_id=consent.terms.talent_id,
                receipt_id=receipt_id,
                policy=consent_pb2.WithdrawalPolicy.Value(policy),
            )
            await outbox.publish(tx, event)
            proof = _proof(ReceiptKind.CONSENT_WITHDRAWN, consent, signature, signer)
            await receipts.issue(tx, receipt_id, proof)
            return consent

    async def get(self, consent_id: str) -> Consent:
        """Return a consent the caller may know of."""
        async with self._db.begin() as tx:
            return await _get_visible(tx, consent_id, lock=False)

    async def check(self, talent_id: str, step: Step) -> Consent:
        """Return the live consent that covers a step, the newest first.

        Raises:
            ConsentMissing: none does.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            return await find_covering(tx, talent_id, step)


async def _propose(tx: Tx, consent_id: str, draft: Draft) -> None:
    now = await db.now(tx)
    terms = domain.check_terms(draft, now=now)
    talent = await parties_store.get(tx, terms.talent_id)
    if talent.kind is not Kind.TALENT:
        raise FieldInvalid("terms.talent_id", "must be a talent")
    await access.require_near(tx, terms.talent_id, now=now)
    consent = Consent(
        consent_id,
        State.PROPOSED,
        terms,
        canonical(domain.statement(consent_id, terms)),
        canonical(domain.withdrawal_statement(consent_id, terms)),
        trace.actor().party_id,
        now,
    )
    await store.add(tx, consent)
    event = events_pb2.ConsentProposed(consent_id=consent_id, talent_id=terms.talent_id)
    await outbox.publish(tx, event)


async def find_covering(tx: Tx, talent_id: str, step: Step) -> Consent:
    """Return the live consent that covers a step now. Raises ConsentMissing."""
    signed = await store.find_signed(tx, talent_id) if talent_id.isprintable() else []
    return domain.find_covering(signed, talent_id, step, now=await db.now(tx))


async def _get_visible(tx: Tx, consent_id: str, *, lock: bool) -> Consent:
    consent = await store.get(tx, consent_id, lock=lock)
    proposer = trace.actor().party_id == consent.proposed_by != ""
    now = await db.now(tx)
    if not (proposer or await access.is_near(tx, consent.terms.talent_id, now=now)):
        raise ConsentNotFound("there is no such consent")
    return consent


async def _check(
    tx: Tx, consent_id: str, signature: bytes, *, withdrawal: bool
) -> tuple[Consent, bytes]:
    """Return the locked consent and the talent's key that signed for it."""
    consent = await _get_visible(tx, consent_id, lock=True)
    access.require_signer(consent.terms.talent_id)
    message = consent.withdrawal_statement if withdrawal else consent.statement
    return consent, await check_signature(tx, consent.terms.talent_id, message, signature)


def _proof(kind: ReceiptKind, consent: Consent, signature: bytes, signer: bytes) -> Agreed:
    signing = kind is ReceiptKind.CONSENT_SIGNED
    return Agreed(
        kind,
        consent.id,
        consent.terms.talent_id,
        consent.statement if signing else consent.withdrawal_statement,
        signature,
        signer,
    )


def _stamp(value: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp
