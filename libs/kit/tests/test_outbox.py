"""The outbox on a real database and a real stream."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats.errors
import pytest
import pytest_asyncio
from kit import outbox
from kit.bus import Bus, CloudEvent, open_bus
from kit.db import Database, open_database
from local.nats import running_nats
from local.process import free_port, stop
from nats.js.errors import ServerError
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


async def test_what_could_not_be_sent_is_not_sent_later(tmp_path: Path) -> None:
    event = CloudEvent("1", "Type", "licensing.v1.x", datetime.now(UTC), {}, {})
    port = free_port()
    with running_nats(tmp_path / "nats", port=port) as server:
        async with open_bus(server.url) as bus:
            await bus.ensure_stream("licensing")
            stop(server.process)
            while bus.client.is_connected:
                await asyncio.sleep(0.01)
            with pytest.raises(nats.errors.Error):
                await bus.publish([event])
            with running_nats(tmp_path / "nats", port=port):
                while not bus.client.is_connected:
                    await asyncio.sleep(0.01)
                await bus.check()
                assert await stored(bus) == 0
                await bus.publish([event])
                assert await stored(bus) == 1


async def test_room_for_streams_is_what_we_say_and_not_what_a_disk_has_left(bus: Bus) -> None:
    await bus.js.add_stream(name="ALL", subjects=["all"], max_bytes=59 * 2**30)
    with pytest.raises(ServerError, match="insufficient storage"):
        await bus.js.add_stream(name="MORE", subjects=["more"], max_bytes=2 * 2**30)


async def test_the_relay_deletes_what_was_sent_too_long_ago(db: Database, bus: Bus) -> None:
    for _ in range(3):
        async with db.begin() as tx:
            await outbox.publish(tx, events_pb2.LicenseSigned())
    await outbox.relay_once(db, bus)
    async with db.begin() as tx:
        await outbox.publish(tx, events_pb2.LicenseSigned())  # old, and never sent
        await tx.execute(text("UPDATE outbox SET time = now() - interval '40 days'"))
        for number, days in ((1, 31), (2, 29)):
            sent = (
                "UPDATE outbox SET sent_at = now() - CAST(:age AS interval) WHERE number = :number"
            )
            await tx.execute(text(sent), {"number": number, "age": timedelta(days=days)})
    relaying = asyncio.create_task(outbox.relay(db, bus, "licensing"))
    async with asyncio.timeout(10):
        while 1 in (left := await numbers(db)) or await stored(bus) < 4:
            await asyncio.sleep(0.05)
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)
    assert left == [2, 3, 4]


async def numbers(db: Database) -> list[int]:
    """Return which events are kept."""
    async with db.begin() as tx:
        return list((await tx.execute(text("SELECT number FROM outbox ORDER BY number"))).scalars())
