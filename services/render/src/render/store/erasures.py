"""Erasures of talents, and what is left of one."""

from datetime import datetime

from kit.db import Tx
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from render.domain.renders import OPEN, State
from render.store.tables import erasures, renders


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


async def count(tx: Tx, talent_id: str) -> tuple[int, int]:
    """Return how many of a talent's renders are open or drafts, and how many were released."""
    waiting = [str(state) for state in (*OPEN, State.DRAFT)]
    hers = renders.c.talent_id == talent_id
    queries = (
        select(func.count()).where(hers, renders.c.state.in_(waiting)),
        select(func.count()).where(hers, renders.c.released_at.is_not(None)),
    )
    left, released = [int((await tx.execute(query)).scalar_one()) for query in queries]
    return left, released
