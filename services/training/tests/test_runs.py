"""Runs as callers see them: who starts, reads and cancels one, and what is refused."""

import asyncio
from typing import Any

import pytest
from kit import trace
from kit.errors import AlreadyExists, FailedPrecondition, NotFound, PermissionDenied
from kit.ids import new_id
from sosia.training.v1 import twin_pb2


async def test_a_run_is_queued_and_seen_by_the_near_only(bench: Any) -> None:
    identity = bench.identity
    alba, cleo, agency = identity.alba, identity.cleo, identity.agency
    run = await bench.started(alba)
    assert run.state == twin_pb2.RUN_STATE_QUEUED
    assert (run.settings.steps, run.settings.rank, run.settings.seed) == (20, 4, 7)
    for near in (alba, agency, identity.staff, "service"):
        assert (await bench.ask(near, "GetRun", run_id=run.id)).run == run
    brand = await identity.party("brand")
    for other in (cleo, brand, identity.photographer):
        await bench.refused(bench.ask(other, "GetRun", run_id=run.id), "RUN_NOT_FOUND")
        await bench.refused(bench.ask(other, "CancelRun", run_id=run.id), "RUN_NOT_FOUND")
        starting = bench.ask(other, "StartRun", **bench.order(alba))
        await bench.identity.refused(starting, "NOT_ALLOWED", PermissionDenied)
        listing = bench.ask(other, "ListTwins", talent_id=alba.id)
        await bench.refused(listing, "NOT_ALLOWED")
    await bench.refused(bench.ask(alba, "GetRun", run_id="run_x' OR 1=1"), "RUN_NOT_FOUND")
    for_her = await bench.ask(agency, "StartRun", **bench.order(alba))
    assert for_her.run.talent_id == alba.id
    with identity.as_("public"):
        assert trace.actor().kind == "public"
    for method in ("GetRun", "StartRun", "CancelRun", "GetTwin", "ListTwins", "GetSampleSheet"):
        await bench.refused(bench.ask("public", method), "API_KEY_MISSING")


async def test_a_repeat_starts_nothing_and_other_content_is_refused(bench: Any) -> None:
    alba = bench.identity.alba
    first = await bench.started(alba, request_id="once")
    assert await bench.started(alba, request_id="once") == first
    other = {"request_id": "once", "settings": {"steps": 21}}
    await bench.identity.refused(bench.started(alba, **other), "REQUEST_REUSED", AlreadyExists)
    await bench.identity.withdrawn(alba, alba.consent)
    assert (await bench.started(alba, request_id="once")).id == first.id
    assert await _count(bench) == 1


async def test_of_racing_starts_one_queues_a_run(bench: Any) -> None:
    alba = bench.identity.alba
    racing = (bench.started(alba, request_id="race") for _ in range(12))
    runs = await asyncio.gather(*racing)
    assert len({run.id for run in runs}) == 1
    assert await _count(bench) == 1
    assert [name for name, _ in await bench.events()] == ["RunQueued"]


BAD = [
    ({"request_id": ""}, "request_id"),
    ({"request_id": "x" * 201}, "request_id"),
    ({"talent_id": ""}, "talent_id"),
    ({"talent_id": "pty_../../etc/passwd"}, "talent_id"),
    ({"capture_set_id": "cap_short"}, "capture_set_id"),
    ({"capture_set_id": "run_01m88jc25phky6yjve6cvsyw6v"}, "capture_set_id"),
    ({"base": ""}, "base"),
    ({"settings": {"steps": -1}}, "settings.steps"),
    ({"settings": {"steps": 20_001}}, "settings.steps"),
    ({"settings": {"rank": 129}}, "settings.rank"),
    ({"settings": {"seed": -1}}, "settings.seed"),
    ({"settings": {"seed": 2**31}}, "settings.seed"),
]


