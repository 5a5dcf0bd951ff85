"""Events of licensing that leave a receipt."""

from typing import Protocol

from kit.bus import Bus
from kit.db import Database, Tx
from kit.ids import new_id
from kit.inbox import Consumer
from sosia.licensing.v1 import events_pb2

from identity.domain.receipts import Agreed, Kind
from identity.service import receipts
from identity.service.signatures import check_signature
from identity.signing.statements import canonical
from identity.store import log as store
from identity.store import parties as parties_store


class Signed(Protocol):
    """An event that carries the talent's word."""

    license_id: str
    talent_id: str
    statement: bytes
    signature: bytes


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
    await _issue(tx, Kind.LICENSE_SIGNED, event.license_id, event, (event.brand_id,))


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
    await _issue(tx, Kind.APPROVAL_DECIDED, event.render_id, event, ())


async def _issue(
    tx: Tx, kind: Kind, subject_id: str, event: Signed, party_ids: tuple[str, ...]
) -> None:
    """Issue a receipt of something signed.

    Raises:
        SignatureInvalid: not with the talent's own key; a false word never enters the log.
    """
    signer = await check_signature(
        tx, event.talent_id, event.statement, event.signature, heard=True
    )
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


async def _issue_once(tx: Tx, agreed: Agreed) -> None:
    """Issue a receipt unless there is one: the same word may come in more than one event."""
    await store.lock_head(tx)
    if not await store.has(tx, agreed):
        await receipts.issue(tx, new_id("rcp"), agreed)
