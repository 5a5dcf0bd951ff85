"""Batches, leases and fences."""

import asyncio
from typing import Any

import numpy as np
from imaging.pipeline.reference import pack_faces
from kit.inbox import handle_once
from render import consumers
from render.domain.formats import FORMATS
from render.metrics import REDRAWN
from render.pipeline.marking import label
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.licensing.v1 import events_pb2 as licensing_events
from sosia.render.v1 import render_pb2

DRAFT, RUNNING = render_pb2.RENDER_STATE_DRAFT, render_pb2.RENDER_STATE_RUNNING
CANCELLED, FAILED = render_pb2.RENDER_STATE_CANCELLED, render_pb2.RENDER_STATE_FAILED
FACE = {"framing": "face", "pose": "standing", "view": "front", "lighting": "studio soft"}
RED_DRESS = {"name": "Ruby", "garment": "dress", "colour": "red"}


async def silence(stage: Any) -> None:
    """Let every lease have ended, as when a worker was killed."""
    await stage.execute(
        "UPDATE renders SET lease_ends_at = now() - interval '1 s' WHERE state = 'running'"
    )


async def stored(stage: Any) -> set[str]:
    """Return which pictures lie in the object store."""
    from pathlib import Path  # noqa: PLC0415
    from urllib.parse import urlparse  # noqa: PLC0415

    root = Path(urlparse(stage.identity.objects_url).path)
    return {path.relative_to(root).as_posix() for path in (root / "pictures").rglob("*.jpg")}


async def test_a_late_write_is_refused_and_leaves_no_file(stage: Any) -> None:
    (render,) = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    async with stage.worker() as slow, stage.worker() as quick:
        (task,) = await slow._with.jobs.claim(8)
        await silence(stage)
        assert await quick.once()
        before = await stage.get(render)
        await slow._watched([task])
    after = await stage.get(render)
    assert (after.state, after.attempt) == (DRAFT, 2)
    assert after == before
    talent = stage.identity.alba.id
    files = {"2.jpg", *(f"2-{name}.jpg" for name in FORMATS)}
    assert await stored(stage) == {f"pictures/{talent}/{render.id}/{file}" for file in files}
    assert [name for name, _ in await stage.events()].count("RenderDrafted") == 1


async def test_a_render_taken_over_is_the_same_picture(stage: Any) -> None:
    """The marks state when they were made, so the pixels are compared before marking."""
    await stage.started()
    async with stage.worker() as lost, stage.worker() as next_one:
        made = []
        for worker in (lost, next_one):
            tasks = await worker._with.jobs.claim(8)
            assert {task.render.attempt for task in tasks} == {len(made) + 1}
            opened: dict[str, bytes] = {}
            admitted = [await worker._with.gate.admit(task, opened) for task in tasks]
            from render.worker import _order  # noqa: PLC0415

            orders = [_order(one) for one in admitted]
            pictures = await asyncio.to_thread(
                worker._with.studio.make, "tiny", orders, lambda: False
            )
            made.append([(pixels.tobytes(), prompt) for pixels, prompt in pictures])
            await silence(stage)
    assert made[0] == made[1]
    assert made[0][0] != made[0][1]


async def test_twins_of_two_talents_are_made_in_one_batch(stage: Any, adapter_of: Any) -> None:
    cleo = stage.identity.cleo
    first = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    stage.license = await stage.licensed(cleo, stage.brand)
    stage.twin = await stage.trained(cleo, await asyncio.to_thread(adapter_of, 2))
    second = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    async with stage.worker() as worker:
        assert await worker.once()
        assert not await worker.once()
    found = [await stage.get(one) for one in (*first, *second)]
    assert [one.state for one in found] == [DRAFT, DRAFT]
    assert found[0].fingerprint != found[1].fingerprint


async def test_close_ups_that_are_nobody_are_drawn_again(stage: Any, adapter_of: Any) -> None:
    """Random weights draw nobody, so each is drawn as often as it may; where no face is to be
    seen nobody looks."""
    nobody = pack_faces(np.zeros(128, np.float32))
    adapter = await asyncio.to_thread(adapter_of, 1, nobody)
    stage.twin = await stage.trained(stage.identity.alba, adapter)
    shots = [FACE, FACE | {"view": "profile"}, FACE | {"framing": "full"}]
    renders = await stage.started(await stage.brief(shots=shots))
    before = REDRAWN._value.get()
    async with stage.worker(tries=3) as worker:
        assert await worker.once()
    assert REDRAWN._value.get() - before == 2
    assert [(await stage.get(one)).state for one in renders] == [DRAFT] * 3


