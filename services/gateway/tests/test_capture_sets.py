"""A capture set from the outside: what it lacks by path and on its page, and the way out."""

import json
import re
from typing import Any

import pytest
from house.people import Person, photos
from house.talents import PHOTOS

MARKS = [{"name": "birthmark", "site": "upper lip right", "radius_mm": 5.6}]


async def upload(web: Any, path: str, photo: dict[str, Any], key: str) -> dict[str, Any]:
    """Send a photo and the marks of the map that are seen on it."""
    seen = [mark for mark in photo["marks"] if mark["name"] == "birthmark"]
    facts = json.dumps({**photo["facts"], "marks": seen})
    file = (photo["filename"], photo["content"], "image/jpeg")
    answer = await web.post(
        f"{path}/photos", None, key, files={"file": file}, data={"facts": facts}
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["photo"])


@pytest.fixture
def stranger() -> dict[str, Any]:
    """A photo of somebody else."""
    return photos("cleo")[3] | {"filename": "stranger.jpg", "marks": []}


async def opened(web: Any) -> tuple[Person, str, str]:
    """Return a talent who consented, her key and the path of a set of hers."""
    talent = await web.desk.party("talent", public_name="Alba")
    await web.desk.consented(talent)
    key = await web.key_of(talent)
    body = {"talent_id": talent.id, "marks": MARKS}
    made = await web.post("/v1/capture-sets", body, key)
    return talent, key, f"/v1/capture-sets/{made.json()['capture_set']['id']}"


async def test_a_set_is_refused_with_what_to_do_and_passes_when_that_is_done(
    web: Any, stranger: dict[str, Any]
) -> None:
    _, key, path = await opened(web)
    hers = [one for number, one in enumerate(photos("alba")) if number in PHOTOS]
    for photo in hers:
        kept = await upload(web, path, photo, key)
    assert 0 < kept["luminance"] < 1
    odd = await upload(web, path, stranger, key)

    refused = await web.post(f"{path}/close", {}, key)
    assert refused.status_code == 409, refused.text
    said = refused.json()
    assert said["reason"] == "CAPTURE_SET_INSUFFICIENT"
    assert said["oddOnes"] == f"{odd['id']} stranger.jpg"
    assert said["next"].startswith("the set without stranger.jpg; a ")
    report = (await web.get(f"{path}/report", key)).json()["report"]
    assert (report["sufficient"], report["final"], report["usable"]) == (False, False, 12)
    assert report["holes"][0]["text"] == "1 photo shows another person: stranger.jpg"
    assert [mark["seen"] > 3 for mark in report["marks"]] == [True]
    page = await seen(web, key, path)
    assert "Not enough yet." in page
    assert "another person" in page

    gone = await web.post(f"{path}/photos/{odd['id']}/remove", {}, key, once="out")
    assert len(gone.json()["capture_set"]["photos"]) == 12
    assert (await web.post(f"{path}/photos/{odd['id']}/remove", {}, key, once="out")).is_success
    again = await web.post(f"{path}/photos/{odd['id']}/remove", {}, key)
    assert (again.status_code, again.json()["reason"]) == (404, "PHOTO_NOT_FOUND")
    closed = await web.post(f"{path}/close", {}, key)
    assert closed.json()["capture_set"]["state"] == "CAPTURE_STATE_READY", closed.text
    kept = (await web.get(f"{path}/report", key)).json()["report"]
    assert (kept["sufficient"], kept["final"], len(kept["photos"])) == (True, True, 12)
    late = await web.post(f"{path}/photos/{kept['photos'][0]['photo_id']}/remove", {}, key)
    assert late.json()["reason"] == "CAPTURE_SET_CLOSED"
    page = await seen(web, key, path)
    assert "Judged good enough to train on." in page
    assert re.search(r"seen \d+ times", page)


async def seen(web: Any, key: str, path: str) -> str:
    """Return the page of a set as its talent sees it, once it breaks no policy."""
    signed = await web.client.post("/login", data={"api_key": key}, headers={"Origin": web.url})
    assert signed.status_code == 303
    page = await web.get(path.removeprefix("/v1"), "")
    web.client.cookies.clear()
    assert page.status_code == 200, page.text
    assert "Alba" in page.text
    assert not re.search(r"<script(?! src=)|style=|\son\w+=", page.text)
    assert page.text.count("<figure>") == 7  # four lights, three plots
    assert page.text.count('class="cell') >= 4 * 54
    return str(page.text)


async def test_strangers_see_neither_page_nor_report(web: Any) -> None:
    _, _, path = await opened(web)
    brand = await web.desk.party("brand")
    for key in (await web.key_of(brand), ""):
        refused = await web.get(f"{path}/report", key)
        assert refused.json()["reason"] == "CAPTURE_SET_NOT_FOUND"
    page = await web.get(path.removeprefix("/v1"), "")
    assert page.status_code == 404
    assert "CAPTURE_SET_NOT_FOUND" in page.text
