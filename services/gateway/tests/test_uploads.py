"""Files in parts, as tus 1.0.0: what every client may count on, and what is refused."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
from house.people import photos

TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Sender:
    """Somebody who uploads to one set, by key or on a page."""

    def __init__(self, web: Any, headers: dict[str, str], path: str, prefix: str = "/v1") -> None:
        self.web, self.headers, self.path, self.prefix = web, headers, path, prefix

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", TUS)}
        answer = await self.web.client.request(method, path, headers=headers, **more)
        assert answer.headers["tus-resumable"] == "1.0.0"
        return answer

    async def create(self, photo: dict[str, Any], **changed: Any) -> httpx.Response:
        content = changed.pop("content", photo["content"])
        said = {
            "filename": photo["filename"],
            "filetype": "image/jpeg",
            "sha256": hashlib.sha256(content).hexdigest(),
            "facts": json.dumps(photo["facts"]),
            **changed,
        }
        metadata = ",".join(f"{key} {to_base64(text.encode())}" for key, text in said.items())
        headers = {**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": metadata}
        return await self.ask("POST", f"{self.prefix}{self.path}/uploads", headers=headers)

    async def send(self, place: str, offset: int, part: Any, **headers: str) -> httpx.Response:
        headers = {**PART, "Upload-Offset": str(offset), **headers}
        return await self.ask("PATCH", place, headers=headers, content=part)


@pytest.fixture
async def sender(web: Any) -> Sender:
    """A talent with a set of hers."""
    talent = await web.desk.party("talent", public_name="Alba")
    await web.desk.consented(talent)
    key = await web.key_of(talent)
    made = await web.post("/v1/capture-sets", {"talent_id": talent.id}, key)
    path = f"/capture-sets/{made.json()['capture_set']['id']}"
    return Sender(web, {"Authorization": f"Bearer {key}"}, path)


@pytest.fixture
def photo() -> dict[str, Any]:
    """A frontal close-up."""
    return photos("alba")[3]


async def test_a_client_of_the_protocol_gets_along(sender: Sender, photo: dict[str, Any]) -> None:
    content = photo["content"]
    for path in (f"/v1{sender.path}/uploads", "/v1/uploads/upl_x"):
        about = await sender.ask("OPTIONS", path, headers={})
        assert (about.status_code, about.headers["tus-version"]) == (204, "1.0.0")
        assert about.headers["tus-max-size"] == str(12 * 2**20)
        assert "termination" in about.headers["tus-extension"]
    made = await sender.create(photo)
    assert (made.status_code, made.headers["upload-offset"]) == (201, "0")
    place = made.headers["location"]
    assert made.json()["upload"]["state"] == "UPLOAD_STATE_OPEN"
    first = await sender.send(place, 0, content[:30_000])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "30000")
    assert first.headers["upload-expires"].endswith("GMT")
    told = await sender.ask("HEAD", place)
    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["upload-offset"] == "30000"
    assert told.headers["upload-length"] == str(len(content))
    assert told.headers["cache-control"] == "no-store"
    assert f"filename {to_base64(photo['filename'].encode())}" in told.headers["upload-metadata"]
    sha1 = f"sha1 {to_base64(hashlib.sha1(content[30_000:40_000]).digest())}"
    second = await sender.send(place, 30_000, content[30_000:40_000], **{"Upload-Checksum": sha1})
    assert second.headers["upload-offset"] == "40000"
    rest = {**PART, "Upload-Offset": "40000", "X-HTTP-Method-Override": "PATCH"}
    last = await sender.ask("POST", place, headers=rest, content=content[40_000:])
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(content)))
    key = sender.headers["Authorization"].removeprefix("Bearer ")
    held = (await sender.web.get(f"/v1{sender.path}", key)).json()["capture_set"]["photos"]
    assert [one["id"] for one in held] == [last.headers["sosia-photo"]]
    again = await sender.send(place, len(content), b"more")
    assert (again.status_code, again.json()["reason"]) == (409, "UPLOAD_ENDED")


async def test_what_breaks_the_protocol_is_refused_by_its_name(
    sender: Sender, photo: dict[str, Any]
) -> None:
    place = (await sender.create(photo)).headers["location"]
    for headers in ({}, {"Tus-Resumable": "0.2.2"}):
        for method, path in (("POST", f"/v1{sender.path}/uploads"), ("PATCH", place)):
            old = await sender.ask(method, path, headers=headers)
            assert (old.status_code, old.headers["tus-version"]) == (412, "1.0.0")
    other = await sender.send(place, 0, b"x", **{"Content-Type": "image/jpeg"})
    assert (other.status_code, other.json()["reason"]) == (415, "CONTENT_TYPE_UNSUPPORTED")
    for offset in ("", "-1", "1.5", "٣", "9" * 30):
        headers = {**PART, "Upload-Offset": offset.encode()}
        lost = await sender.ask("PATCH", place, headers=headers, content=b"x")
        assert (lost.status_code, lost.json()["field"]) == (400, "Upload-Offset")
    wrong = await sender.send(place, 7, b"x")
    assert (wrong.status_code, wrong.json()["offset"]) == (409, "0")
    sha256 = to_base64(hashlib.sha256(b"other bytes").digest())
    bent = await sender.send(place, 0, b"x", **{"Upload-Checksum": f"sha256 {sha256}"})
    assert (bent.status_code, bent.json()["reason"]) == (460, "UPLOAD_CHECKSUM_WRONG")
    for strange in (f"md5 {sha256}", "sha256 not Base64"):
        answer = await sender.send(place, 0, b"x", **{"Upload-Checksum": strange})
        assert (answer.status_code, answer.json()["field"]) == (400, "Upload-Checksum")
    over = await sender.send(place, 0, photo["content"] + b"more")
    assert (over.status_code, over.json()["reason"]) == (413, "UPLOAD_TOO_LONG")
    assert (await sender.ask("HEAD", place)).headers["upload-offset"] == "0"
    for method in ("GET", "PUT"):
        assert (
            await sender.ask("POST", place, headers={**TUS, "X-HTTP-Method-Override": method})
        ).status_code == 405


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"facts": "{"}, "facts"),
        ({"facts": '{"yaw": "left"}'}, "facts.yaw"),
        ({"facts": '{"framing": "close"}'}, "facts.framing"),
        ({"kind": "clip"}, "kind"),
        ({"kind": "sound"}, "kind"),
        ({"sha256": "x"}, "sha256"),
        ({"filename": ""}, "filename"),
    ],
)
async def test_metadata_are_held_to_their_rules(
    sender: Sender, photo: dict[str, Any], changed: dict[str, str], field: str
) -> None:
    answer = await sender.create(photo, **changed)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_file_larger_than_any_photo_is_not_begun(
    sender: Sender, photo: dict[str, Any]
) -> None:
    answer = await sender.create(photo, content=bytes(12 * 2**20 + 1))
    assert (answer.status_code, answer.json()["reason"]) == (413, "UPLOAD_TOO_LONG")
    assert (answer.json()["field"], answer.json()["filename"]) == (
        "Upload-Length",
        photo["filename"],
    )
    for length in ("", "none"):
        headers = {**TUS, "Upload-Length": length}
        lost = await sender.ask("POST", f"/v1{sender.path}/uploads", headers=headers)
        assert (lost.status_code, lost.json()["field"]) == (400, "Upload-Length")


async def test_a_small_file_comes_with_its_creation_and_a_broken_one_is_named(
    sender: Sender, photo: dict[str, Any]
) -> None:
    cut = photo["content"][:20_000]
    said = {"filename": "cut.jpg", "sha256": hashlib.sha256(cut).hexdigest()}
    said["facts"] = json.dumps(photo["facts"])
    metadata = ",".join(f"{key} {to_base64(text.encode())}" for key, text in said.items())
    headers = {**PART, "Upload-Length": str(len(cut)), "Upload-Metadata": metadata}
    answer = await sender.ask("POST", f"/v1{sender.path}/uploads", headers=headers, content=cut)
    told = answer.json()
    assert (answer.status_code, told["reason"]) == (400, "PHOTO_UNREADABLE")
    assert (told["filename"], told["field"]) == ("cut.jpg", "file")
    assert told["rule"] == "photo is not a whole JPEG, PNG or WebP"


async def test_what_came_before_the_line_broke_is_kept(
    sender: Sender, photo: dict[str, Any]
) -> None:
    content = photo["content"] + bytes(3 * 2**20)
    place = (await sender.create(photo, content=content)).headers["location"]

    async def breaking() -> Any:
        yield content[: 2**20]
        yield content[2**20 : 2**20 + 100_000]
        await asyncio.sleep(0.3)  # so that what was sent is there before the line breaks
        raise ConnectionError("the line broke")

    with pytest.raises((httpx.HTTPError, ConnectionError)):
        await sender.send(place, 0, breaking(), **{"Content-Length": str(len(content))})
    async with asyncio.timeout(20):
        while (told := await sender.ask("HEAD", place)).headers["upload-offset"] != "1148576":
            await asyncio.sleep(0.1)
    assert told.headers["upload-length"] == str(len(content))
    done = await sender.send(place, 1_148_576, content[1_148_576:])
    assert done.status_code == 204, done.text
    assert done.headers["sosia-photo"].startswith("pho_")


async def test_an_upload_given_up_is_gone(sender: Sender, photo: dict[str, Any]) -> None:
    place = (await sender.create(photo)).headers["location"]
    await sender.send(place, 0, photo["content"][:30_000])
    for _ in range(2):
        assert (await sender.ask("DELETE", place)).status_code == 204
    late = await sender.send(place, 30_000, photo["content"][30_000:])
    assert (late.status_code, late.json()["reason"]) == (409, "UPLOAD_ENDED")
    strangers = Sender(sender.web, {}, sender.path)
    assert (await strangers.ask("HEAD", place)).status_code == 404
    assert (await strangers.create(photo)).status_code == 401


async def test_pages_upload_by_their_session_and_no_other_site_does(
    sender: Sender, photo: dict[str, Any]
) -> None:
    web, key = sender.web, sender.headers["Authorization"].removeprefix("Bearer ")
    signed = await web.client.post("/login", data={"api_key": key}, headers={"Origin": web.url})
    assert signed.status_code == 303
    page = Sender(web, {"Origin": web.url}, sender.path, prefix="")
    made = await page.create(photo)
    place = made.headers["location"]
    assert (made.status_code, place.startswith("/uploads/upl_")) == (201, True)
    for headers in ({}, {"Origin": "https://elsewhere.example"}):
        foreign = Sender(web, headers, sender.path, prefix="")
        for answer in (await foreign.create(photo), await foreign.send(place, 0, b"x")):
            assert (answer.status_code, answer.json()["reason"]) == (403, "FORM_FOREIGN")
    by_key = Sender(web, {"Origin": web.url}, sender.path)
    assert (await by_key.create(photo)).status_code == 401  # at the API a session only reads
    assert (await by_key.send(f"/v1{place}", 0, b"x")).status_code == 404
    listed = await web.client.get(f"/v1{sender.path}/uploads")
    assert [one["filename"] for one in listed.json()["uploads"]] == [photo["filename"]]
    assert (await page.ask("HEAD", place)).headers["upload-offset"] == "0"
    web.client.cookies.clear()
    gone = await page.send(place, 0, b"x")
    assert (gone.status_code, gone.json()["reason"]) == (401, "SESSION_MISSING")
