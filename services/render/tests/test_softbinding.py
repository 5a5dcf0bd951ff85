"""Content Credentials given back to copies that lost them."""

import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import c2pa  # type: ignore[import-untyped]
import httpx
import numpy as np
import pytest
import pytest_asyncio
from house import databases
from kit import rpc
from kit.errors import NotFound
from local.postgres import Postgres
from local.process import free_port
from PIL import Image
from render.pipeline.marking.authority import load_anchors
from sosia.render.v1 import render_pb2, render_service_pb2_grpc, softbinding_pb2

CLEAN = render_pb2.PICTURE_KIND_CLEAN
NUMBER, LOOKS = "sosia.spread.3", "pdq.1"
RESCALED = 0.75


def copied(content: bytes) -> bytes:
    """Return a picture as a network would hand it on: smaller, saved again, bare."""
    picture = Image.open(io.BytesIO(content))
    size = (round(picture.width * RESCALED), round(picture.height * RESCALED))
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=80)
    return out.getvalue()


def carried(jpeg: bytes) -> bytes:
    """Return what the APP11 segments of a JPEG carry, read here and not by c2pa (ISO 19566-5)."""
    store, at = b"", 2
    while jpeg[at + 1] != 0xDA:
        size = int.from_bytes(jpeg[at + 2 : at + 4], "big") + 2
        if jpeg[at + 1] == 0xEB:
            store += jpeg[at + (20 if store else 12) : at + size]  # later ones repeat the box head
        at += size
    return store


def opened(jpeg: bytes, store: bytes | None, secrets: Path) -> Any:
    """Return what c2pa says of a file under a manifest store, or under its own."""
    anchors = load_anchors(secrets / "authority").decode()
    settings = {"verify": {"verify_trust": True}, "trust": {"trust_anchors": anchors}}
    with (
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader("image/jpeg", io.BytesIO(jpeg), store, context=context) as reader,
    ):
        return json.loads(reader.json())


def ask(stage: Any, method: str, **fields: Any) -> Any:
    kind = getattr(softbinding_pb2, f"{method}Request")
    with stage.identity.as_("public"):
        return rpc.call(getattr(stage.stub, method), kind(**fields))


async def ids(stage: Any, method: str, **fields: Any) -> list[str]:
    return [one.manifest_id for one in (await ask(stage, method, **fields)).matches]


def bindings_of(store: Any) -> dict[str, str]:
    """Return the values a manifest asserts, by algorithm."""
    manifest = store["manifests"][store["active_manifest"]]
    said = [one["data"] for one in manifest["assertions"] if "soft-binding" in one["label"]]
    return {one["alg"]: one["blocks"][0]["value"] for one in said}


async def kept_file(stage: Any, render: Any) -> bytes:
    """Return the marked file of a picture, whatever its state."""
    query = "SELECT object_key, object_sha256 FROM pictures WHERE render_id = :id"
    lies = (await stage.execute(query, id=render.id)).one()
    content: bytes = await stage.vault.get(lies.object_key, sha256=lies.object_sha256, step=4)
    return content


async def test_a_copy_that_lost_its_credentials_gets_them_back(stage: Any, secrets: Path) -> None:
    render = await stage.released()
    content = await stage.picture(stage.brand, render, CLEAN)
    whole = opened(content, None, secrets)
    label = whole["active_manifest"]
    assert label.startswith("urn:c2pa:")
    bare = copied(content)
    with pytest.raises(c2pa.C2paError.ManifestNotFound):
        opened(bare, None, secrets)
    for file in (bare, content):
        assert await ids(stage, "FindByContent", content=file) == [label]
    store = (await ask(stage, "GetManifest", manifest_id=label)).content
    assert store == carried(content)
    again = opened(content, store, secrets)
    assert (again["validation_state"], again["active_manifest"]) == ("Trusted", label)
    said = bindings_of(again)
    assert set(said) == {NUMBER, LOOKS}
    for alg, value in said.items():
        found = await ids(stage, "FindByBinding", alg=alg, value=value)
        assert label in found, alg
        assert alg == LOOKS or found == [label]  # a format may look the same, whole as it is


async def test_a_recovered_manifest_holds_for_no_other_picture(stage: Any, secrets: Path) -> None:
    render = await stage.released()
    content = await stage.picture(stage.brand, render, CLEAN)
    (label,) = await ids(stage, "FindByContent", content=content)
    store = (await ask(stage, "GetManifest", manifest_id=label)).content
    assert opened(copied(content), store, secrets)["validation_state"] == "Invalid"


