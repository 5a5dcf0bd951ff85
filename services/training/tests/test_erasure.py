"""A talent erased: her runs end, her twins are gone, no file of hers lies anywhere."""

import asyncio
from functools import partial
from typing import Any

import pytest
from kit import inbox
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.training.v1 import twin_pb2
from training import consumers

LONG = {"settings": {"steps": 20_000, "rank": 4, "seed": 7}}
SHORT = {"settings": {"steps": 2, "rank": 1, "seed": 7}}


async def left_of(bench: Any, who: Any, talent: Any) -> Any:
    """Return what training says it still has of a talent."""
    return await bench.ask(who, "GetTwinsErasure", talent_id=talent.id)


async def test_an_erasure_ends_work_and_deletes_twins_checkpoints_and_sheets(
    bench: Any, reading: None
) -> None:
    alba, cleo = bench.identity.alba, bench.identity.cleo
    async with bench.worker() as worker:
        for talent in (alba, cleo):
            await bench.started(talent, **SHORT)
            assert await worker.once()
        (twin,) = (await bench.ask(alba, "ListTwins", talent_id=alba.id)).twins
        running, queued = await bench.started(alba, **LONG), await bench.started(alba)
        before = await left_of(bench, alba, alba)
        assert (before.objects_left, before.twins_left, before.runs_left) == (3, 1, 2)
        working = asyncio.create_task(worker.once())
        await bench.until_step(running.id, 5)
        answer = await bench.identity.erased(alba)
        assert answer.certificate_receipt_id
        async with asyncio.timeout(20):
            assert await working
        assert not await worker.once()

    async def is_gone() -> bool:
        return (await left_of(bench, alba, alba)).HasField("erased_at")

    await bench.until(is_gone)
    left = await left_of(bench, bench.identity.agency, alba)
    assert (left.objects_left, left.twins_left, left.runs_left) == (0, 0, 0)
    assert left.objects_deleted == 3
    for run_id in (running.id, queued.id):
        assert (await bench.run(run_id)).state == twin_pb2.RUN_STATE_CANCELLED
    assert not list(bench.settings.work.iterdir())
    assert not [path for path in bench.stored(f"twins/{alba.id}").rglob("*") if path.is_file()]
    for who in (alba, "service"):
        await bench.refused(bench.ask(who, "GetTwin", twin_version_id=twin.id), "TWIN_NOT_FOUND")
    hers = await left_of(bench, cleo, cleo)
    assert not hers.HasField("erased_at")
    assert (hers.objects_left, hers.twins_left) == (3, 1)
    await bench.refused(left_of(bench, cleo, alba), "NOT_ALLOWED")


async def test_the_event_may_come_twice_and_takes_what_no_row_names(bench: Any) -> None:
    alba = bench.identity.alba
    event = identity_events.TalentErased(talent_id=alba.id)
    for number in range(2):
        file = bench.stored(f"twins/{alba.id}/twn_lost/sheet.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"left by a kill")
        handler = partial(consumers.erase, vault=bench.app.vault)
        await inbox.handle_once(bench.app.db, f"e{number}", event, handler)
        assert not file.exists()
    assert (await left_of(bench, alba, alba)).objects_deleted == 2


@pytest.mark.parametrize("talent_id", ["", "../..", "pty_", "lic_" + "0" * 26])
async def test_only_an_id_of_a_talent_is_looked_for(bench: Any, talent_id: str) -> None:
    asking = bench.ask(bench.identity.staff, "GetTwinsErasure", talent_id=talent_id)
    await bench.refused(asking, "FIELD_INVALID")
