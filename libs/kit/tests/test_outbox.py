"""The outbox on a real database and a real stream."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from kit import outbox
from kit.bus import Bus, open_bus
from kit.db import Database, open_database
from sosia.licensing.v1 import events_pb2
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError


@pytest_asyncio.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        yield database


@pytest_asyncio.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    async with open_bus(nats_url) as opened:
        await opened.ensure_stream("licensing")
        yield opened


class GoneWrong(Exception):
    """What a command raises in these tests to roll back."""


async def stored(bus: Bus) -> int:
    """Return how many events the stream holds."""
    return (await bus.js.stream_info("LICENSING")).state.messages


async def test_the_app_role_cannot_change_tables(db: Database) -> None:
    with pytest.raises(ProgrammingError, match="must be owner"):
        async with db.begin() as tx:
            await tx.execute(text("DROP TABLE outbox"))


async def test_a_rollback_publishes_nothing(db: Database, bus: Bus) -> None:
    with pytest.raises(GoneWrong):
        async with db.begin() as tx:
            await outbox.publish(tx, events_pb2.LicenseSigned())
            raise GoneWrong
    assert await outbox.relay_once(db, bus) == 0
    assert await stored(bus) == 0


async def test_events_sent_twice_are_stored_once(db: Database, bus: Bus) -> None:
    async with db.begin() as tx:
        await outbox.publish(tx, events_pb2.LicenseSigned())
    assert await outbox.relay_once(db, bus) == 1
    assert await outbox.refill(db) == 1  # as if the relay had died before it marked the row
    assert await outbox.relay_once(db, bus) == 1
    assert await stored(bus) == 1


async def test_a_lost_stream_is_refilled(db: Database, bus: Bus) -> None:
    async with db.begin() as tx:
        await outbox.publish(tx, events_pb2.LicenseSigned())
    await outbox.relay_once(db, bus)
    assert await outbox.reconcile(db, bus, "licensing") == 0
    await bus.js.delete_stream("LICENSING")
    assert await outbox.reconcile(db, bus, "licensing") == 1
    await outbox.relay_once(db, bus)
    assert await stored(bus) == 1
