"""Events leave with the transaction that made them true, and with nothing else.

PostgreSQL remembers, JetStream carries: sent rows stay, so that a stream can be refilled.
"""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import nats.errors
from google.protobuf import json_format
from google.protobuf.message import Message
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from kit import trace
from kit.bus import Bus, CloudEvent, stopping, subject_of
from kit.db import GONE, Database, Tx, metadata
from kit.ops import log

_outbox = Table(
    "outbox",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("data", JSONB, nullable=False),
    Column("context", JSONB, nullable=False),
    Column("sent_at", DateTime(timezone=True)),
)

_RELAY_LOCK = 0x50_51_A  # one relay per database at a time, so that events keep their order
KEEP = timedelta(days=30)
_TRIM_EVERY_S = 3600.0


async def publish(tx: Tx, event: Message) -> None:
    """Queue `event`, to be sent if and only if `tx` commits.

    Raises:
        ValueError: the message type carries no subject option.
    """
    row = {
        "id": str(uuid.uuid4()),
        "type": event.DESCRIPTOR.full_name,
        "subject": subject_of(event.DESCRIPTOR),
        "time": datetime.now(UTC),
        "data": json_format.MessageToDict(event, always_print_fields_with_no_presence=True),
        "context": trace.carry(),
    }
    await tx.execute(insert(_outbox).values(row))


async def relay_once(db: Database, bus: Bus, *, limit: int = 200) -> int:
    """Send the oldest unsent events, mark them sent and return how many there were.

    If it dies in between it sends them again with the same ids, and JetStream drops them.
    """
    unsent = select(_outbox).where(_outbox.c.sent_at.is_(None)).order_by(_outbox.c.number)
    async with db.begin() as tx:
        if not (await tx.execute(select(func.pg_try_advisory_xact_lock(_RELAY_LOCK)))).scalar():
            return 0
        rows = (await tx.execute(unsent.limit(limit))).all()
        if not rows:
            return 0
        await bus.publish([_cloud_event(row) for row in rows])
        sent = update(_outbox).where(_outbox.c.number == bindparam("sent"))
        await tx.execute(sent.values(sent_at=func.now()), [{"sent": row.number} for row in rows])
    return len(rows)


async def refill(db: Database) -> int:
    """Mark every kept event unsent, so that the relay refills a stream that lost its store.

    Consumers drop by their inbox what they have handled before. Returns how many events.
    """
    async with db.begin() as tx:
        again = update(_outbox).where(_outbox.c.sent_at.is_not(None)).values(sent_at=None)
        return (await tx.execute(again)).rowcount


async def reconcile(db: Database, bus: Bus, service: str) -> int:
    """Refill the service's stream if it holds less than the outbox sent; return how many events."""
    async with db.begin() as tx:
        sent = select(func.count()).where(_outbox.c.sent_at.is_not(None))
        remembered = (await tx.execute(sent)).scalar_one()
    carried = await bus.ensure_stream(service)
    return await refill(db) if carried < remembered else 0


async def relay(db: Database, bus: Bus, service: str) -> None:
    """Send events until cancelled; on a new connection, first see that nothing sent was lost.

    What was sent longer than `KEEP` ago is deleted, looked for every hour.
    """
    connection = -1  # the one on which the stream was last seen whole
    due = 0.0
    while not stopping():
        try:
            if connection != bus.reconnects:
                current = bus.reconnects
                refilled = await reconcile(db, bus, service)
                connection = current
                if refilled:
                    log.warning("stream refilled from the outbox", events=refilled)
            if time.monotonic() >= due:
                await trim(db)
                due = time.monotonic() + _TRIM_EVERY_S
            if not await relay_once(db, bus):
                await asyncio.sleep(0.1)
        except (nats.errors.Error, *GONE) as error:
            connection = -1
            log.warning("bus or database does not answer; will try again", error=repr(error))
            await asyncio.sleep(0.5)


async def trim(db: Database) -> int:
    """Delete events sent longer than `KEEP` ago and return how many."""
    async with db.begin() as tx:
        old = delete(_outbox).where(_outbox.c.sent_at < func.now() - KEEP)
        return (await tx.execute(old)).rowcount


def _cloud_event(row: object) -> CloudEvent:
    fields = ("id", "type", "subject", "time", "data", "context")
    return CloudEvent(**{name: getattr(row, name) for name in fields})