async def test_what_is_not_released_is_not_found_and_not_served(stage: Any, secrets: Path) -> None:
    render = await stage.drafted()
    content = await kept_file(stage, render)
    state = opened(content, None, secrets)
    label, said = state["active_manifest"], bindings_of(state)

    async def nothing_is_told() -> None:
        for file in (content, copied(content)):
            assert await ids(stage, "FindByContent", content=file) == []
        for alg, value in said.items():
            assert await ids(stage, "FindByBinding", alg=alg, value=value) == []
        call = ask(stage, "GetManifest", manifest_id=label)
        await stage.identity.refused(call, "MANIFEST_NOT_FOUND", NotFound)

    await nothing_is_told()
    await stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True)
    await nothing_is_told()
    await stage.ask(stage.brand, "ReleaseRender", render_id=render.id)
    assert (await ask(stage, "GetManifest", manifest_id=label)).content == carried(content)


async def test_strangers_and_forgeries_lead_nowhere(stage: Any) -> None:
    content = await stage.picture(stage.brand, await stage.released(), CLEAN)
    stranger = io.BytesIO()
    small = np.random.default_rng(4).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC).save(stranger, "JPEG")
    bare = stranger.getvalue()
    head, at = b"", 2
    while content[at + 1] in range(0xE0, 0xF0):
        size = int.from_bytes(content[at + 2 : at + 4], "big") + 2
        head += content[at : at + size]
        at += size
    painted = bytearray(content)
    painted[len(painted) * 9 // 10] ^= 1
    for file in (bare, bare[:2] + head + bare[2:], bytes(painted)):
        assert await ids(stage, "FindByContent", content=file) == []


async def test_an_unknown_id_and_an_unknown_value_are_nothing(open_stage: Any) -> None:
    for wrong in ("", "urn:c2pa:f4f547c6-d3ab-43b6-99b5-4fd56b969438", "ren_1", "urn:" + "x" * 999):
        call = ask(open_stage, "GetManifest", manifest_id=wrong)
        await open_stage.identity.refused(call, "MANIFEST_NOT_FOUND", NotFound)
    for alg, length in ((NUMBER, 12), (LOOKS, 32)):
        value = base64.b64encode(b"\xff" * length).decode()
        assert await ids(open_stage, "FindByBinding", alg=alg, value=value) == []


WRONG = (
    ({"alg": "", "value": "AAAAAAAAAAcAAAAA"}, "alg"),
    ({"alg": "com.example.1", "value": "AAAAAAAAAAcAAAAA"}, "alg"),
    ({"alg": NUMBER, "value": ""}, "value"),
    ({"alg": NUMBER, "value": "AAAAAAAAAAcAAAA"}, "value"),
    ({"alg": NUMBER, "value": "é"}, "value"),
    ({"alg": LOOKS, "value": "AAAAAAAAAAcAAAAA"}, "value"),
    ({"alg": NUMBER, "value": "AAAAAAAAAAcAAAAA", "max_results": 0}, "max_results"),
)


async def test_nobody_gets_at_manifests_by_counting(stage: Any, secrets: Path) -> None:
    """Asset numbers follow each other: a value with any other check than ours is nothing."""
    content = await stage.picture(stage.brand, await stage.released(), CLEAN)
    value = base64.b64decode(bindings_of(opened(content, None, secrets))[NUMBER])
    number, check = value[:8], value[8:]
    assert await ids(stage, "FindByBinding", alg=NUMBER, value=base64.b64encode(value)) != []
    for guess in (bytes(4), bytes(reversed(check)), check[:3] + bytes([check[3] ^ 1])):
        guessed = base64.b64encode(number + guess)
        assert await ids(stage, "FindByBinding", alg=NUMBER, value=guessed) == []


async def test_what_is_wrong_with_a_question_is_named(open_stage: Any) -> None:
    for fields, field in WRONG:
        call = ask(open_stage, "FindByBinding", **fields)
        error = await open_stage.refused(call, "FIELD_INVALID")
        assert error.metadata["field"] == field, fields
        assert error.metadata["rule"], fields
    content: dict[str, Any] = {"content": b"no picture"}
    for fields, reason in (
        ({}, "PHOTO_UNREADABLE"),
        ({"alg": "com.example.1"}, "FIELD_INVALID"),
        ({"max_results": -1}, "FIELD_INVALID"),
    ):
        await open_stage.refused(ask(open_stage, "FindByContent", **content, **fields), reason)


async def test_pictures_that_look_the_same_are_all_named_as_many_as_are_wanted(stage: Any) -> None:
    render = await stage.released()
    await stage.execute(TWINS)
    await stage.execute(TWIN_PICTURES)
    await stage.execute(TWIN_MANIFESTS)
    value = base64.b64encode(bytes.fromhex(render.fingerprint)).decode()
    for fields, count in (({"max_results": 2}, 2), ({}, 10), ({"max_results": 99}, 10)):
        found = await ids(stage, "FindByBinding", alg=LOOKS, value=value, **fields)
        assert len(set(found)) == len(found) == count


TWINS = """
    INSERT INTO renders SELECT (jsonb_populate_record(r, jsonb_build_object(
        'id', r.id || n, 'start_id', r.start_id || n, 'asset_number', 1000 + n))).*
    FROM renders r, generate_series(1, 12) n
"""
TWIN_PICTURES = """
    INSERT INTO pictures SELECT (jsonb_populate_record(p, jsonb_build_object(
        'render_id', p.render_id || n, 'object_key', p.object_key || n))).*
    FROM pictures p, generate_series(1, 12) n
"""
TWIN_MANIFESTS = """
    INSERT INTO manifests SELECT render_id || n, id || n, store
    FROM manifests, generate_series(1, 12) n
"""


async def test_an_endpoint_of_our_own_is_named_where_one_is_set(stage: Any) -> None:
    from render import app  # noqa: PLC0415

    content = await stage.picture(stage.brand, await stage.released(), CLEAN)
    (match,) = (await ask(stage, "FindByContent", content=content)).matches
    assert not match.HasField("endpoint")  # the one that was asked
    own = {"soft_binding_endpoint": ENDPOINT, "ops_address": f"127.0.0.1:{free_port()}"}
    async with (
        app.build(stage.settings.model_copy(update=own)) as second,
        rpc.open_channel(f"127.0.0.1:{second.port}") as channel,
    ):
        stub = render_service_pb2_grpc.RenderServiceStub(channel)
        request = softbinding_pb2.FindByContentRequest(content=content)
        with stage.identity.as_("public"):
            (named,) = (await rpc.call(stub.FindByContent, request)).matches
    assert (named.manifest_id, named.endpoint) == (match.manifest_id, ENDPOINT)


ENDPOINT = "https://sosia.example/v1/softbinding"


@pytest_asyncio.fixture
async def web(stage: Any, postgres: Postgres, nats_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The house's gateway before render, and nobody in particular who asks there."""
    from gateway import app  # noqa: PLC0415
    from gateway.settings import Settings  # noqa: PLC0415

    settings = Settings(
        database_url=postgres.url(await databases.create_database(postgres, "gateway")),
        nats_url=nats_url,
        http_address=f"127.0.0.1:{free_port()}",
        ops_address=f"127.0.0.1:{free_port()}",
        identity_address=stage.identity.address,
        training_address=stage.settings.training_address,
        licensing_address=stage.settings.licensing_address,
        render_address=f"127.0.0.1:{stage.app.port}",
    )
    base = f"http://{settings.http_address}/v1/softbinding"
    async with app.build(settings), httpx.AsyncClient(base_url=base, timeout=60) as client:
        yield client


async def test_the_whole_way_over_http_as_the_standard_has_it(
    stage: Any, web: httpx.AsyncClient, secrets: Path
) -> None:
    content = await stage.picture(stage.brand, await stage.released(), CLEAN)
    listed = await web.get("/services/supportedAlgorithms")
    assert listed.json() == {"watermarks": [{"alg": NUMBER}], "fingerprints": [{"alg": LOOKS}]}
    image = {"Content-Type": "image/jpeg"}
    found = await web.post("/matches/byContent", content=copied(content), headers=image)
    assert found.status_code == 200
    ((match,),) = found.json().values()
    assert list(match) == ["manifestId"]
    got = await web.get(f"/manifests/{match['manifestId']}")
    assert (got.status_code, got.headers["content-type"]) == (200, "application/c2pa")
    again = opened(content, got.content, secrets)
    assert again["validation_state"] == "Trusted"
    for alg, value in bindings_of(again).items():
        asked = {"alg": alg, "value": value}
        for answer in (
            await web.get("/matches/byBinding", params={**asked, "maxResults": 1}),
            await web.post("/matches/byBinding", json=asked, params={"maxResults": 1}),
        ):
            assert answer.json() == {"matches": [match]}
    gone = await web.get("/manifests/urn:c2pa:f4f547c6-d3ab-43b6-99b5-4fd56b969438")
    assert (gone.status_code, gone.json()["reason"]) == (404, "MANIFEST_NOT_FOUND")
    junk = await web.post("/matches/byContent", content=b"junk", headers=image)
    assert (junk.status_code, junk.json()["field"]) == (400, "body")
    none = {"alg": NUMBER, "value": "AAAAAAAAAAcAAAAA", "maxResults": 0}
    refused = await web.get("/matches/byBinding", params=none)
    assert (refused.status_code, refused.json()["field"]) == (400, "maxResults")
    whole = {"returnActiveManifest": "true"}
    active = await web.get(f"/manifests/{match['manifestId']}", params=whole)
    assert active.content == got.content
