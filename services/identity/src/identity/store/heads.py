"""Heads of the log that witnesses cosigned."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Tx
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from identity.store.tables import cosigned_heads


async def keep(tx: Tx, witness: str, size: int, checkpoint: str, cosigned_at: datetime) -> None:
    """Keep a head as the newest of a witness, unless a newer one is there."""
    row = {"witness": witness, "size": size, "checkpoint": checkpoint, "cosigned_at": cosigned_at}
    note = upsert(cosigned_heads).values(row)
    changed = {name: note.excluded[name] for name in ("size", "checkpoint", "cosigned_at")}
    newer = cosigned_heads.c.cosigned_at <= note.excluded.cosigned_at
    not_smaller = cosigned_heads.c.size <= note.excluded.size
    note = note.on_conflict_do_update(
        index_elements=["witness"], set_=changed, where=newer & not_smaller
    )
    await tx.execute(note)


async def find_newest(tx: Tx, witnesses: Sequence[str]) -> tuple[int, list[str]] | None:
    """Return the largest size some of these witnesses cosigned, and their checkpoints of it."""
    query = select(cosigned_heads).where(cosigned_heads.c.witness.in_(witnesses))
    rows = (await tx.execute(query.order_by(cosigned_heads.c.witness))).all()
    if not rows:
        return None
    size = max(row.size for row in rows)
    return size, [row.checkpoint for row in rows if row.size == size]
