"""Capture sets: what photos must be, where they lie, who may bring them."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from house.talents import PHOTOS
from identity.domain.captures import Facts, PhotoUnreadable
from identity.settings import Settings
from kit.errors import FailedPrecondition, InvalidArgument, NotFound
from PIL import Image, ImageFilter
from sosia.identity.v1 import capture_pb2, consent_pb2
from sqlalchemy import text


async def opened(desk: Any, **fields: Any) -> tuple[Any, str]:
    """Return a talent with a consent, and a capture set of hers."""
    talent = await desk.party("talent")
    await desk.consented(talent)
    answer = await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id, **fields)
    return talent, answer.capture_set.id


def picture(content: bytes) -> Image.Image:
    """Decode a photo."""
    return Image.open(io.BytesIO(content)).convert("RGB")


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Encode a photo."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("name", ["alba", "cleo"])
async def test_every_sample_photo_passes_and_the_set_is_ready(
    desk: Any, name: str, request: pytest.FixtureRequest
) -> None:
    taken = request.getfixturevalue(name)
    talent, set_id = await opened(desk)
    for one in taken:
        photo = await desk.photo(talent, set_id, one)
        assert (photo.width, photo.height) == (512, 640)
    answer = await desk.ask(talent, "CloseCaptureSet", capture_set_id=set_id)
    assert answer.capture_set.state == capture_pb2.CAPTURE_STATE_READY
    assert [photo.filename for photo in answer.capture_set.photos] == [
        one["filename"] for one in taken
    ]
    late = desk.photo(talent, set_id, taken[0])
    await desk.refused(late, "CAPTURE_SET_CLOSED", FailedPrecondition)


async def test_a_photo_is_stored_sealed_and_without_metadata(
    desk: Any, alba: list[dict[str, Any]], tmp_path: Path
) -> None:
    talent, set_id = await opened(desk)
    exif = Image.Exif()
    exif[0x010F] = "CANARY-CAMERA"
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825)[1] = "N"
    lying = picture(alba[3]["content"]).transpose(Image.Transpose.ROTATE_90)
    content = encoded(lying, quality=95, exif=exif, comment=b"CANARY-COMMENT")
    photo = await desk.photo(talent, set_id, alba[3] | {"content": content})
    assert (photo.width, photo.height, photo.faces) == (512, 640, 1)
    assert photo.object_key == f"captures/{talent.id}/{set_id}/{photo.id}.jpg"
    stored = (tmp_path / "objects" / photo.object_key).read_bytes()
    assert stored.startswith(b"SOSIA1\n")
    assert b"\xff\xd8\xff" not in stored[:400]
    jpeg = await desk.app.vault.get(
        photo.object_key, sha256=photo.sha256, step=consent_pb2.STEP_TRAINING
    )
    kept = Image.open(io.BytesIO(jpeg))
    assert kept.format == "JPEG"
    assert not kept.getexif()
    assert b"CANARY" not in jpeg
    difference = np.asarray(kept.convert("RGB"), int) - np.asarray(picture(alba[3]["content"]))
    assert np.abs(difference).mean() < 3


def broken(alba: list[dict[str, Any]]) -> list[tuple[str, bytes, str]]:
    """Return photos that must be refused, and why."""
    content = alba[3]["content"]
    good = picture(content)
    noise = np.random.default_rng(1).integers(0, 255, (640, 512, 3), dtype=np.uint8)
    pair = Image.new("RGB", (1024, 640))
    pair.paste(good, (0, 0))
    pair.paste(good, (512, 0))
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    large = encoded(Image.new("1", (8_000, 6_251)), "PNG")
    return [
        ("nothing", b"", "PHOTO_UNREADABLE"),
        ("text", b"<script>alert(1)</script>", "PHOTO_UNREADABLE"),
        ("cut short", content[: len(content) // 2], "PHOTO_UNREADABLE"),
        ("only a head", content[:20], "PHOTO_UNREADABLE"),
        ("a gif", encoded(good, "GIF"), "PHOTO_UNREADABLE"),
        ("a tiff", encoded(good, "TIFF"), "PHOTO_UNREADABLE"),
        ("an svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "PHOTO_UNREADABLE"),
        ("a bomb", bomb, "PHOTO_TOO_LARGE"),
        ("too many pixels", large, "PHOTO_TOO_LARGE"),
        ("too many bytes", content + bytes(12 * 2**20), "PHOTO_TOO_LARGE"),
        ("small", encoded(good.resize((204, 255))), "PHOTO_TOO_SMALL"),
        ("blurred", encoded(good.filter(ImageFilter.GaussianBlur(3))), "PHOTO_BLURRED"),
        ("empty", encoded(Image.new("RGB", (512, 640), "grey")), "PHOTO_BLURRED"),
        ("two people", encoded(pair), "PHOTO_OF_SEVERAL"),
        ("nobody", encoded(Image.fromarray(noise)), "PHOTO_WITHOUT_FACE"),
    ]


async def test_a_bad_photo_is_refused_by_its_fault_and_the_rest_is_kept(
    desk: Any, alba: list[dict[str, Any]], tmp_path: Path
) -> None:
    talent, set_id = await opened(desk)
    await desk.photo(talent, set_id, alba[3])
    for name, content, reason in broken(alba):
        adding = desk.photo(talent, set_id, alba[3] | {"filename": name, "content": content})
        await desk.refused(adding, reason, InvalidArgument)
    kept = (await desk.ask(talent, "GetCaptureSet", capture_set_id=set_id)).capture_set
    assert len(kept.photos) == 1
    assert len(list((tmp_path / "objects").rglob("*.jpg"))) == 1


async def test_png_and_webp_are_taken(desk: Any, alba: list[dict[str, Any]]) -> None:
    talent, set_id = await opened(desk)
    for index, kind in ((2, "PNG"), (9, "WEBP")):
        content = encoded(picture(alba[index]["content"]), kind)
        assert await desk.photo(talent, set_id, alba[index] | {"content": content})


async def test_a_duplicate_is_refused_and_its_file_deleted(
    desk: Any, alba: list[dict[str, Any]], tmp_path: Path
) -> None:
    talent, set_id = await opened(desk)
    first = await desk.photo(talent, set_id, alba[3])
    original = picture(alba[3]["content"])
    half = original.resize((320, 400))
    for content in (alba[3]["content"], encoded(original, quality=50), encoded(half)):
        adding = desk.photo(talent, set_id, alba[3] | {"content": content})
        error = await desk.refused(adding, "PHOTO_DUPLICATE")
        assert error.metadata["photoId"] == first.id
    assert len(list((tmp_path / "objects").rglob("*.jpg"))) == 1


async def test_a_repeat_answers_as_before(
    desk: Any, alba: list[dict[str, Any]], tmp_path: Path
) -> None:
    talent, set_id = await opened(desk)
    racing = (desk.photo(talent, set_id, alba[3], request_id="p1") for _ in range(4))
    answers = await asyncio.gather(*racing)
    assert len({answer.id for answer in answers}) == 1
    assert len(list((tmp_path / "objects").rglob("*.jpg"))) == 1
    other = desk.photo(talent, set_id, alba[4], request_id="p1")
    await desk.refused(other, "REQUEST_REUSED")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"framing": "portrait"}, "facts.framing"),
        ({"yaw": float("nan")}, "facts.yaw"),
        ({"yaw": 361.0}, "facts.yaw"),
        ({"pitch": -91.0}, "facts.pitch"),
        ({"caption": "x" * 501}, "facts.caption"),
    ],
)
async def test_odd_facts_are_refused(
    desk: Any, alba: list[dict[str, Any]], changed: dict[str, Any], field: str
) -> None:
    talent, set_id = await opened(desk)
    adding = desk.photo(talent, set_id, alba[3] | {"facts": alba[3]["facts"] | changed})
    assert (await desk.refused(adding, "FIELD_INVALID")).metadata["field"] == field


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a\\b.jpg", "a\0.jpg", "x" * 201])
async def test_a_file_name_is_no_path(desk: Any, alba: list[dict[str, Any]], name: str) -> None:
    talent, set_id = await opened(desk)
    adding = desk.photo(talent, set_id, alba[3] | {"filename": name})
    assert (await desk.refused(adding, "FIELD_INVALID")).metadata["field"] == "filename"


async def test_a_few_photos_are_not_enough(desk: Any, alba: list[dict[str, Any]]) -> None:
    talent, set_id = await opened(desk)
    for one in alba[33:] + alba[21:25]:  # enough, but the face from afar only
        await desk.photo(talent, set_id, one)
    closing = desk.ask(talent, "CloseCaptureSet", capture_set_id=set_id)
    error = await desk.refused(closing, "CAPTURE_SET_INSUFFICIENT", FailedPrecondition)
    assert error.metadata["photos"] == error.metadata["usable"] == "11"
    assert error.metadata["next"].startswith("a front view; ")


async def test_without_consent_no_capture(desk: Any, alba: list[dict[str, Any]]) -> None:
    talent = await desk.party("talent")
    opening = desk.ask(talent, "OpenCaptureSet", talent_id=talent.id)
    await desk.refused(opening, "CONSENT_MISSING", FailedPrecondition)
    consent = await desk.consented(talent)
    answer = await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id)
    await desk.withdrawn(talent, consent)
    adding = desk.photo(talent, answer.capture_set.id, alba[3])
    await desk.refused(adding, "CONSENT_MISSING", FailedPrecondition)


async def test_strangers_do_not_know_of_a_set(desk: Any, alba: list[dict[str, Any]]) -> None:
    crew, brand = await desk.party("crew"), await desk.party("brand")
    _, set_id = await opened(desk, credits=[{"party_id": crew.id, "role": "photographer"}])
    assert await desk.photo(crew, set_id, alba[3])
    for who in (brand, await desk.party("crew"), await desk.party("talent"), "public"):
        asking = desk.ask(who, "GetCaptureSet", capture_set_id=set_id)
        await desk.refused(asking, "CAPTURE_SET_NOT_FOUND", NotFound)
        adding = desk.photo(who, set_id, alba[4])
        await desk.refused(adding, "CAPTURE_SET_NOT_FOUND", NotFound)


async def test_the_crew_is_credited_once_by_its_public_name(
    desk: Any, alba: list[dict[str, Any]]
) -> None:
    crew = [await desk.party("crew", public_name=f"Crew {number}") for number in range(2)]
    roles = [(crew[1], "stylist"), (crew[0], "photographer"), (crew[0], "retoucher")]
    credits = [{"party_id": one.id, "role": role, "name": "forged"} for one, role in roles]
    marks = [{"name": "birthmark", "site": "upper lip right", "radius_mm": 5.6}]
    talent, set_id = await opened(desk, credits=credits, marks=marks)
    assert not (await desk.ask("service", "ListCredits", talent_id=talent.id)).credits
    for number in PHOTOS:
        await desk.photo(talent, set_id, alba[number])
    closed = await desk.ask(talent, "CloseCaptureSet", capture_set_id=set_id)
    assert closed.capture_set.marks[0].radius_mm == 5.6
    found = (await desk.ask("service", "ListCredits", talent_id=talent.id)).credits
    assert [(one.name, one.role) for one in found] == [
        ("Crew 0", "photographer"),
        ("Crew 1", "stylist"),
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"credits": [{"party_id": "pty_x", "role": "stylist"}]}, "credits[0].party_id"),
        ({"credits": [{"party_id": "pty_x", "role": "boss"}]}, "credits[0].role"),
        ({"marks": [{"name": "", "site": "x", "radius_mm": 1}]}, "marks[0].name"),
        ({"marks": [{"name": "x", "site": "x", "radius_mm": 0}]}, "marks[0].radius_mm"),
    ],
)
async def test_odd_marks_and_credits_are_refused(
    desk: Any, fields: dict[str, Any], field: str
) -> None:
    error = await desk.refused(opened(desk, **fields), "FIELD_INVALID")
    assert error.metadata["field"] == field


async def test_random_bytes_never_crash_the_decoder(desk: Any, alba: list[dict[str, Any]]) -> None:
    rng = np.random.default_rng(7)
    look = desk.app.services.intake._photographs.look
    facts = Facts(**(alba[3]["facts"]))
    for _ in range(60):
        content = bytearray(alba[3]["content"])
        for place in rng.integers(0, len(content), 40):
            content[place] = rng.integers(0, 256)
        try:
            assert (await look(bytes(content[: rng.integers(1, len(content))]), facts)).jpeg
        except (PhotoUnreadable, InvalidArgument) as error:
            assert error.reason.startswith("PHOTO_")


async def test_the_vector_of_a_face_is_in_no_database_and_lies_sealed(
    desk: Any, alba: list[dict[str, Any]], tmp_path: Path
) -> None:
    talent, set_id = await opened(desk)
    photo = await desk.photo(talent, set_id, alba[3])
    async with desk.app.db.begin() as tx:
        row = (await tx.execute(text("SELECT to_jsonb(photos) FROM photos"))).scalar_one()
    assert len(json.dumps(row)) < 1800
    assert row["face_key"] == f"captures/{talent.id}/{set_id}/{photo.id}.face"
    assert (tmp_path / "objects" / row["face_key"]).read_bytes().startswith(b"SOSIA1\n")
    packed = await desk.app.vault.get(
        row["face_key"], sha256=row["face_sha256"], step=consent_pb2.STEP_CAPTURE
    )
    assert np.linalg.norm(np.frombuffer(packed, "<f4")) == pytest.approx(1.3, abs=0.3)


def test_settings_hide_their_secrets(settings: Settings) -> None:
    assert "postgresql" not in repr(settings)
