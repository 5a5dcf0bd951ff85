"""Leases and fences, what a withdrawal ends, and the tables beneath."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from house import tables
from kit import inbox
from kit.db import open_database
from kit.ids import new_id
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.training.v1 import twin_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from training import app as composition
from training import consumers
from training.domain.twins import Facts, Likeness, Sealed
from training.service.jobs import Jobs, Result, Standing
from training.settings import Settings
from training.store.tables import metadata

MIGRATIONS = Path(__file__).parents[1] / "migrations"
RUNNING = twin_pb2.RUN_STATE_RUNNING


def made(own: float = 0.5) -> Result:
    """Return what a run may have made."""
    twin_version_id = new_id("twn")
    return Result(
        twin_version_id,
        Sealed(f"twins/{twin_version_id}/adapter", "a" * 64),
        Sealed(f"twins/{twin_version_id}/sheet", "b" * 64),
        Facts("c" * 64, "d" * 64, 20, 0.25, 12.5, 16, "all steps were taken"),
        Likeness(own, 0.7, 10, 12),
    )


async def withdraw_here(bench: Any, talent: Any, event_id: str = "e1") -> bool:
    """Hear of a withdrawal, as the consumer does."""
    event = identity_events.ConsentWithdrawn(consent_id=talent.consent.id, talent_id=talent.id)
    return await inbox.handle_once(bench.app.db, event_id, event, consumers.end_under_consent)


async def test_the_tables_are_as_the_migrations_made_them(database_url: str) -> None:
    assert await tables.found(database_url) == tables.declared(metadata)


async def test_a_late_worker_changes_nothing(bench: Any) -> None:
    queue = Jobs(bench.app.db)
    run = await bench.started(bench.identity.alba)
    first = await queue.claim()
    assert await queue.claim() is None
    await bench.expire()
    second = await queue.claim()
    assert (first.id, first.attempt, second.id, second.attempt) == (run.id, 1, run.id, 2)
    assert not await queue.report(first, Standing(9, 9.0, 9.0))
    assert not await queue.report(first, None)
    assert not await queue.finish(first, made())
    await queue.fail(first, "late")
    await queue.cancel(first, "late")
    now = await bench.run(run.id)
    assert (now.state, now.step, now.attempt) == (RUNNING, 0, 2)
    assert await queue.finish(second, made())
    assert not await queue.finish(second, made())
    assert len(await bench.sql("SELECT * FROM twins")) == 1
    names = [name for name, _ in await bench.events()]
    assert names == ["RunQueued", "RunStarted", "RunStarted", "TwinTrained"]


async def test_racing_workers_take_each_run_once(bench: Any) -> None:
    queue, alba = Jobs(bench.app.db), bench.identity.alba
    started = [(await bench.started(alba)).id for _ in range(5)]
    taken = await asyncio.gather(*(queue.claim() for _ in range(12)))
    assert sorted(run.id for run in taken if run) == sorted(started)


async def test_a_run_whose_workers_fall_silent_fails_in_the_end(bench: Any) -> None:
    queue = Jobs(bench.app.db)
    run = await bench.started(bench.identity.alba)
    for attempt in range(1, 6):
        assert (await queue.claim()).attempt == attempt
        await bench.expire()
    assert await queue.claim() is None
    ended = await bench.run(run.id)
    assert ended.state == twin_pb2.RUN_STATE_FAILED
    assert (await bench.events())[-1] == (
        "RunFailed",
        {"runId": run.id, "talentId": run.talent_id, "reason": ended.reason},
    )


async def test_a_withdrawal_cancels_runs_and_disables_twins_of_that_consent(bench: Any) -> None:
    queue, alba, cleo = Jobs(bench.app.db), bench.identity.alba, bench.identity.cleo
    for talent in (alba, cleo):
        for _ in range(2):
            await bench.started(talent)
            result = made()
            assert await queue.finish(await queue.claim(), result)
    working = await bench.started(alba)
    held = await queue.claim()
    queued, hers = await bench.started(alba), await bench.started(cleo)
    newest = (await bench.ask(alba, "ListTwins", talent_id=alba.id)).twins
    assert [twin.created_at.ToDatetime() for twin in newest] == sorted(
        (twin.created_at.ToDatetime() for twin in newest), reverse=True
    )
    assert await withdraw_here(bench, alba)
    assert not await withdraw_here(bench, alba)
    assert not await queue.finish(held, made())
    for run_id in (working.id, queued.id):
        ended = await bench.run(run_id)
        assert ended.state == twin_pb2.RUN_STATE_CANCELLED
        assert ended.reason == "the consent was withdrawn"
    assert (await bench.run(hers.id)).state == twin_pb2.RUN_STATE_QUEUED
    assert not (await bench.ask(alba, "ListTwins", talent_id=alba.id)).twins
    assert len((await bench.ask(cleo, "ListTwins", talent_id=cleo.id)).twins) == 2
    for twin in newest:
        for method in ("GetTwin", "GetSampleSheet"):
            for who in (alba, "service"):
                asking = bench.ask(who, method, twin_version_id=twin.id)
                await bench.refused(asking, "TWIN_NOT_FOUND")
    names = [name for name, _ in await bench.events()]
    assert names.count("RunCancelled") == 2


IMPOSSIBLE = (
    "state = 'running'",
    "state = 'done'",
    "state = 'failed'",
    "state = 'asleep'",
    "step = steps + 1",
    "consent_id = ''",
    "rank = 0",
)


async def test_the_database_refuses_a_run_that_cannot_be(database_url: str) -> None:
    row = (
        "INSERT INTO runs (id, state, talent_id, capture_set_id, base, started_by, consent_id,"
        " consent_receipt_id, steps, rank, seed) VALUES"
        " ('run_1', 'queued', 't', 'c', 'b', 's', 'c', 'r', 5, 4, 0)"
    )
    async with open_database(database_url) as database:
        async with database.begin() as tx:
            await tx.execute(text(row))
        for change in IMPOSSIBLE:
            with pytest.raises(IntegrityError):
                async with database.begin() as tx:
                    await tx.execute(text(f"UPDATE runs SET {change}"))


async def test_it_serves_from_an_empty_database_on(
    bench: Any, settings: Settings, owner_database_url: str
) -> None:
    own = settings.model_copy(
        update={"migration_database_url": owner_database_url, "ops_address": "127.0.0.1:0"}
    )
    await composition.prepare(own, MIGRATIONS)
    await composition.prepare(own, MIGRATIONS)
    await bench.started(bench.identity.alba)
    waiting = await bench.started(bench.identity.alba)
    serving = asyncio.create_task(composition.serve(own))
    try:
        await bench.identity.withdrawn(bench.identity.alba, bench.identity.alba.consent)

        async def heard() -> bool:
            assert not serving.done()
            state = (await bench.app.bus.js.stream_info("TRAINING")).state
            ended = (await bench.run(waiting.id)).state == twin_pb2.RUN_STATE_CANCELLED
            return bool(ended and state.messages == 4)  # two queued, two cancelled

        await bench.until(heard)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def test_settings_hide_their_secrets(tmp_path: Path) -> None:
    settings = Settings(
        database_url="postgresql://app:canary@127.0.0.1/training",
        migration_database_url="postgresql://owner:canary@127.0.0.1/training",
        nats_url="nats://user:canary@127.0.0.1",
        rpc_address="127.0.0.1:0",
        ops_address="127.0.0.1:0",
        worker_ops_address="127.0.0.1:0",
        objects_url=tmp_path.as_uri(),
        identity_address="127.0.0.1:1",
        bases=tmp_path,
        work=tmp_path,
    )
    assert "canary" not in repr(settings)
