"""A bus that loses, repeats, disorders and lies: effects are those of each event once."""

import asyncio
import json
import random
import shutil
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
from house.streams import read_events
from kit.bus import open_bus
from story import pictures
from story.api import Refused

from .conftest import Stage
from .test_kills import register, wait_for, write_brief

SERVICES = ("identity", "training", "licensing", "render")


def query(stage: Stage, database: str, sql: str) -> list[Any]:
    """Ask a service's database directly, as only a test may."""

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(stage.house.postgres.url(database, "postgres"))
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def effects(stage: Stage) -> dict[str, list[Any]]:
    """Return what consumers made of events, and the ledger."""
    receipts = "SELECT kind, count(*) FROM receipts GROUP BY 1 ORDER BY 1"
    approvals = "SELECT render_id, state FROM approvals ORDER BY 1"
    return {
        "receipts": query(stage, "identity", receipts),
        "approvals": query(stage, "licensing", approvals),
        "entries": query(stage, "licensing", "SELECT count(*) FROM entries"),
    }


def draft_and_approve(stage: Stage) -> list[Any]:
    """Make pictures up to the talent's word on them: events of three services."""
    brief_id = write_brief(stage)
    renders = pictures.shoot(stage.cast, brief_id, lambda done, of: None)
    pictures.review(stage.cast, renders)
    pictures.decide(stage.cast, renders, refuse=frozenset())
    return renders


def test_a_wiped_store_is_refilled_from_the_outbox(stage: Stage) -> None:
    draft_and_approve(stage)
    before = {service: {e.id for e in read_events(stage.house, service)} for service in SERVICES}
    with stage.house.without("nats"):
        shutil.rmtree(stage.house.folder / "nats" / "streams")
    for service in SERVICES:
        wait_for(lambda of=service: _ids(stage, of) >= before[of])
    known = effects(stage)
    draft_and_approve(stage)  # and everything goes on
    assert len(effects(stage)["approvals"]) == len(known["approvals"]) + 4


def test_duplicates_out_of_order_change_nothing(stage: Stage) -> None:
    draft_and_approve(stage)
    events = [event for service in SERVICES for event in read_events(stage.house, service)]
    wait_for(lambda: _is_quiet(stage))
    before = effects(stage)
    repeated = events * 3
    random.Random(7).shuffle(repeated)

    async def send() -> None:
        async with open_bus(stage.house.nats.url) as bus:
            for event in repeated:  # without the id by which the server itself drops duplicates
                await bus.js.publish(event.subject, event.encode())

    asyncio.run(send())
    wait_for(lambda: _is_quiet(stage))
    assert effects(stage) == before


def test_poison_is_put_aside_and_its_neighbours_flow(stage: Stage) -> None:
    subject = "identity.v1.consent_withdrawn"
    poison = uuid.uuid4().hex

    async def send() -> None:
        async with open_bus(stage.house.nats.url) as bus:
            await bus.js.publish(subject, json.dumps({"poison": poison}).encode())

    asyncio.run(send())
    draft_and_approve(stage)
    for database in ("training", "licensing", "render"):
        sql = f"SELECT subject FROM dead_events WHERE body LIKE '%{poison}%'"
        assert wait_for(lambda of=database, ask=sql: query(stage, of, ask)) == [(subject,)]


def test_racing_requests_with_one_key_have_one_effect(stage: Stage) -> None:
    key = uuid.uuid4().hex
    body = {"kind": "PARTY_KIND_CREW", "name": key, "public_name": "P.", "synthetic": True}

    def ask(_: int) -> str:
        return str(stage.staff.post("/v1/parties", body, once=key)["party"]["id"])

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask, range(200)))) == 1
    assert query(stage, "identity", f"SELECT count(*) FROM parties WHERE name = '{key}'") == [(1,)]
    try:
        stage.staff.post("/v1/parties", {**body, "name": "another"}, once=key)
        raise AssertionError("another body was taken")
    except Refused as refused:
        assert (refused.status, refused.reason) == (422, "REQUEST_REUSED")


def test_nats_away_for_a_while_only_delays(stage: Stage) -> None:
    with stage.house.without("nats"):
        made = register(stage)
        time.sleep(1)
    wait_for(lambda: [e for e in read_events(stage.house, "identity") if made in str(e.data)])


def _ids(stage: Stage, service: str) -> set[str]:
    try:
        return {event.id for event in read_events(stage.house, service)}
    except Exception:
        return set()  # not there yet


def _is_quiet(stage: Stage) -> bool:
    """Tell whether every event has been sent and every consumer has read all there is."""
    unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
    if any(query(stage, service, unsent) != [(0,)] for service in SERVICES):
        return False

    async def pending() -> int:
        async with open_bus(stage.house.nats.url) as bus:
            left = 0
            for service in SERVICES:
                for info in await bus.js.consumers_info(service.upper()):
                    if info.config.durable_name:
                        left += (info.num_pending or 0) + (info.num_ack_pending or 0)
            return left

    return asyncio.run(pending()) == 0