async def test_one_unusable_twin_fails_alone(stage: Any, adapter_of: Any) -> None:
    good = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    stage.twin = await stage.trained(stage.identity.alba, b"no adapter at all")
    bad = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    stage.twin = await stage.trained(stage.identity.alba, adapter_of(1), base="gone")
    gone = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    async with stage.worker() as worker:
        assert await worker.once()
    assert (await stage.get(good[0])).state == DRAFT
    for render, reason in ((bad[0], "TWIN_UNUSABLE"), (gone[0], "BASE_UNUSABLE")):
        found = await stage.get(render)
        assert (found.state, found.note) == (FAILED, reason)


async def test_one_cancelled_on_the_way_stops_and_the_others_are_made(stage: Any) -> None:
    """The sampler has far too many steps, so the batch is at work when one is cancelled."""
    renders = await stage.started()
    async with stage.worker(steps=200) as worker:
        working = asyncio.create_task(worker.once())
        async with asyncio.timeout(30):
            while (await stage.get(renders[0])).state != RUNNING or not worker.loaded:
                await asyncio.sleep(0.05)
        await stage.execute(
            "UPDATE renders SET state = 'cancelled', reason = 'x', lease_ends_at = NULL"
            " WHERE id = :id",
            id=renders[0].id,
        )
        assert await working
    first, second = [await stage.get(one) for one in renders]
    assert (first.state, second.state) == (CANCELLED, DRAFT)
    assert first.picture_sha256 == ""


async def test_a_withdrawn_consent_and_a_revoked_license_cancel_what_is_open(stage: Any) -> None:
    events = (
        (
            identity_events.ConsentWithdrawn(consent_id=stage.identity.alba.consent.id),
            consumers.end_under_consent,
            "CONSENT_WITHDRAWN",
        ),
        (
            licensing_events.LicenseRevoked(license_id=stage.license.id),
            consumers.end_under_license,
            "LICENSE_REVOKED",
        ),
    )
    for number, (event, handler, reason) in enumerate(events):
        renders = await stage.started()
        other = type(event)()
        await handle_once(stage.app.db, f"other{number}", other, handler)
        assert (await stage.get(renders[0])).state == render_pb2.RENDER_STATE_QUEUED
        for _ in range(2):
            await handle_once(stage.app.db, f"e{number}", event, handler)
        for render in renders:
            found = await stage.get(render)
            assert (found.state, found.note) == (CANCELLED, reason)
    told = [data for name, data in await stage.events() if name == "RenderCancelled"]
    assert len(told) == 4


async def test_the_label_stays_off_the_faces_the_worker_finds(stage: Any) -> None:
    """Where it would stand, a face is: every box must have come from the worker to the label."""
    (render,) = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    face = (0, 176, 256, 256)
    async with stage.worker() as worker:
        studio, made = worker._with.studio, []
        mark = studio.mark

        class Below:
            """Finds a face where labels stand if nothing is there."""

            def find(self, rgb: Any) -> Any:
                from imaging.faces import Face  # noqa: PLC0415

                return [Face(face, 1.0)]

        def noted(base: str, pixels: Any, request: Any, parent: bytes = b"") -> Any:
            made.append((request, mark(base, pixels, request, parent)))
            return made[-1][1]

        studio._faces, studio.mark = Below(), noted
        assert await worker.once()
    assert (await stage.get(render)).state == DRAFT
    (whole, marked), *_ = made
    plain = label.draw(np.zeros((256, 256, 3), np.uint8), whole.wording)
    assert _overlap(plain.box, face)
    assert not _overlap(marked.label_box, face)
    for request, part in made:
        assert request.faces
        assert not any(_overlap(part.label_box, one) for one in request.faces)


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


async def test_a_picture_that_cannot_be_marked_fails_alone(stage: Any) -> None:
    """The only face fills one picture, so its label has no place."""
    renders = await stage.started()
    async with stage.worker() as worker:
        studio = worker._with.studio
        tasks = await worker._with.jobs.claim(8)
        real, asked = studio._faces, []

        class Everywhere:
            """Finds a face that fills the first picture, and what is there in the others."""

            def find(self, rgb: Any) -> Any:
                from imaging.faces import Face  # noqa: PLC0415

                asked.append(1)
                return [Face((0, 0, 256, 256), 1.0)] if len(asked) == 1 else real.find(rgb)

        studio._faces = Everywhere()
        await worker._watched(tasks)
    states = {(await stage.get(one)).state: (await stage.get(one)).note for one in renders}
    assert states == {FAILED: "PICTURE_UNMARKABLE", DRAFT: ""}
