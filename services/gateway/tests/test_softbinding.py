"""The C2PA's Soft Binding Resolution API as the gateway takes it; render, behind it, is away.

services/render/tests/test_softbinding.py goes the whole way, with real pictures.
"""

from typing import Any

from gateway import openapi

BASE = "/v1/softbinding"
ASKED = {"alg": "sosia.spread.3", "value": "AAAAAAAAAAcAAAAA"}
ID = "urn:c2pa:f4f547c6-d3ab-43b6-99b5-4fd56b969438"
JPEG = {"Content-Type": "image/jpeg"}


async def test_every_path_of_the_standard_leads_to_render(web: Any) -> None:
    content = {"content": b"no picture", "headers": JPEG}
    hints = {"alg": "pdq.1", "maxResults": "3", "hintAlg": "x", "hintValue": "y"}
    for answer in (
        await web.get(f"{BASE}/matches/byBinding", **ASKED, maxResults="3"),
        await web.post(f"{BASE}/matches/byBinding", ASKED, params={"maxResults": "3"}),
        await web.post(f"{BASE}/matches/byContent", params=hints, **content),
        await web.get(f"{BASE}/manifests/{ID}", returnActiveManifest="true"),
        await web.get(f"{BASE}/services/supportedAlgorithms"),
    ):
        assert answer.status_code == 503, answer.url
        assert answer.json()["reason"] == "SERVICE_UNAVAILABLE"


async def test_a_question_needs_no_idempotency_key_and_no_account(web: Any) -> None:
    answer = await web.client.post(f"{BASE}/matches/byBinding", json=ASKED)
    assert answer.status_code == 503


async def test_whoever_has_no_key_shares_the_quota_of_verification(web: Any) -> None:
    file = {"file": ("a.jpg", b"no picture")}
    assert (await web.post("/v1/verify", None, "", files=file)).status_code == 503
    assert (await web.get(f"{BASE}/manifests/{ID}", "")).status_code == 503
    for answer in (
        await web.get(f"{BASE}/matches/byBinding", "", **ASKED),
        await web.post(f"{BASE}/matches/byBinding", ASKED, ""),
        await web.post(f"{BASE}/matches/byContent", None, "", content=b"x", headers=JPEG),
        await web.get(f"{BASE}/manifests/{ID}", ""),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (429, "QUOTA_SPENT"), answer.url
    assert (await web.get(f"{BASE}/services/supportedAlgorithms", "")).status_code == 503


async def test_what_is_wrong_is_called_by_the_standards_names(web: Any) -> None:
    path = f"{BASE}/matches/byBinding"
    for query, field in (
        ({"max_results": "3"}, "max_results"),
        ({"colour": "red"}, "colour"),
        ({"maxResults": "many"}, "maxResults"),
    ):
        refused = await web.get(path, **ASKED, **query)
        assert (refused.status_code, refused.json()["field"]) == (400, field), query
    odd = await web.get(f"{BASE}/manifests/{ID}", returnActiveManifest="perhaps")
    assert (odd.status_code, odd.json()["field"]) == (400, "returnActiveManifest")


async def test_a_picture_is_sent_as_it_is(web: Any) -> None:
    path = f"{BASE}/matches/byContent"
    form = await web.post(path, files={"file": ("a.jpg", b"x", "image/jpeg")})
    assert (form.status_code, form.json()["expected"]) == (415, "image/*")
    sound = await web.post(path, content=b"x", headers={"Content-Type": "audio/wav"})
    assert sound.status_code == 415
    huge = await web.post(path, content=bytes(14 * 2**20), headers=JPEG)
    assert huge.status_code == 413


def test_the_document_has_the_standards_names() -> None:
    paths, schemas = openapi.document()["paths"], openapi.document()["components"]["schemas"]
    assert list(schemas["render.v1.Match"]["properties"]) == ["manifestId", "endpoint"]
    asked = paths[f"{BASE}/matches/byContent"]["post"]
    names = [parameter["name"] for parameter in asked["parameters"]]
    assert names == ["alg", "maxResults", "hintAlg", "hintValue"]
    assert list(asked["requestBody"]["content"]) == ["image/*"]
    store = paths[f"{BASE}/manifests/{{manifest_id}}"]["get"]["responses"]["200"]["content"]
    assert list(store) == ["application/c2pa"]
