"""Consents: proposed by many, given and withdrawn by the talent alone."""

from dataclasses import replace
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.fields import is_id
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2, events_pb2

from identity.domain import consents as domain
from identity.domain import statements
from identity.domain.consents import Consent, ConsentNotFound, Draft, State, Step, Terms
from identity.domain.estates import Act, Life
from identity.domain.parties import Kind, PartyNotFound
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.domain.texts import Texts
from identity.service import access, receipts, signers
from identity.service.commands import Command
from identity.signing.statements import canonical
from identity.store import consents as store
from identity.store import estates as estates_store
from identity.store import parties as parties_store


class Consents:
    """What a talent allows to be done with her likeness."""

    def __init__(self, database: Database, texts: Texts) -> None:
        self._db = database
        self._texts = texts

    async def propose(self, command: Command, draft: Draft, supersedes: str = "") -> Consent:
        """Write terms down for the talent to read and sign."""
        trace.require_actor()
        consent_id = new_id("con")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, consent_id)
            if result == consent_id:
                await self._propose(tx, consent_id, draft, supersedes)
            return await store.get(tx, result)

    async def _propose(self, tx: Tx, consent_id: str, draft: Draft, supersedes: str) -> None:
        now = await db.now(tx)
        terms = domain.check_terms(draft, now=now)
        talent = await parties_store.get(tx, terms.talent_id)
        if talent.kind is not Kind.TALENT:
            raise FieldInvalid("terms.talent_id", "must be a talent")
        await access.require_near(tx, terms.talent_id, now=now)
        await access.require_not_erased(tx, terms.talent_id)
        await signers.require_living(tx, terms.talent_id)
        before = await _find_before(tx, supersedes, terms, now=now)
        text = self._texts.write(terms, talent_name=talent.public_name, supersedes=supersedes)
        said = statements.consent(consent_id, terms, text, supersedes=supersedes)
        consent = Consent(
            consent_id,
            State.PROPOSED,
            terms,
            canonical(said),
            canonical(statements.withdrawal(consent_id, terms, before)),
            trace.actor().party_id,
            now,
            text.content,
            text.version,
            supersedes,
        )
        await store.add(tx, consent)
        event = events_pb2.ConsentProposed(consent_id=consent_id, talent_id=terms.talent_id)
        await outbox.publish(tx, event)

    async def sign(self, command: Command, consent_id: str, signature: bytes) -> Consent:
        """Make a consent live with the talent's own signature."""
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            consent, signer = await _check(tx, consent_id, signature, withdrawal=False)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return consent
            await access.require_not_erased(tx, consent.terms.talent_id)
            now = await db.now(tx)
            consent = domain.sign(consent, receipt_id=receipt_id, now=now)
            if consent.supersedes:
                await _supersede(tx, consent, now=now)
            await store.save(tx, consent)
            await _tell_signed(tx, consent)
            proof = _proof(ReceiptKind.CONSENT_SIGNED, consent, signature, signer)
            proofs = [(receipt_id, proof)]
            if consent.supersedes:
                kind = ReceiptKind.CONSENT_SUPERSEDED
                also = replace(proof, kind=kind, subject_id=consent.supersedes)
                proofs.append((new_id("rcp"), also))
            await _issue(tx, proofs)
            return consent

    async def withdraw(self, command: Command, consent_id: str, signature: bytes) -> Consent:
        """End a consent with the talent's own signature."""
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            consent, signer = await _check(tx, consent_id, signature, withdrawal=True)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return consent
            before = await store.find_superseded(tx, consent, lock=True)
            ended = [one for one in before if one.state is State.SUPERSEDED]
            proof = _proof(ReceiptKind.CONSENT_WITHDRAWN, consent, signature, signer)
            proofs, now = [(receipt_id, proof)], await db.now(tx)
            consent = await _withdraw(tx, consent, receipt_id, now=now)
            for one in ended:
                own_id = new_id("rcp")
                await _withdraw(tx, one, own_id, now=now)
                proofs.append((own_id, replace(proof, subject_id=one.id)))
            await _issue(tx, proofs)
            return consent

    async def get(self, consent_id: str) -> tuple[Consent, Life]:
        """Return a consent the caller may know of, and whether she speaks for herself."""
        async with self._db.begin() as tx:
            consent = await _get_visible(tx, consent_id, lock=False)
            return consent, await estates_store.find_life(tx, consent.terms.talent_id)

    async def find(self, talent_id: str) -> tuple[list[Consent], Life]:
        """Return a talent's consents, the newest first, and whether she speaks for herself.

        For whom `access.is_near` names; anybody else hears what is said of nobody's id.

        Raises:
            Unauthenticated: nobody in particular asks.
            PartyNotFound: no such party, or none whose consents the caller may know of.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            await parties_store.get(tx, talent_id)
            if not await access.is_near(tx, talent_id, now=await db.now(tx)):
                raise PartyNotFound("there is no such party")
            life = await estates_store.find_life(tx, talent_id)
            return await store.find_all(tx, talent_id), life

    async def check(self, talent_id: str, step: Step, consent_id: str = "") -> tuple[Consent, Life]:
        """Return the live consent that covers a step, the newest first, or only the one named.

        Raises:
            ConsentMissing: none does.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            consent = await find_covering(tx, talent_id, step, consent_id)
            return consent, await estates_store.find_life(tx, talent_id)


