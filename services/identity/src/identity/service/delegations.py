"""Delegations: proposed by those near the talent, given and ended by her alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.ids import new_id
from sosia.identity.v1 import events_pb2

from identity.domain import delegations as domain
from identity.domain.delegations import (
    Around,
    Bounds,
    Delegation,
    DelegationNotFound,
    NotRepresented,
    State,
)
from identity.domain.estates import Act, Life
from identity.domain.parties import Jurisdictions, Kind
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.service import access, receipts, signers
from identity.service.commands import Command
from identity.signing.statements import canonical
from identity.store import delegations as store
from identity.store import erasures as erasures_store
from identity.store import estates as estates_store
from identity.store import parties as parties_store
from identity.store import representations as representations_store


@dataclass(frozen=True, slots=True)
class Seen:
    """A delegation, and why the agency may not act under it now; nothing if it may."""

    delegation: Delegation
    why_not: str


class Delegations:
    """What talents let agencies do in their names."""

    def __init__(self, database: Database, jurisdictions: Jurisdictions) -> None:
        self._db = database
        self._jurisdictions = jurisdictions

    async def propose(
        self, command: Command, talent_id: str, agency_id: str, bounds: Bounds
    ) -> Seen:
        """Write down what would be delegated, for the talent to read and sign.

        Raises:
            PartyNotFound, NotAllowed, FieldInvalid, NotRepresented, TalentErased, EstateFrozen.
        """
        trace.require_actor()
        delegation_id = new_id("del")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, delegation_id)
            if result == delegation_id:
                now = await db.now(tx)
                # Her row: versions are counted one after another.
                await parties_store.lock(tx, talent_id)
                await access.require_near(tx, talent_id, now=now)
                await _check_may_begin(tx, talent_id, agency_id, now=now)
                longest = self._jurisdictions.longest_delegation_days
                bounds = domain.check_bounds(bounds, longest_days=longest, now=now)
                await self._check_acts(tx, talent_id, bounds, now=now)
                await store.add(tx, await _write(tx, delegation_id, (talent_id, agency_id), bounds))
            return await _see(tx, await store.get(tx, result))

    async def _check_acts(self, tx: Tx, talent_id: str, bounds: Bounds, *, now: datetime) -> None:
        agreed = await representations_store.find(tx, talent_id, now=now)
        where = agreed.jurisdiction if agreed else ""
        if where not in self._jurisdictions.agencies_sign_licenses:
            domain.check_signs_no_license(bounds, where)

    async def sign(self, command: Command, delegation_id: str, signature: bytes) -> Seen:
        """Make a delegation live with the talent's own signature.

        Raises:
            DelegationNotFound, NotAllowed, SignatureInvalid, EstateFrozen, NotRepresented,
                TalentErased, DelegationNotProposed.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            found = await _get_visible(tx, delegation_id)
            access.require_signer(found.talent_id)
            await parties_store.lock(tx, found.talent_id)
            delegation = await store.get(tx, delegation_id, lock=True)
            signed = (delegation.statement, signature)
            signer = await signers.check_word(tx, delegation.talent_id, Act.GRANT, *signed)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result == receipt_id:
                now = await db.now(tx)
                await _check_may_begin(tx, delegation.talent_id, delegation.agency_id, now=now)
                await self._check_acts(tx, delegation.talent_id, delegation.bounds, now=now)
                live = await store.find_live(tx, delegation.talent_id, delegation.agency_id)
                delegation = domain.sign(delegation, live, receipt_id=receipt_id, now=now)
                if live is not None:
                    await _end(tx, domain.supersede(live, now=now), superseded_by=delegation.id)
                await store.save(tx, delegation)
                await outbox.publish(tx, _signed(delegation))
                proof = _proof(ReceiptKind.DELEGATION_SIGNED, delegation, signature, signer)
                await receipts.issue(tx, receipt_id, proof)
            return await _see(tx, delegation)

    async def revoke(self, command: Command, delegation_id: str, signature: bytes) -> Seen:
        """End a delegation now, with the talent's own signature or a successor's.

        Raises:
            DelegationNotFound, NotAllowed, SignatureInvalid, DelegationNotActive: in this order.
        """
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            found = await _get_visible(tx, delegation_id)
            access.require_ender(found.talent_id)
            await parties_store.lock(tx, found.talent_id)
            delegation = await store.get(tx, delegation_id, lock=True)
            signed = (delegation.revocation_statement, signature)
            signer = await signers.check_word(tx, delegation.talent_id, Act.NARROW, *signed)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result == receipt_id:
                now = await db.now(tx)
                delegation = domain.revoke(delegation, receipt_id=receipt_id, now=now)
                await _end(tx, delegation)
                proof = _proof(ReceiptKind.DELEGATION_REVOKED, delegation, signature, signer)
                await receipts.issue(tx, receipt_id, proof)
            return await _see(tx, delegation)

    async def get(self, delegation_id: str) -> Seen:
        """Return a delegation the caller may know of. Raises DelegationNotFound."""
        trace.require_actor()
        async with self._db.begin() as tx:
            return await _see(tx, await _get_visible(tx, delegation_id))

    async def find(self, talent_id: str, agency_id: str) -> Sequence[Seen]:
        """Return the delegations of a talent to those near her, or those to an agency to it.

        Raises:
            FieldInvalid: both are named, or none.
            Unauthenticated, NotAllowed: they are not the caller's to see.
        """
        if bool(talent_id) == bool(agency_id):
            raise FieldInvalid("talent_id", "must be given, or agency_id, and not both")
        async with self._db.begin() as tx:
            if agency_id:
                access.require_self(agency_id)
                found = await store.find(tx, agency_id=agency_id)
            else:
                await access.require_near(tx, talent_id, now=await db.now(tx))
                found = await store.find(tx, talent_id=talent_id)
            return [await _see(tx, one) for one in found]

    def find_delegable(self, jurisdiction: str) -> Sequence[domain.Act]:
        """Return what may be delegated to an agency by the law of a place."""
        return domain.find_delegable(jurisdiction, self._jurisdictions.agencies_sign_licenses)


