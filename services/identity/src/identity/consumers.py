"""Events of licensing that leave a receipt."""

import json
from typing import Protocol

from kit.bus import Bus
from kit.db import Database, Tx
from kit.ids import new_id
from kit.inbox import Consumer
from sosia.licensing.v1 import events_pb2

from identity.domain.parties import SignatureInvalid
from identity.domain.receipts import Agreed, Kind
from identity.service import receipts
from identity.service.signatures import check_signature, find_successor_key
from identity.signing.signatures import find_signer
from identity.signing.statements import canonical
from identity.store import delegations as delegations_store
from identity.store import estates as estates_store
from identity.store import log as store
from identity.store import parties as parties_store


class Signed(Protocol):
    """An event that carries the talent's word."""

    license_id: str
    talent_id: str
    statement: bytes
    signature: bytes


class Delegable(Signed, Protocol):
    """An event whose word an agency may have given under a delegation."""

    delegation_id: str


def open_consumer(database: Database, bus: Bus) -> Consumer:
    """Return the reader of licensing's stream."""
    return Consumer(
        database,
        bus,
        name="identity",
        handlers={
            events_pb2.LicenseSigned: note_license_signed,
            events_pb2.LicenseRevoked: note_license_revoked,
            events_pb2.ApprovalDecided: note_approval_decided,
        },
    )


async def note_license_signed(tx: Tx, event: events_pb2.LicenseSigned) -> None:
    """Issue the receipt of a license the talent granted."""
    subject = (Kind.LICENSE_SIGNED, event.license_id)
    if event.delegation_id:
        await _issue_delegated(tx, subject, event, (event.brand_id,))
    else:
        await _issue(tx, *subject, event, (event.brand_id,))


async def note_license_revoked(tx: Tx, event: events_pb2.LicenseRevoked) -> None:
    """Issue the receipt of a license that ended.

    Where a withdrawn consent ended it nobody signed; her withdrawal has a receipt of its own,
    and this one says what followed from it.
    """
    if event.signature:
        await _issue(tx, Kind.LICENSE_REVOKED, event.license_id, event, (event.brand_id,))
        return
    await parties_store.get(tx, event.talent_id)
    statement = event.statement or canonical(
        {
            "type": "sosia.license-revocation/1",
            "license_id": event.license_id,
            "talent_id": event.talent_id,
            "reason": event.reason,
        }
    )
    agreed = Agreed(
        Kind.LICENSE_REVOKED,
        event.license_id,
        event.talent_id,
        statement,
        b"",
        b"",
        (event.brand_id,),
        event.license_id,
    )
    await _issue_once(tx, agreed)


async def note_approval_decided(tx: Tx, event: events_pb2.ApprovalDecided) -> None:
    """Issue the receipt of the talent's word on a picture."""
    subject = (Kind.APPROVAL_DECIDED, event.render_id)
    if event.delegation_id:
        await _issue_delegated(tx, subject, event, ())
    else:
        await _issue(tx, *subject, event, ())


async def _issue(
    tx: Tx, kind: Kind, subject_id: str, event: Signed, party_ids: tuple[str, ...]
) -> None:
    """Issue a receipt of something signed by the talent, or by a successor of hers.

    Raises:
        SignatureInvalid: by nobody of them; a false word never enters the log.
    """
    theirs = await estates_store.find_all_successors(tx, event.talent_id)
    said = (event.statement, event.signature)
    signer = await find_successor_key(tx, theirs, *said, heard=True)
    if signer is None:
        signer = await check_signature(tx, event.talent_id, *said, heard=True)
    agreed = Agreed(
        kind,
        subject_id,
        event.talent_id,
        event.statement,
        event.signature,
        signer,
        party_ids,
        event.license_id,
    )
    await _issue_once(tx, agreed)


async def _issue_delegated(
    tx: Tx, subject: tuple[Kind, str], event: Delegable, party_ids: tuple[str, ...]
) -> None:
    """Issue a receipt of something an agency signed under a delegation of the talent's.

    Raises:
        SignatureInvalid: not with a key she named, or not under that delegation.
    """
    delegation = await delegations_store.get(tx, event.delegation_id)
    signer = find_signer(delegation.agency_keys, event.statement, event.signature)
    hers = delegation.talent_id == event.talent_id and delegation.signed_at is not None
    named = json.loads(event.statement).get("delegation_id") == delegation.id
    if signer is None or not (hers and named):
        raise SignatureInvalid("the signature was not made under this delegation")
    agreed = Agreed(
        *subject,
        event.talent_id,
        event.statement,
        event.signature,
        signer,
        (*party_ids, delegation.agency_id),
        event.license_id,
    )
    await _issue_once(tx, agreed)


async def _issue_once(tx: Tx, agreed: Agreed) -> None:
    """Issue a receipt unless there is one: the same word may come in more than one event."""
    await store.lock_head(tx)
    if not await store.has(tx, agreed):
        await receipts.issue(tx, new_id("rcp"), agreed)
