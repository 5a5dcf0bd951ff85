"""Files that come in parts: sealed, taken up again, checked whole, given up without a trace."""

import asyncio
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from identity.service.receiver import Receiver
from kit.errors import DomainError, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from PIL import Image
from sosia.identity.v1 import capture_pb2, consent_pb2, upload_pb2
from sqlalchemy import text
from vault import CAPTURES, Vault

OPEN, DONE, FAILED = (
    upload_pb2.UPLOAD_STATE_OPEN,
    upload_pb2.UPLOAD_STATE_DONE,
    upload_pb2.UPLOAD_STATE_FAILED,
)
PHOTO = upload_pb2.UPLOAD_KIND_PHOTO
CAPTURE = consent_pb2.STEP_CAPTURE


@pytest.fixture
async def opened(desk: Any) -> tuple[Any, Any, str]:
    """Return a talent, her consent, and a capture set of hers."""
    talent = await desk.party("talent")
    consent = await desk.consented(talent)
    answer = await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id)
    return talent, consent, answer.capture_set.id


@pytest.fixture
def taken(alba: list[dict[str, Any]]) -> dict[str, Any]:
    """A frontal close-up."""
    return alba[3]


async def created(desk: Any, who: Any, set_id: str, taken: Any, **changed: Any) -> Any:
    """Announce a photo."""
    content = taken["content"]
    fields = {
        "capture_set_id": set_id,
        "filename": taken["filename"],
        "kind": PHOTO,
        "facts": capture_pb2.PhotoFacts(**taken["facts"]),
        "length": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return (await desk.ask(who, "CreateUpload", **(fields | changed))).upload


async def sent(desk: Any, who: Any, upload: Any, content: bytes, offset: int = 0) -> Any:
    """Send one part."""
    fields = {"upload_id": upload.id, "offset": offset, "content": content}
    return (await desk.ask(who, "AppendUpload", **fields)).upload


async def sent_in(desk: Any, who: Any, upload: Any, content: bytes, size: int) -> Any:
    """Send what is left of a file in parts."""
    for start in range(upload.offset, len(content), size):
        upload = await sent(desk, who, upload, content[start : start + size], start)
    return upload


def lying(tmp_path: Path) -> list[Path]:
    """Return the files in the folders of uploads."""
    return [path for path in tmp_path.glob("objects/captures/*/*/uploads/*/*") if path.is_file()]


async def rows(desk: Any, table: str) -> int:
    async with desk.app.db.begin() as tx:
        return int((await tx.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def sweep(desk: Any) -> None:
    receiver: Receiver = desk.app.services.receiver
    with desk.as_("service"):
        await receiver.sweep()


async def test_a_photo_in_parts_is_the_photo_that_comes_whole(
    desk: Any, opened: Any, taken: Any, tmp_path: Path
) -> None:
    talent, _, set_id = opened
    content = taken["content"]
    upload = await created(desk, talent, set_id, taken)
    assert (upload.state, upload.offset, upload.length) == (OPEN, 0, len(content))
    upload = await sent(desk, talent, upload, content[:20_000])
    upload = await sent(desk, talent, upload, content[20_000:40_000], 20_000)
    assert (upload.state, upload.offset) == (OPEN, 40_000)
    parts = lying(tmp_path)
    assert len(parts) == 2
    for part in parts:
        assert part.read_bytes().startswith(b"SOSIA1\n")
        assert content[:16] not in part.read_bytes()
    assert (await desk.ask(talent, "GetUpload", upload_id=upload.id)).upload == upload
    upload = await sent(desk, talent, upload, content[40_000:], 40_000)
    assert (upload.state, upload.offset) == (DONE, len(content))
    held = (await desk.ask(talent, "GetCaptureSet", capture_set_id=set_id)).capture_set
    (photo,) = held.photos
    assert (photo.id, photo.filename) == (upload.photo_id, taken["filename"])
    assert photo.facts.yaw == taken["facts"]["yaw"]
    assert not lying(tmp_path)
    assert await rows(desk, "upload_parts") == 0
    whole = await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id)
    same = await desk.photo(talent, whole.capture_set.id, taken)
    assert (photo.sharpness, photo.width) == (same.sharpness, same.width)


async def test_the_same_content_goes_on_where_it_stands(desk: Any, opened: Any, taken: Any) -> None:
    talent, _, set_id = opened
    content = taken["content"]
    first = await created(desk, talent, set_id, taken)
    await sent(desk, talent, first, content[:30_000])
    again = await created(desk, talent, set_id, taken, filename="renamed.jpg")
    assert (again.id, again.offset, again.filename) == (first.id, 30_000, "renamed.jpg")
    listed = (await desk.ask(talent, "ListUploads", capture_set_id=set_id)).uploads
    assert [one.id for one in listed] == [first.id]
    done = await sent_in(desk, talent, again, content, 30_000)
    assert done.state == DONE
    late = await created(desk, talent, set_id, taken)
    assert (late.id, late.state, late.photo_id) == (first.id, DONE, done.photo_id)
    assert not (await desk.ask(talent, "ListUploads", capture_set_id=set_id)).uploads
    gone = {"capture_set_id": set_id, "photo_id": done.photo_id}
    await desk.ask(talent, "RemovePhoto", **gone)
    assert (await created(desk, talent, set_id, taken)).id != first.id


async def test_of_two_parts_for_one_place_one_is_kept(
    desk: Any, opened: Any, taken: Any, tmp_path: Path
) -> None:
    talent, _, set_id = opened
    upload = await created(desk, talent, set_id, taken)
    racing = [sent(desk, talent, upload, taken["content"][:9_000]) for _ in range(6)]
    ended = await asyncio.gather(*racing, return_exceptions=True)
    won = [one for one in ended if not isinstance(one, BaseException)]
    assert len(won) == 1
    assert {one.reason for one in ended if isinstance(one, DomainError)} == {"UPLOAD_OFFSET_WRONG"}
    assert len(lying(tmp_path)) == 1
    done = [sent(desk, talent, upload, taken["content"][9_000:], 9_000) for _ in range(3)]
    await asyncio.gather(*done, return_exceptions=True)
    held = (await desk.ask(talent, "GetCaptureSet", capture_set_id=set_id)).capture_set
    assert len(held.photos) == 1
    assert not lying(tmp_path)


async def test_a_part_in_the_wrong_place_or_too_long_is_refused_and_nothing_is_lost(
    desk: Any, opened: Any, taken: Any, tmp_path: Path
) -> None:
    talent, _, set_id = opened
    content = taken["content"]
    upload = await created(desk, talent, set_id, taken)
    await sent(desk, talent, upload, content[:30_000])
    for offset in (0, 29_999, 30_001, -1):
        error = await desk.refused(
            sent(desk, talent, upload, content[offset:][:9], offset),
            "UPLOAD_OFFSET_WRONG",
            FailedPrecondition,
        )
        assert error.metadata["offset"] == "30000"
    more = sent(desk, talent, upload, content[30_000:] + b"more", 30_000)
    error = await desk.refused(more, "UPLOAD_TOO_LONG", InvalidArgument)
    assert error.metadata["filename"] == taken["filename"]
    fields = {"upload_id": upload.id, "offset": 30_000, "content": b"x", "following": len(content)}
    await desk.refused(desk.ask(talent, "AppendUpload", **fields), "UPLOAD_TOO_LONG")
    empty = await sent(desk, talent, upload, b"", 30_000)
    assert (empty.offset, len(lying(tmp_path))) == (30_000, 1)
    assert (await sent_in(desk, talent, empty, content, 40_000)).state == DONE
    for offset in (0, len(content)):
        error = await desk.refused(sent(desk, talent, upload, b"", offset), "UPLOAD_ENDED")
        assert error.metadata["state"] == "done"
    removing = desk.ask(talent, "RemoveUpload", upload_id=upload.id)
    await desk.refused(removing, "UPLOAD_ENDED", FailedPrecondition)


def broken(content: bytes) -> list[tuple[str, bytes, bytes, str]]:
    """Return files: their name, what was announced, what is sent, and why they are refused."""
    other = bytearray(content)
    other[-40_000] ^= 1
    small = io.BytesIO()
    Image.open(io.BytesIO(content)).resize((204, 255)).save(small, "JPEG")
    cut, word = content[: len(content) // 2], b"<script>alert(1)</script>"
    return [
        ("flipped.jpg", content, bytes(other), "UPLOAD_HASH_WRONG"),
        ("cut.jpg", cut, cut, "PHOTO_UNREADABLE"),
        ("text.jpg", word, word, "PHOTO_UNREADABLE"),
        ("small.jpg", small.getvalue(), small.getvalue(), "PHOTO_TOO_SMALL"),
    ]


async def test_a_broken_file_costs_only_itself(
    desk: Any, opened: Any, taken: Any, alba: Any, tmp_path: Path
) -> None:
    talent, _, set_id = opened
    beside = await created(desk, talent, set_id, alba[4])
    await sent(desk, talent, beside, alba[4]["content"][:30_000])
    for name, said, content, reason in broken(taken["content"]):
        file = taken | {"filename": name, "content": said}
        upload = await created(desk, talent, set_id, file)
        sending = sent_in(desk, talent, upload, content, 20_000)
        error = await desk.refused(sending, reason, InvalidArgument)
        assert error.metadata["filename"] == name
        assert error.metadata["rule"]
        ended = (await desk.ask(talent, "GetUpload", upload_id=upload.id)).upload
        assert (ended.state, ended.fault.reason) == (FAILED, reason)
        assert ended.fault.rule == error.metadata["rule"]
        again = sent(desk, talent, upload, b"x", ended.offset)
        assert (await desk.refused(again, "UPLOAD_ENDED")).metadata["state"] == "failed"
    assert len(lying(tmp_path)) == 1
    good = await created(desk, talent, set_id, taken)
    assert (await sent_in(desk, talent, good, taken["content"], 20_000)).state == DONE
    twice = taken | {"filename": "twice.jpg", "content": taken["content"] + b"\0"}
    upload = await created(desk, talent, set_id, twice)
    await desk.refused(sent(desk, talent, upload, twice["content"]), "PHOTO_DUPLICATE")
    beside = (await desk.ask(talent, "GetUpload", upload_id=beside.id)).upload
    assert (await sent_in(desk, talent, beside, alba[4]["content"], 30_000)).state == DONE


@pytest.mark.parametrize(
    ("changed", "reason", "field"),
    [
        ({"length": 12 * 2**20 + 1}, "UPLOAD_TOO_LONG", "length"),
        ({"length": 0}, "FIELD_INVALID", "length"),
        ({"sha256": "AB" * 32}, "FIELD_INVALID", "sha256"),
        ({"kind": upload_pb2.UPLOAD_KIND_CLIP}, "FIELD_INVALID", "kind"),
        ({"kind": 0}, "FIELD_INVALID", "kind"),
        ({"filename": "../a.jpg"}, "FIELD_INVALID", "filename"),
        ({"facts": capture_pb2.PhotoFacts(framing="close")}, "FIELD_INVALID", "facts.framing"),
        (
            {"facts": capture_pb2.PhotoFacts(framing="face", marks=[{"name": "nose"}])},
            "FIELD_INVALID",
            "facts.marks[0].name",
        ),
    ],
)
async def test_what_could_never_be_taken_is_not_begun(
    desk: Any, opened: Any, taken: Any, changed: dict[str, Any], reason: str, field: str
) -> None:
    talent, _, set_id = opened
    beginning = created(desk, talent, set_id, taken, **changed)
    assert (await desk.refused(beginning, reason)).metadata["field"] == field
    assert await rows(desk, "uploads") == 0


async def test_the_same_content_cannot_have_two_lengths(desk: Any, opened: Any, taken: Any) -> None:
    talent, _, set_id = opened
    await created(desk, talent, set_id, taken)
    again = created(desk, talent, set_id, taken, length=7)
    assert (await desk.refused(again, "FIELD_INVALID")).metadata["field"] == "length"


async def test_others_neither_see_nor_touch_it(desk: Any, opened: Any, taken: Any) -> None:
    talent, _, set_id = opened
    upload = await created(desk, talent, set_id, taken)
    other = await desk.party("talent")
    await desk.consented(other)
    brand = await desk.party("brand")
    for who in (other, brand, "public"):
        for call in ("GetUpload", "RemoveUpload"):
            await desk.refused(
                desk.ask(who, call, upload_id=upload.id), "UPLOAD_NOT_FOUND", NotFound
            )
        await desk.refused(sent(desk, who, upload, b"x"), "UPLOAD_NOT_FOUND", NotFound)
    for who in (other, brand):
        listing = desk.ask(who, "ListUploads", capture_set_id=set_id)
        await desk.refused(listing, "CAPTURE_SET_NOT_FOUND", NotFound)
        await desk.refused(created(desk, who, set_id, taken), "CAPTURE_SET_NOT_FOUND", NotFound)
    await desk.refused(created(desk, "public", set_id, taken), "API_KEY_MISSING")
    hers = (await desk.ask(other, "OpenCaptureSet", talent_id=other.id)).capture_set.id
    assert (await created(desk, other, hers, taken)).id != upload.id


async def test_consent_is_asked_for_at_every_part_and_its_end_reaches_what_lies_there(
    desk: Any, opened: Any, taken: Any, alba: Any, tmp_path: Path
) -> None:
    talent, consent, set_id = opened
    content = taken["content"]
    upload = await created(desk, talent, set_id, taken)
    await sent(desk, talent, upload, content[:30_000])
    await desk.withdrawn(talent, consent)
    for part in (content[30_000:40_000], content[30_000:]):
        sending = sent(desk, talent, upload, part, 30_000)
        await desk.refused(sending, "CONSENT_MISSING", FailedPrecondition)
    await desk.refused(created(desk, talent, set_id, taken), "CONSENT_MISSING")
    await desk.refused(created(desk, talent, set_id, alba[4]), "CONSENT_MISSING")
    (part,) = lying(tmp_path)
    vault: Vault = desk.app.vault
    sealed = hashlib.sha256(part.read_bytes()).hexdigest()
    opening = vault.get(
        part.relative_to(tmp_path / "objects").as_posix(), sha256=sealed, step=CAPTURE
    )
    await desk.refused(opening, "CONSENT_MISSING")
    await sweep(desk)
    assert not lying(tmp_path)
    ended = (await desk.ask(talent, "GetUpload", upload_id=upload.id)).upload
    assert (ended.state, ended.fault.reason) == (FAILED, "CONSENT_MISSING")
    held = (await desk.ask(talent, "GetCaptureSet", capture_set_id=set_id)).capture_set
    assert not held.photos


async def test_erasing_her_leaves_nothing_of_what_was_on_its_way(
    desk: Any, opened: Any, taken: Any, alba: Any, tmp_path: Path
) -> None:
    talent, _, set_id = opened
    await sent_in(
        desk, talent, await created(desk, talent, set_id, taken), taken["content"], 40_000
    )
    upload = await created(desk, talent, set_id, alba[4])
    await sent(desk, talent, upload, alba[4]["content"][:30_000])
    before = len(await desk.app.vault.find(talent.id, CAPTURES))
    assert before == 3  # a photo, the vector of its face, the part
    erased = await desk.erased(talent)
    assert not await desk.app.vault.find(talent.id, CAPTURES)
    assert (await rows(desk, "uploads"), await rows(desk, "upload_parts")) == (0, 0)
    certificate = erased.certificate.statement.decode()
    assert f'"capture_objects":{before}' in certificate
    await desk.refused(
        sent(desk, talent, upload, alba[4]["content"][30_000:], 30_000), "UPLOAD_NOT_FOUND"
    )
    assert not await desk.app.vault.find(talent.id, CAPTURES)


async def test_what_expired_was_removed_or_came_too_late_is_swept(
    desk: Any, opened: Any, alba: Any, tmp_path: Path
) -> None:
    talent, _, set_id = opened
    stale, removed, kept = [await created(desk, talent, set_id, one) for one in alba[4:7]]
    for upload, one in zip((stale, removed, kept), alba[4:7], strict=True):
        await sent(desk, talent, upload, one["content"][:30_000])
    orphan = next(path for path in lying(tmp_path) if stale.id in str(path)).parent / "left behind"
    orphan.write_bytes(b"of a process that was killed")
    for _ in range(2):
        gone = (await desk.ask(talent, "RemoveUpload", upload_id=removed.id)).upload
        assert (gone.state, gone.fault.reason) == (FAILED, "UPLOAD_REMOVED")
    assert len(lying(tmp_path)) == 3
    late = "UPDATE uploads SET expires_at = now() - interval '1 second' WHERE id = :id"
    async with desk.app.db.begin() as tx:
        await tx.execute(text(late), {"id": stale.id})
    await sweep(desk)
    (left,) = lying(tmp_path)
    assert kept.id in str(left)
    ended = (await desk.ask(talent, "GetUpload", upload_id=stale.id)).upload
    assert (ended.state, ended.fault.reason) == (FAILED, "UPLOAD_EXPIRED")
    async with desk.app.db.begin() as tx:
        await tx.execute(text(late), {"id": stale.id})
    await sweep(desk)
    forgotten = desk.ask(talent, "GetUpload", upload_id=stale.id)
    await desk.refused(forgotten, "UPLOAD_NOT_FOUND", NotFound)
    assert await rows(desk, "uploads") == 2


async def test_a_set_that_was_closed_takes_nothing_more(
    desk: Any, opened: Any, alba: Any, tmp_path: Path
) -> None:
    talent, _, set_id = opened
    upload = await created(desk, talent, set_id, alba[4])
    await sent(desk, talent, upload, alba[4]["content"][:30_000])
    async with desk.app.db.begin() as tx:
        await tx.execute(text("UPDATE capture_sets SET state = 'ready'"))
    rest = sent(desk, talent, upload, alba[4]["content"][30_000:], 30_000)
    await desk.refused(rest, "CAPTURE_SET_CLOSED", FailedPrecondition)
    await sweep(desk)
    assert not lying(tmp_path)
    ended = (await desk.ask(talent, "GetUpload", upload_id=upload.id)).upload
    assert ended.fault.reason == "CAPTURE_SET_CLOSED"


async def test_so_much_and_no_more_may_be_on_its_way(desk: Any, opened: Any, taken: Any) -> None:
    talent, _, set_id = opened
    most = 12 * 2**20
    for number in range(2**30 // most):
        await created(desk, talent, set_id, taken, length=most, sha256=f"{number:064x}")
    one_more = created(desk, talent, set_id, taken, length=most)
    error = await desk.refused(one_more, "UPLOAD_QUOTA_SPENT", ResourceExhausted)
    assert error.metadata["filename"] == taken["filename"]
    crew = await desk.party("crew")
    hers = (await desk.ask(crew, "OpenCaptureSet", talent_id=talent.id)).capture_set.id
    assert (await created(desk, crew, hers, taken, length=most)).state == OPEN
