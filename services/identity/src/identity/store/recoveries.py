"""Recoveries, and who is concerned by one."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from identity.domain.receipts import Kind as ReceiptKind
from identity.domain.recoveries import Recovery, RecoveryNotFound, RecoveryUnderWay, State
from identity.store.tables import receipts, recoveries

_MOST_LISTED = 200


async def add(tx: Tx, recovery: Recovery) -> None:
    """Store a new recovery. Raises RecoveryUnderWay: another one of the party waits."""
    row = {
        **asdict(recovery),
        "state": str(recovery.state),
        "lost_key_ids": list(recovery.lost_key_ids),
        "told_party_ids": list(recovery.told_party_ids),
    }
    noted = await tx.execute(upsert(recoveries).values(row).on_conflict_do_nothing())
    if not noted.rowcount:
        raise RecoveryUnderWay("another recovery of this party waits")


async def get(tx: Tx, recovery_id: str, *, lock: bool = False) -> Recovery:
    """Return a recovery; with `lock`, hold its row.

    Raises:
        RecoveryNotFound: there is none with that id.
    """
    row = None
    if is_id("rec", recovery_id):
        query = select(recoveries).where(recoveries.c.id == recovery_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise RecoveryNotFound("there is no such recovery")
    return _recovery(row)


async def find(tx: Tx, party_id: str) -> list[Recovery]:
    """Return a party's recoveries, newest first."""
    query = select(recoveries).where(recoveries.c.party_id == party_id)
    query = query.order_by(recoveries.c.started_at.desc(), recoveries.c.id.desc())
    return [_recovery(row) for row in (await tx.execute(query)).all()]


async def find_told(tx: Tx, party_id: str) -> list[Recovery]:
    """Return the newest recoveries of a party and those it was told of; without one, of all."""
    query = select(recoveries).order_by(recoveries.c.started_at.desc(), recoveries.c.id.desc())
    if party_id:
        told = recoveries.c.told_party_ids.contains([party_id])
        query = query.where((recoveries.c.party_id == party_id) | told)
    return [_recovery(row) for row in (await tx.execute(query.limit(_MOST_LISTED))).all()]


async def find_due(tx: Tx, now: datetime, *, limit: int = 100) -> list[str]:
    """Return the recoveries whose time has come."""
    due = (recoveries.c.state == str(State.WAITING)) & (recoveries.c.ready_at <= now)
    query = select(recoveries.c.id).where(due).order_by(recoveries.c.ready_at).limit(limit)
    return list((await tx.execute(query)).scalars())


async def holds(tx: Tx, key_id: str) -> bool:
    """Tell whether a recovery that waits is to make a key live."""
    query = select(recoveries.c.id).where(
        recoveries.c.key_id == key_id, recoveries.c.state == str(State.WAITING)
    )
    return (await tx.execute(query)).first() is not None


async def save(tx: Tx, recovery: Recovery) -> None:
    """Write how a recovery ended."""
    changed = {
        "state": str(recovery.state),
        "end_receipt_id": recovery.end_receipt_id,
        "ended_at": recovery.ended_at,
    }
    await tx.execute(update(recoveries).where(recoveries.c.id == recovery.id).values(changed))


async def find_brands(tx: Tx, talent_id: str) -> list[str]:
    """Return who holds a license the talent signed and nobody revoked; a term may be over."""
    signed = select(func.unnest(receipts.c.party_ids)).where(
        receipts.c.talent_id == talent_id, receipts.c.kind == str(ReceiptKind.LICENSE_SIGNED)
    )
    revoked = select(receipts.c.license_id).where(
        receipts.c.talent_id == talent_id, receipts.c.kind == str(ReceiptKind.LICENSE_REVOKED)
    )
    query = signed.where(receipts.c.license_id.not_in(revoked)).distinct()
    return sorted((await tx.execute(query)).scalars())


def _recovery(row: Row[Any]) -> Recovery:
    told = {
        **row._mapping,
        "state": State(row.state),
        "lost_key_ids": tuple(row.lost_key_ids),
        "told_party_ids": tuple(row.told_party_ids),
    }
    return Recovery(**told)