async def _write(tx: Tx, delegation_id: str, sides: tuple[str, str], bounds: Bounds) -> Delegation:
    """Return a proposal with what she would sign."""
    agency = await parties_store.get(tx, sides[1])
    if not agency.public_keys:
        raise FieldInvalid("agency_id", "must have a key of its own to sign with")
    draft = Delegation(
        delegation_id,
        *sides,
        await store.next_version(tx, *sides),
        State.PROPOSED,
        bounds,
        agency.public_keys,
        b"",
        b"",
        trace.actor().party_id,
        await db.now(tx),
    )
    return replace(
        draft,
        statement=canonical(domain.say(draft)),
        revocation_statement=canonical(domain.say_revocation(draft)),
    )


async def _check_may_begin(tx: Tx, talent_id: str, agency_id: str, *, now: datetime) -> None:
    """See that the agency represents a talent who lives and was not erased."""
    parties = await parties_store.get_all(tx, [talent_id, agency_id])
    if parties[talent_id].kind is not Kind.TALENT:
        raise FieldInvalid("talent_id", "must be a talent")
    await access.require_not_erased(tx, talent_id)
    await signers.require_living(tx, talent_id)
    if not await _is_represented(tx, talent_id, agency_id, now=now):
        raise NotRepresented("the agency does not represent her now", agencyId=agency_id)


async def _is_represented(tx: Tx, talent_id: str, agency_id: str, *, now: datetime) -> bool:
    agreed = await representations_store.find(tx, talent_id, now=now)
    return agreed is not None and agreed.agency_id == agency_id


async def _see(tx: Tx, delegation: Delegation) -> Seen:
    now, talent_id = await db.now(tx), delegation.talent_id
    around = Around(
        await _is_represented(tx, talent_id, delegation.agency_id, now=now),
        await estates_store.find_life(tx, talent_id) is Life.LIVING,
        await erasures_store.has(tx, talent_id),
    )
    return Seen(delegation, domain.why_not(delegation, around, now=now))


async def _get_visible(tx: Tx, delegation_id: str) -> Delegation:
    delegation = await store.get(tx, delegation_id)
    its_agency = trace.actor().party_id == delegation.agency_id
    now = await db.now(tx)
    if not (its_agency or await access.is_near(tx, delegation.talent_id, now=now)):
        raise DelegationNotFound("there is no such delegation")
    return delegation


async def _end(tx: Tx, ended: Delegation, *, superseded_by: str = "") -> None:
    await store.save(tx, ended)
    if ended.ended_at is None:
        raise ValueError("it did not end")
    event = events_pb2.DelegationEnded(
        delegation_id=ended.id,
        talent_id=ended.talent_id,
        agency_id=ended.agency_id,
        ended_at=_stamp(ended.ended_at),
        superseded_by=superseded_by,
        receipt_id=ended.receipt_id,
    )
    await outbox.publish(tx, event)


def _signed(delegation: Delegation) -> events_pb2.DelegationSigned:
    event = events_pb2.DelegationSigned(
        delegation_id=delegation.id,
        talent_id=delegation.talent_id,
        agency_id=delegation.agency_id,
        version=delegation.version,
        receipt_id=delegation.receipt_id,
    )
    if delegation.bounds.ends_at is not None:
        event.ends_at.FromDatetime(delegation.bounds.ends_at)
    return event


def _proof(kind: ReceiptKind, delegation: Delegation, signature: bytes, signer: bytes) -> Agreed:
    signing = kind is ReceiptKind.DELEGATION_SIGNED
    statement = delegation.statement if signing else delegation.revocation_statement
    sides = (delegation.id, delegation.talent_id)
    return Agreed(kind, *sides, statement, signature, signer, (delegation.agency_id,))


def _stamp(value: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp
