"""Sets of photos judged over gRPC: before they are closed, when they are, and after."""

from pathlib import Path
from typing import Any

import pytest
from house.talents import PHOTOS
from identity.service.commands import Command
from kit.errors import FailedPrecondition, NotFound, Unavailable
from sosia.identity.v1 import capture_pb2


async def opened(desk: Any, **fields: Any) -> tuple[Any, str]:
    """Return a talent with a consent, and a capture set of hers."""
    talent = await desk.party("talent")
    await desk.consented(talent)
    answer = await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id, **fields)
    return talent, answer.capture_set.id


async def filled(desk: Any, photos: list[dict[str, Any]], **fields: Any) -> tuple[Any, str]:
    """Return a talent and a set of hers with photos."""
    talent, set_id = await opened(desk, **fields)
    for one in photos:
        await desk.photo(talent, set_id, one)
    return talent, set_id


async def test_photos_of_another_person_keep_a_set_open_until_they_are_taken_out(
    desk: Any, alba: list[dict[str, Any]], cleo: list[dict[str, Any]], tmp_path: Path
) -> None:
    talent, set_id = await filled(desk, [alba[number] for number in PHOTOS])
    strangers = [
        await desk.photo(talent, set_id, cleo[number] | {"filename": f"cleo-{number}.jpg"})
        for number in (3, 22)
    ]
    closing = desk.ask(talent, "CloseCaptureSet", capture_set_id=set_id, request_id="c1")
    error = await desk.refused(closing, "CAPTURE_SET_INSUFFICIENT", FailedPrecondition)
    named = f"{strangers[0].id} cleo-3.jpg; {strangers[1].id} cleo-22.jpg"
    assert error.metadata["oddOnes"] == named
    for one in strangers:
        fields = {"capture_set_id": set_id, "photo_id": one.id, "request_id": one.id}
        left = (await desk.ask(talent, "RemovePhoto", **fields)).capture_set.photos
        assert one.id not in {photo.id for photo in left}
        assert not list((tmp_path / "objects").rglob(f"{one.id}.*"))
        again = await desk.ask(talent, "RemovePhoto", **fields)
        assert len(again.capture_set.photos) == len(left)
    closed = await desk.ask(talent, "CloseCaptureSet", capture_set_id=set_id, request_id="c1")
    assert closed.capture_set.state == capture_pb2.CAPTURE_STATE_READY


async def test_a_report_stands_as_the_set_was_closed(
    desk: Any, alba: list[dict[str, Any]], tmp_path: Path
) -> None:
    talent, set_id = await filled(desk, [alba[number] for number in PHOTOS])
    asked = {"capture_set_id": set_id}
    before = (await desk.ask(talent, "GetCaptureReport", **asked)).report
    assert (before.sufficient, before.final) == (True, False)
    await desk.ask(talent, "CloseCaptureSet", **asked)
    for path in (tmp_path / "objects").rglob("*.face"):
        path.unlink()  # nothing is measured again
    after = (await desk.ask(talent, "GetCaptureReport", **asked)).report
    assert after.final
    after.final = False
    assert after == before


async def test_faces_are_compared_only_under_a_live_consent(
    desk: Any, alba: list[dict[str, Any]]
) -> None:
    talent = await desk.party("talent")
    consent = await desk.consented(talent)
    answer = await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id)
    set_id = answer.capture_set.id
    for number in PHOTOS:
        await desk.photo(talent, set_id, alba[number])
    await desk.withdrawn(talent, consent)
    for method in ("GetCaptureReport", "CloseCaptureSet"):
        asking = desk.ask(talent, method, capture_set_id=set_id)
        await desk.refused(asking, "CONSENT_MISSING", FailedPrecondition)
    kept = (await desk.ask(talent, "GetCaptureSet", capture_set_id=set_id)).capture_set
    fields = {"capture_set_id": set_id, "photo_id": kept.photos[0].id}
    left = await desk.ask(talent, "RemovePhoto", **fields)
    assert len(left.capture_set.photos) == len(PHOTOS) - 1


