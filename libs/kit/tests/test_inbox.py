"""Consumers on a real stream: duplicates, and an event nobody can handle."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from kit import inbox, outbox
from kit.bus import Bus, open_bus
from kit.db import Database, Tx, open_database
from sosia.licensing.v1 import events_pb2
from sqlalchemy import text


@pytest_asyncio.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        yield database


@pytest_asyncio.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    async with open_bus(nats_url) as opened:
        await opened.ensure_stream("licensing")
        yield opened


async def test_an_event_takes_effect_once(db: Database) -> None:
    handled: list[str] = []

    async def note(tx: Tx, event: events_pb2.LicenseSigned) -> None:
        handled.append(event.license_id)

    event = events_pb2.LicenseSigned(license_id="lic_1")
    assert await inbox.handle_once(db, "e1", event, note)
    assert not await inbox.handle_once(db, "e1", event, note)
    assert handled == ["lic_1"]


async def test_a_poison_event_is_buried_and_its_neighbours_flow(db: Database, bus: Bus) -> None:
    handled: list[str] = []
    tries: list[str] = []

    async def handle(tx: Tx, event: events_pb2.LicenseSigned) -> None:
        if event.license_id == "poison":
            tries.append(event.license_id)
            raise ValueError("cannot be handled")
        handled.append(event.license_id)

    async with db.begin() as tx:
        for name in ("before", "poison", "after"):
            await outbox.publish(tx, events_pb2.LicenseSigned(license_id=name))
    await outbox.relay_once(db, bus)
    consumer = inbox.Consumer(db, bus, name="render", handlers={events_pb2.LicenseSigned: handle})
    reading = asyncio.create_task(consumer.run())
    try:
        async with asyncio.timeout(20):
            while not await dead(db):
                await asyncio.sleep(0.05)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert handled == ["before", "after"]
    assert len(tries) == inbox.MAX_TRIES


async def dead(db: Database) -> int:
    """Return how many events were given up."""
    async with db.begin() as tx:
        return int((await tx.execute(text("SELECT count(*) FROM dead_events"))).scalar_one())
