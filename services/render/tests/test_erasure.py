"""A talent erased: no render of hers goes on, no picture of her lies here, the registry stays."""

import asyncio
from functools import partial
from typing import Any

from kit.inbox import handle_once
from render import consumers
from render.domain.formats import FORMATS
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.render.v1 import render_pb2

FILES = 1 + len(FORMATS)  # the whole picture and each format
CANCELLED = render_pb2.RENDER_STATE_CANCELLED
DRAFT, CLEAN = render_pb2.PICTURE_KIND_DRAFT, render_pb2.PICTURE_KIND_CLEAN


async def left_of(stage: Any, who: Any, talent: Any) -> Any:
    """Return what render says it still has of a talent."""
    return await stage.ask(who, "GetPicturesErasure", talent_id=talent.id)


async def test_an_erasure_cancels_renders_and_deletes_every_picture(stage: Any) -> None:
    alba, cleo = stage.identity.alba, stage.identity.cleo
    released = await stage.released()
    await stage.approved()
    draft = await stage.drafted()
    queued = await stage.started()
    clean = await stage.picture(stage.brand, released, CLEAN)
    before = await left_of(stage, alba, alba)
    assert (before.objects_left, before.renders_left, before.released) == (3 * FILES, 3, 1)
    reading = asyncio.gather(*(consumer.run() for consumer in stage.app.consumers))
    try:
        answer = await stage.identity.erased(alba)
        assert answer.certificate_receipt_id
        async with asyncio.timeout(20):
            while not (await left_of(stage, alba, alba)).HasField("erased_at"):
                await asyncio.sleep(0.05)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    left = await left_of(stage, stage.identity.agency, alba)
    assert (left.objects_left, left.renders_left, left.released) == (0, 0, 1)
    assert left.objects_deleted == 3 * FILES
    for render in (draft, *queued):
        assert (await stage.get(render)).state == CANCELLED
    for render, kind in ((released, DRAFT), (draft, DRAFT)):
        await stage.refused(stage.picture(stage.brand, render, kind), "RENDER_NOT_FOUND")
    found = (await stage.ask(stage.brand, "VerifyPicture", content=clean)).verification
    assert found.render_id == released.id
    assert (await left_of(stage, cleo, cleo)).released == 0
    await stage.refused(left_of(stage, cleo, alba), "NOT_ALLOWED")
    await stage.refused(left_of(stage, stage.brand, alba), "NOT_ALLOWED")


async def test_the_event_may_come_twice(stage: Any) -> None:
    alba = stage.identity.alba
    await stage.drafted()
    handler = partial(consumers.erase, vault=stage.app.vault)
    event = identity_events.TalentErased(talent_id=alba.id)
    for number in range(2):
        await handle_once(stage.app.db, f"e{number}", event, handler)
    left = await left_of(stage, alba, alba)
    assert (left.objects_left, left.objects_deleted) == (0, FILES)
    told = [data for name, data in await stage.events() if name == "RenderCancelled"]
    assert len(told) == 1