async def _find_before(tx: Tx, supersedes: str, terms: Terms, *, now: datetime) -> list[Consent]:
    """Return the consent to be superseded, which may be, and those before it; newest first."""
    if not supersedes:
        return []
    try:
        old = await store.get(tx, supersedes)
    except ConsentNotFound as error:
        raise FieldInvalid("supersedes", "must be a consent of the same talent") from error
    domain.check_supersedable(old, terms, now=now)
    return [old, *await store.find_superseded(tx, old)]


async def _supersede(tx: Tx, consent: Consent, *, now: datetime) -> None:
    """Let a consent that is being signed take the place of the one it says it supersedes.

    Before the new one is saved: the database counts the signed ones that name the old one.
    """
    old = await store.get(tx, consent.supersedes, lock=True)
    await store.save(tx, domain.supersede(old, consent, now=now))


async def _tell_signed(tx: Tx, consent: Consent) -> None:
    """Publish that a consent was signed, and then whose place it took."""
    signed = events_pb2.ConsentSigned(
        consent_id=consent.id,
        talent_id=consent.terms.talent_id,
        receipt_id=consent.receipt_id,
        ends_at=_stamp(consent.terms.ends_at),
    )
    await outbox.publish(tx, signed)
    if consent.supersedes:
        superseded = events_pb2.ConsentSuperseded(
            consent_id=consent.supersedes,
            talent_id=consent.terms.talent_id,
            superseded_by=consent.id,
            receipt_id=consent.receipt_id,
        )
        await outbox.publish(tx, superseded)


async def _withdraw(tx: Tx, consent: Consent, receipt_id: str, *, now: datetime) -> Consent:
    consent = domain.withdraw(consent, receipt_id=receipt_id, now=now)
    await store.save(tx, consent)
    policy = f"WITHDRAWAL_POLICY_{consent.terms.withdrawal_policy.name}"
    event = events_pb2.ConsentWithdrawn(
        consent_id=consent.id,
        talent_id=consent.terms.talent_id,
        receipt_id=receipt_id,
        policy=consent_pb2.WithdrawalPolicy.Value(policy),
    )
    await outbox.publish(tx, event)
    return consent


async def _issue(tx: Tx, proofs: list[tuple[str, Agreed]]) -> None:
    for receipt_id, proof in proofs:
        await receipts.issue(tx, receipt_id, proof)


async def find_covering(tx: Tx, talent_id: str, step: Step, consent_id: str = "") -> Consent:
    """Return the live consent that covers a step now; of who was erased, none covers any.

    Of who died, none does until her estate is settled. With `consent_id` only that one counts.

    Raises:
        ConsentMissing: none does.
    """
    known = is_id("pty", talent_id)
    signed = await store.find_signed(tx, talent_id) if known else []
    signed = [one for one in signed if consent_id in ("", one.id)]
    life = await estates_store.find_life(tx, talent_id) if known else Life.LIVING
    return domain.find_covering(signed, talent_id, step, now=await db.now(tx), life=life)


async def _get_visible(tx: Tx, consent_id: str, *, lock: bool) -> Consent:
    consent = await store.get(tx, consent_id, lock=lock)
    if not await access.is_near(tx, consent.terms.talent_id, now=await db.now(tx)):
        raise ConsentNotFound("there is no such consent")
    return consent


async def _check(
    tx: Tx, consent_id: str, signature: bytes, *, withdrawal: bool
) -> tuple[Consent, bytes]:
    """Return the locked consent and the key that signed for it.

    Giving is the talent's own; withdrawing is her successors' too, once her estate is settled.
    """
    consent = await _get_visible(tx, consent_id, lock=True)
    talent_id = consent.terms.talent_id
    if withdrawal:
        access.require_ender(talent_id)
        act, message = Act.NARROW, consent.withdrawal_statement
    else:
        access.require_signer(talent_id)
        act, message = Act.GRANT, consent.statement
    return consent, await signers.check_word(tx, talent_id, act, message, signature)


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
