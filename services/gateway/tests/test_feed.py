"""The live stream of the house's events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from gateway.feed import Feed
from house.people import STAFF_KEY
from kit.bus import Bus, CloudEvent, open_bus
from local.nats import running_nats
from local.process import free_port, stop

DEADLINE_S = 20


@asynccontextmanager
async def listening(web: Any, **headers: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """Open the stream; yield an iterator of ids and events."""
    sent = {"Authorization": f"Bearer {STAFF_KEY}", **headers}

    async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
        last = ""
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                last = line[4:]
            elif line.startswith("data: "):
                yield last, json.loads(line[6:])

    async with web.client.stream("GET", "/v1/events", headers=sent) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer)


async def until(events: AsyncIterator[tuple[str, Any]], subject: str, party_id: str) -> str:
    """Read until an event about a party comes; return its id."""
    async with asyncio.timeout(DEADLINE_S):
        async for event_id, event in events:
            if event["subject"] == subject and event["data"]["partyId"] == party_id:
                return event_id
    raise AssertionError("the stream ended")


async def test_the_stream_tells_what_was_and_what_comes(web: Any) -> None:
    before = await web.desk.party("brand")
    async with listening(web) as events:
        await until(events, "identity.v1.party_registered", before.id)
        after = await web.desk.party("brand")
        last = await until(events, "identity.v1.party_registered", after.id)
    newest = await web.desk.party("brand")
    async with listening(web, **{"Last-Event-ID": last}) as events:
        async with asyncio.timeout(DEADLINE_S):
            _, first = await anext(events)
    assert first["data"]["partyId"] == newest.id


async def test_only_staff_listens(web: Any) -> None:
    brand = await web.desk.party("brand")
    assert (await web.get("/v1/events", "")).status_code == 401
    assert (await web.get("/v1/events", await web.key_of(brand))).status_code == 403


async def test_the_feed_goes_on_after_nats_was_away(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as servers:
        nats = servers.enter_context(running_nats(tmp_path, port=port))
        async with open_bus(nats.url) as bus, reading(bus) as feed:
            await bus.ensure_stream("identity")
            await bus.publish([an_event("one")])
            assert await heard(feed, "one") == ["one"]
            await asyncio.to_thread(stop, nats.process)
            servers.enter_context(running_nats(tmp_path, port=port))
            async with asyncio.timeout(DEADLINE_S):
                while not bus.client.is_connected:
                    await asyncio.sleep(0.05)
            await bus.publish([an_event("two")])
            assert await heard(feed, "two") == ["one", "two"]


@asynccontextmanager
async def reading(bus: Bus) -> AsyncIterator[Feed]:
    """Open a feed that reads."""
    feed = Feed(bus)
    running = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_feed_ends_when_told_whatever_it_is_doing(nats_url: str) -> None:
    async with open_bus(nats_url) as bus:
        for step in range(40):
            running = asyncio.create_task(Feed(bus).run())
            await asyncio.sleep(step / 1000)
            running.cancel()
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.gather(running, return_exceptions=True)


async def test_a_listener_that_is_too_slow_is_let_go() -> None:
    feed = Feed(bus=None)  # type: ignore[arg-type]  # nothing is read here
    listener = feed.listen()
    feed._tell(an_event("first"))
    first = await anext(listener)
    assert first is not None
    for number in range(2000):
        feed._tell(an_event(f"{number}"))
    got = [event async for event in listener]
    assert len(got) < 1000
    assert not feed._listeners


def an_event(name: str) -> CloudEvent:
    """Make an event."""
    subject = "identity.v1.party_registered"
    kind = "sosia.identity.v1.PartyRegistered"
    return CloudEvent(name, kind, subject, datetime.now(UTC), {"partyId": name}, {})


async def heard(feed: Feed, last: str) -> list[str]:
    """Return the ids heard, up to `last`."""
    ids: list[str] = []
    async with asyncio.timeout(DEADLINE_S):
        async for event in feed.listen():
            if event is not None:
                ids.append(event.id)
                if event.id == last:
                    break
    return ids
