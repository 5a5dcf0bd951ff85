"""Erasures of talents, and what is left of one."""

from datetime import datetime

from kit.db import Tx
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from training.domain.runs import OPEN
from training.store.tables import erasures, runs, twins


async def add(tx: Tx, talent_id: str, *, objects_deleted: int) -> None:
    """Note that a talent was erased here; a repeat adds what it deleted."""
    row = {
        "talent_id": talent_id,
        "erased_at": func.clock_timestamp(),
        "objects_deleted": objects_deleted,
    }
    more = {"objects_deleted": erasures.c.objects_deleted + objects_deleted}
    note = upsert(erasures).values(row)
    await tx.execute(note.on_conflict_do_update(index_elements=["talent_id"], set_=more))


async def find(tx: Tx, talent_id: str) -> tuple[datetime | None, int]:
    """Return when a talent was erased here, None if she was not, and how many objects went."""
    query = select(erasures.c.erased_at, erasures.c.objects_deleted)
    row = (await tx.execute(query.where(erasures.c.talent_id == talent_id))).one_or_none()
    return (None, 0) if row is None else (row.erased_at, row.objects_deleted)


async def count_twins(tx: Tx, talent_id: str) -> int:
    """Return how many of a talent's twin versions may be used."""
    query = select(func.count()).where(
        twins.c.talent_id == talent_id, twins.c.disabled_at.is_(None)
    )
    return int((await tx.execute(query)).scalar_one())


async def count_runs(tx: Tx, talent_id: str) -> int:
    """Return how many of a talent's runs are queued or at work."""
    still = [str(state) for state in OPEN]
    query = select(func.count()).where(runs.c.talent_id == talent_id, runs.c.state.in_(still))
    return int((await tx.execute(query)).scalar_one())
