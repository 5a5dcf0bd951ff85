"""A long piece of work is a row with a lease and a fence (docs/adr/0004).

A service's own table holds the rows: `columns()` are the ones a job needs, anything else is the
service's. Time is the database's.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    Row,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    update,
)

from kit.db import Database, Tx
from kit.ops import log

LEASE = timedelta(seconds=15)
MAX_ATTEMPTS = 5


def columns() -> list[Column[Any]]:
    """Return the columns a table of jobs begins with: id, state, attempt, lease and reason.

    `state` is one of queued, running, done, failed, cancelled, or a later state of the service's.
    """
    return [
        Column("id", Text, primary_key=True),
        Column("state", Text, nullable=False),
        Column("attempt", Integer, nullable=False, server_default="0"),
        Column("lease_ends_at", DateTime(timezone=True)),
        Column("reason", Text, nullable=False, server_default=""),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ]


async def claim(tx: Tx, jobs: Table, *, limit: int = 1) -> Sequence[Row[Any]]:
    """Take up to `limit` of the oldest jobs that are queued or whose worker fell silent."""
    silent = and_(jobs.c.state == "running", jobs.c.lease_ends_at <= func.clock_timestamp())
    free = and_(or_(jobs.c.state == "queued", silent), jobs.c.attempt < MAX_ATTEMPTS)
    oldest = select(jobs.c.id).where(free).order_by(jobs.c.created_at, jobs.c.id)
    oldest = oldest.limit(limit).with_for_update(skip_locked=True)
    taken = {
        "state": "running",
        "attempt": jobs.c.attempt + 1,
        "lease_ends_at": func.clock_timestamp() + LEASE,
    }
    query = update(jobs).where(jobs.c.id.in_(oldest)).values(taken).returning(jobs)
    rows = (await tx.execute(query)).all()
    return sorted(rows, key=lambda row: (row.created_at, row.id))


async def exhausted(tx: Tx, jobs: Table) -> Sequence[Row[Any]]:
    """Fail the jobs whose last allowed attempt fell silent and return them."""
    silent = and_(jobs.c.state == "running", jobs.c.lease_ends_at <= func.clock_timestamp())
    spent = and_(silent, jobs.c.attempt >= MAX_ATTEMPTS)
    failed = {"state": "failed", "reason": "its worker was lost too often", "lease_ends_at": None}
    ended: Sequence[Row[Any]] = (
        await tx.execute(update(jobs).where(spent).values(failed).returning(jobs))
    ).all()
    return ended


async def save(tx: Tx, jobs: Table, job_id: str, attempt: int, **values: object) -> bool:
    """Write to a job this attempt still holds; return False if it holds it no longer.

    With a `state` it ends the attempt; without, it renews the lease.
    """
    mine = and_(jobs.c.id == job_id, jobs.c.attempt == attempt, jobs.c.state == "running")
    lease = None if "state" in values else func.clock_timestamp() + LEASE
    query = update(jobs).where(mine).values(lease_ends_at=lease, **values)
    return bool((await tx.execute(query)).rowcount)


@dataclass(slots=True)
class Held:
    """Jobs a worker holds while it works on them in a thread."""

    lost: threading.Event = field(default_factory=threading.Event)
    """Set when the lease was lost or the job cancelled: stop at the next step."""


async def keep(db: Database, jobs: Table, held: Held, ids: dict[str, int]) -> None:
    """Renew the leases of `ids` (job id to attempt) until cancelled; set `held.lost` if one is."""
    while not held.lost.is_set():
        await asyncio.sleep(LEASE.total_seconds() / 5)
        async with db.begin() as tx:
            for job_id, attempt in ids.items():
                if not await save(tx, jobs, job_id, attempt):
                    held.lost.set()


async def work(once: Callable[[], Awaitable[bool]], *, idle_s: float = 0.2) -> None:
    """Call `once` for ever; when it found nothing to do or failed, wait a little first."""
    while True:
        try:
            found = await once()
        except Exception:
            log.exception("work failed; the job's lease decides what becomes of it")
            found = False
        if not found:
            await asyncio.sleep(idle_s)
