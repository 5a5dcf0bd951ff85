"""Review, release, and who gets which file."""

import asyncio
import io
from typing import Any

from kit.errors import FailedPrecondition, NotFound, PermissionDenied
from PIL import Image
from sosia.render.v1 import render_pb2

DRAFT, CLEAN = render_pb2.PICTURE_KIND_DRAFT, render_pb2.PICTURE_KIND_CLEAN
APPROVED, RETAKE = render_pb2.RENDER_STATE_APPROVED, render_pb2.RENDER_STATE_RETAKE
RELEASED = render_pb2.RENDER_STATE_RELEASED


async def everybody(stage: Any) -> list[Any]:
    """Return people near the picture, and strangers of every kind behind them."""
    near = [stage.director, stage.identity.alba, stage.identity.agency, stage.identity.staff]
    kinds = ("brand", "crew", "agency")
    strangers = [await stage.identity.party(kind) for kind in kinds]
    return [*near, *strangers, stage.identity.cleo]


async def test_nobody_gets_the_clean_file_but_the_brand_once_it_is_out(stage: Any) -> None:
    people = await everybody(stage)
    render = await stage.drafted()
    steps = [
        None,
        lambda: stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True),
        lambda: stage.ask(stage.brand, "ReleaseRender", render_id=render.id),
    ]
    for number, step in enumerate(steps):
        if step is not None:
            await step()
        for person in people if number == 2 else [*people, stage.brand]:
            call = stage.picture(person, render, CLEAN)
            await stage.identity.refused(call, "RENDER_NOT_FOUND", NotFound)
    assert len(await stage.picture(stage.brand, render, CLEAN)) > 10_000
    await stage.refused(stage.picture("public", render, CLEAN), "API_KEY_MISSING")
    await stage.refused(stage.picture(stage.brand, render, 0), "FIELD_INVALID")


async def test_the_draft_is_for_those_near_it(stage: Any) -> None:
    render = await stage.drafted()
    people = await everybody(stage)
    for person in [*people[:4], stage.brand]:
        content = await stage.picture(person, render, DRAFT)
        with Image.open(io.BytesIO(content)) as small:
            assert small.size == (128, 128)
            assert "xmp" not in small.info
    for person in people[4:]:
        for call in (
            stage.picture(person, render, DRAFT),
            stage.ask(person, "GetRender", render_id=render.id),
            stage.ask(person, "ReviewRender", render_id=render.id, approve=True),
            stage.ask(person, "ReleaseRender", render_id=render.id),
        ):
            await stage.identity.refused(call, "RENDER_NOT_FOUND", NotFound)
        call = stage.ask(person, "ListRenders", brief_id=render.brief_id)
        await stage.identity.refused(call, "BRIEF_NOT_FOUND", NotFound)
        call = stage.ask(person, "GetCampaign", campaign_id=render.campaign_id)
        await stage.identity.refused(call, "CAMPAIGN_NOT_FOUND", NotFound)


async def test_a_render_without_a_picture_has_no_file(stage: Any) -> None:
    (render, _) = await stage.started()
    await stage.refused(stage.picture(stage.brand, render, DRAFT), "RENDER_NOT_FOUND")


async def test_only_the_director_reviews_and_a_retake_needs_a_note(stage: Any) -> None:
    render = await stage.drafted()
    for person in (stage.brand, stage.identity.alba, stage.identity.staff):
        call = stage.ask(person, "ReviewRender", render_id=render.id, approve=True)
        await stage.identity.refused(call, "NOT_ALLOWED", PermissionDenied)
    review = {"render_id": render.id, "request_id": "review"}
    error = await stage.refused(
        stage.ask(stage.director, "ReviewRender", note=" ", **review), "FIELD_INVALID"
    )
    assert error.metadata == {"field": "note", "rule": "must not be empty"}
    for _ in range(2):
        answer = await stage.ask(stage.director, "ReviewRender", note="softer light", **review)
        assert (answer.render.state, answer.render.note) == (RETAKE, "softer light")
    again = stage.ask(stage.director, "ReviewRender", note="harder light", **review)
    await stage.refused(again, "REQUEST_REUSED")
    late = stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True)
    await stage.identity.refused(late, "RENDER_NOT_DRAFT", FailedPrecondition)
    told = [data for name, data in await stage.events() if name == "RenderReviewed"]
    assert [(one["approved"], one["note"]) for one in told] == [(False, "softer light")]
    assert told[0]["pictureSha256"] == render.picture_sha256
    queued = await stage.execute("SELECT count(*) FROM renders WHERE state = 'queued'")
    assert queued.scalar_one() == 0


async def test_only_an_approved_picture_is_released_and_only_by_the_brand(stage: Any) -> None:
    render = await stage.drafted()
    early = stage.ask(stage.brand, "ReleaseRender", render_id=render.id)
    await stage.identity.refused(early, "RENDER_NOT_APPROVED", FailedPrecondition)
    await stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True)
    for person in (stage.director, stage.identity.alba, stage.identity.staff):
        call = stage.ask(person, "ReleaseRender", render_id=render.id)
        await stage.identity.refused(call, "NOT_ALLOWED", PermissionDenied)
    for _ in range(2):
        release = stage.ask(stage.brand, "ReleaseRender", render_id=render.id, request_id="go")
        assert (await release).render.state == RELEASED
    assert [name for name, _ in await stage.events()].count("RenderReleased") == 1


async def test_a_release_cut_off_in_the_middle_is_finished_by_a_repeat(stage: Any) -> None:
    """licensing drew the picture, and we died before we noted it."""
    render = await stage.approved()
    noted = stage.execute("SELECT count(*) FROM renders WHERE state = 'released'")
    assert (await noted).scalar_one() == 0
    licensing_request = {
        "request_id": f"release:{render.id}",
        "license_id": stage.license.id,
        "render_id": render.id,
        "picture_sha256": render.picture_sha256,
        "credits": [{"party_id": stage.director.id, "name": "Dora", "role": "creative_director"}],
    }
    drawn = await stage.license_ask(stage.brand, "ReleasePicture", **licensing_request)
    assert drawn.license.images_used == 1
    calls = [stage.ask(stage.brand, "ReleaseRender", render_id=render.id) for _ in range(2)]
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert (await stage.get(render)).state == RELEASED
    assert sum(not isinstance(one, Exception) for one in done) >= 1
    license = await stage.license_ask(stage.brand, "GetLicense", license_id=stage.license.id)
    assert license.license.images_used == 1


async def test_licensing_decides_whether_a_picture_goes(stage: Any) -> None:
    stage.license = await stage.licensed(stage.identity.alba, stage.brand, approval_required=True)
    render = await stage.approved()
    call = stage.ask(stage.brand, "ReleaseRender", render_id=render.id, request_id="go")
    await stage.refused(call, "APPROVAL_MISSING")
    assert (await stage.get(render)).state == APPROVED


async def test_after_the_license_ended_the_clean_file_is_closed(stage: Any) -> None:
    render = await stage.released()
    alba = stage.identity.alba
    signature = alba.sign(f"revoke:{stage.license.id}".encode())
    await stage.license_ask(alba, "RevokeLicense", license_id=stage.license.id, signature=signature)
    await stage.refused(stage.picture(stage.brand, render, CLEAN), "LICENSE_NOT_ACTIVE")


async def test_after_the_consent_ended_no_file_opens(stage: Any) -> None:
    render = await stage.released()
    await stage.identity.withdrawn(stage.identity.alba, stage.identity.alba.consent)
    for kind in (CLEAN, DRAFT):
        await stage.refused(stage.picture(stage.brand, render, kind), "CONSENT_MISSING")