async def test_bad_input_names_field_and_rule_and_leaves_no_row(bench: Any) -> None:
    for changed, field in BAD:
        order = bench.order(bench.identity.alba) | changed
        starting = bench.ask(bench.identity.staff, "StartRun", **order)
        error = await bench.refused(starting, "FIELD_INVALID")
        assert error.metadata["field"] == field
        assert error.metadata["rule"]
    listing = bench.ask(bench.identity.staff, "ListTwins", talent_id="x")
    assert (await bench.refused(listing, "FIELD_INVALID")).metadata["field"] == "talent_id"
    for base in ("nobody", "../tiny", "/etc", "TINY", ".", "tiny/unet"):
        starting = bench.started(bench.identity.alba, base=base)
        await bench.identity.refused(starting, "BASE_NOT_FOUND", NotFound)
    assert await _count(bench) == 0
    assert not await bench.events()
    assert not await bench.sql("SELECT * FROM requests")


async def test_without_a_covering_consent_nothing_is_queued(bench: Any) -> None:
    identity = bench.identity
    await identity.withdrawn(identity.alba, identity.alba.consent)
    starting = bench.started(identity.alba)
    await identity.refused(starting, "CONSENT_MISSING", FailedPrecondition)
    other = await identity.party("talent")
    await identity.consented(other, scope=[1, 3, 4, 5])
    other.capture_set_id = identity.alba.capture_set_id
    await bench.refused(bench.started(other), "CONSENT_MISSING")
    assert await _count(bench) == 0


async def test_the_set_must_be_hers_and_ready(bench: Any) -> None:
    identity = bench.identity
    alba, cleo = identity.alba, identity.cleo
    for foreign in (cleo.capture_set_id, new_id("cap")):
        starting = bench.started(alba, capture_set_id=foreign)
        await bench.refused(starting, "CAPTURE_SET_NOT_FOUND")
    answer = await identity.ask(alba, "OpenCaptureSet", talent_id=alba.id)
    starting = bench.started(alba, capture_set_id=answer.capture_set.id)
    error = await identity.refused(starting, "CAPTURE_SET_NOT_READY", FailedPrecondition)
    assert error.metadata["captureSetId"] == answer.capture_set.id
    assert await _count(bench) == 0


async def test_a_queued_run_is_cancelled_once(bench: Any) -> None:
    alba = bench.identity.alba
    run = await bench.started(alba)
    fields = {"run_id": run.id, "request_id": "stop"}
    ended = (await bench.ask(alba, "CancelRun", **fields)).run
    assert ended.state == twin_pb2.RUN_STATE_CANCELLED
    assert ended.reason == "cancelled on request"
    assert (await bench.ask(alba, "CancelRun", **fields)).run == ended
    error = await bench.refused(bench.ask(alba, "CancelRun", run_id=run.id), "RUN_ENDED")
    assert error.metadata == {"runId": run.id, "state": "cancelled"}
    assert [name for name, _ in await bench.events()] == ["RunQueued", "RunCancelled"]


async def test_zeroes_stand_for_defaults(bench: Any) -> None:
    run = await bench.started(bench.identity.alba, settings={})
    assert run.settings.steps >= 100
    assert run.settings.rank >= 1
    assert run.settings.seed == 0


async def _count(bench: Any) -> int:
    (row,) = await bench.sql("SELECT count(*) FROM runs")
    return int(row[0])


@pytest.mark.parametrize("racers", [6])
async def test_of_racing_cancels_one_counts(bench: Any, racers: int) -> None:
    alba = bench.identity.alba
    run = await bench.started(alba)
    cancelling = (bench.ask(alba, "CancelRun", run_id=run.id) for _ in range(racers))
    results = await asyncio.gather(*cancelling, return_exceptions=True)
    assert sum(isinstance(result, FailedPrecondition) for result in results) == racers - 1
    assert [name for name, _ in await bench.events()] == ["RunQueued", "RunCancelled"]
