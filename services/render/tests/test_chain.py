"""One render all the way, on every real service."""

import hashlib
from typing import Any

from sosia.render.v1 import render_pb2, verify_pb2

CLEAN = render_pb2.PICTURE_KIND_CLEAN


async def test_a_brief_becomes_pictures_that_are_reviewed_released_and_verified(
    stage: Any,
) -> None:
    brief = await stage.brief()
    renders = await stage.started(brief)
    assert [one.state for one in renders] == [render_pb2.RENDER_STATE_QUEUED] * 2
    async with stage.worker() as worker:
        assert await worker.once()
        assert not await worker.once()
        assert worker.loaded == "tiny"
    first, second = [await stage.get(one) for one in renders]
    assert {first.state, second.state} == {render_pb2.RENDER_STATE_DRAFT}
    assert first.prompt.startswith("close-up portrait of a woman in a red dress, standing")
    assert first.prompt.endswith(", sosia")
    assert (first.width, first.height, len(first.fingerprint)) == (256, 256, 64)
    names = {(one.name, one.role) for one in first.credits}
    assert names == {("crew in public", "photographer"), ("Dora", "creative_director")}
    await stage.ask(stage.director, "ReviewRender", render_id=first.id, approve=True)
    released = (await stage.ask(stage.brand, "ReleaseRender", render_id=first.id)).render
    assert released.state == render_pb2.RENDER_STATE_RELEASED
    content = await stage.picture(stage.brand, first, CLEAN)
    assert hashlib.sha256(content).hexdigest() == first.picture_sha256
    await stage.refused(stage.picture(stage.brand, second, CLEAN), "RENDER_NOT_FOUND")
    answer = (await stage.ask("public", "VerifyPicture", content=content)).verification
    assert answer.verdict == verify_pb2.VERDICT_VERIFIED
    assert (answer.talent, answer.brand, answer.license_state) == ("Alba", "North", "in term")
    names_told = [name for name, _ in await stage.events()]
    assert names_told == [
        "CampaignCreated",
        "BriefCreated",
        "RendersQueued",
        "RenderStarted",
        "RenderStarted",
        "RenderDrafted",
        "RenderDrafted",
        "TakeChosen",
        "RenderReviewed",
        "RenderReleased",
    ]
    assert "eyJ" not in repr(await stage.events())