async def test_strangers_see_no_report_and_take_nothing_out(
    desk: Any, alba: list[dict[str, Any]]
) -> None:
    talent, set_id = await filled(desk, alba[3:4])
    photo = (await desk.ask(talent, "GetCaptureSet", capture_set_id=set_id)).capture_set.photos[0]
    for who in (await desk.party("brand"), await desk.party("talent"), "public"):
        asking = desk.ask(who, "GetCaptureReport", capture_set_id=set_id)
        await desk.refused(asking, "CAPTURE_SET_NOT_FOUND", NotFound)
        removing = desk.ask(who, "RemovePhoto", capture_set_id=set_id, photo_id=photo.id)
        await desk.refused(removing, "CAPTURE_SET_NOT_FOUND", NotFound)
    _, other_id = await filled(desk, [])
    removing = desk.ask(desk.staff, "RemovePhoto", capture_set_id=other_id, photo_id=photo.id)
    await desk.refused(removing, "PHOTO_NOT_FOUND", NotFound)


async def test_a_photo_says_which_marks_of_the_map_it_shows(
    desk: Any, alba: list[dict[str, Any]]
) -> None:
    marks = [{"name": "birthmark", "site": "upper lip right", "radius_mm": 5.6}]
    talent, set_id = await opened(desk, marks=marks)
    seen = [{"name": "birthmark", "x": 0.4, "y": 0.64}]
    photo = await desk.photo(
        talent, set_id, alba[3] | {"facts": alba[3]["facts"] | {"marks": seen}}
    )
    assert [(mark.name, mark.x, mark.y) for mark in photo.facts.marks] == [("birthmark", 0.4, 0.64)]
    report = (await desk.ask(talent, "GetCaptureReport", capture_set_id=set_id)).report
    assert [(mark.seen, mark.wanting) for mark in report.marks] == [(1, True)]
    for wrong, field in (
        ({"name": "scar", "x": 0.1, "y": 0.1}, "facts.marks[0].name"),
        ({"name": "birthmark", "x": 1.1, "y": 0.1}, "facts.marks[0].x"),
        ({"name": "birthmark", "x": 0.1, "y": float("nan")}, "facts.marks[0].y"),
    ):
        facts = alba[4]["facts"] | {"marks": [wrong]}
        adding = desk.photo(talent, set_id, alba[4] | {"facts": facts})
        assert (await desk.refused(adding, "FIELD_INVALID")).metadata["field"] == field


async def test_a_photo_added_while_a_set_is_judged_is_not_let_through_unseen(
    desk: Any, alba: list[dict[str, Any]]
) -> None:
    talent, set_id = await filled(desk, [alba[number] for number in PHOTOS])
    judge = desk.app.services.judge
    with desk.as_(talent):
        vectors = await judge._open((await desk.app.services.captures.get(set_id))[1])
    await desk.photo(talent, set_id, alba[16])
    with desk.as_(talent), pytest.raises(Unavailable) as caught:
        await desk.app.services.captures.close(Command("late", ""), set_id, vectors)
    assert caught.value.reason == "CAPTURE_SET_CHANGED"
    closed = await desk.ask(talent, "CloseCaptureSet", capture_set_id=set_id)
    assert closed.capture_set.state == capture_pb2.CAPTURE_STATE_READY


async def test_a_repeat_of_a_photo_taken_out_adds_nothing(
    desk: Any, alba: list[dict[str, Any]]
) -> None:
    talent, set_id = await opened(desk)
    photo = await desk.photo(talent, set_id, alba[3], request_id="p9")
    await desk.ask(talent, "RemovePhoto", capture_set_id=set_id, photo_id=photo.id)
    repeating = desk.photo(talent, set_id, alba[3], request_id="p9")
    await desk.refused(repeating, "PHOTO_NOT_FOUND", NotFound)
    assert (await desk.photo(talent, set_id, alba[3])).id != photo.id
