"""What identity told of delegations that ended and of talents who died."""

from datetime import datetime

from kit.db import Tx
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from licensing.domain.approvals import State as ApprovalState
from licensing.store.tables import approvals, ended_delegations, estates

_WAITING = "waiting"


async def note_ended(tx: Tx, delegation_id: str, talent_id: str, ended_at: datetime) -> None:
    """Remember that a delegation ended."""
    row = {"delegation_id": delegation_id, "talent_id": talent_id, "ended_at": ended_at}
    await tx.execute(upsert(ended_delegations).values(row).on_conflict_do_nothing())


async def is_ended(tx: Tx, delegation_id: str) -> bool:
    """Tell whether somebody told us that a delegation ended."""
    query = select(ended_delegations.c.delegation_id)
    query = query.where(ended_delegations.c.delegation_id == delegation_id)
    return (await tx.execute(query)).one_or_none() is not None


async def note_estate(tx: Tx, estate_id: str, talent_id: str) -> None:
    """Remember that a talent's estate was opened; one we know of already stays as it is."""
    row = {"estate_id": estate_id, "talent_id": talent_id, "state": _WAITING}
    await tx.execute(upsert(estates).values(row).on_conflict_do_nothing())


async def end_wait(tx: Tx, estate_id: str, talent_id: str, state: str) -> None:
    """Remember that an estate waits no more: "settled" or "stopped".

    The time talents had for a word stood still meanwhile: what is left of it begins now.
    """
    query = select(estates).where(estates.c.estate_id == estate_id).with_for_update()
    before = (await tx.execute(query)).one_or_none()
    row = {"estate_id": estate_id, "talent_id": talent_id, "state": state}
    note = upsert(estates).values(row)
    note = note.on_conflict_do_update(index_elements=["estate_id"], set_={"state": state})
    await tx.execute(note)
    if before is None or before.state != _WAITING:
        return
    waited = func.clock_timestamp() - before.frozen_at
    pending = update(approvals).where(
        approvals.c.talent_id == talent_id,
        approvals.c.state == str(ApprovalState.PENDING),
        approvals.c.deadline > before.frozen_at,
    )
    await tx.execute(pending.values(deadline=approvals.c.deadline + waited))


async def is_frozen(tx: Tx, talent_id: str) -> bool:
    """Tell whether a talent died and her estate waits."""
    query = select(estates.c.estate_id).where(
        estates.c.talent_id == talent_id, estates.c.state == _WAITING
    )
    return (await tx.execute(query.limit(1))).one_or_none() is not None
