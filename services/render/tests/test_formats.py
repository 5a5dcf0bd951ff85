"""Formats of a released picture: files of their own, one picture to the license."""

import io
from typing import Any

import pytest
from kit import rpc
from kit.errors import NotFound
from PIL import Image
from render.domain.formats import FORMATS
from sosia.render.v1 import render_pb2, softbinding_pb2, verify_pb2

CLEAN, DRAFT = render_pb2.PICTURE_KIND_CLEAN, render_pb2.PICTURE_KIND_DRAFT


async def formats_of(stage: Any, who: Any, render: Any) -> list[Any]:
    return list((await stage.ask(who, "ListFormats", render_id=render.id)).formats)


async def fetched(stage: Any, who: Any, render: Any, format: str) -> bytes:
    answer = await stage.ask(who, "GetPicture", render_id=render.id, kind=CLEAN, format=format)
    content: bytes = answer.content
    return content


async def test_a_released_picture_is_to_be_had_in_every_format(stage: Any) -> None:
    released = await stage.released()
    found = await formats_of(stage, stage.brand, released)
    assert [one.format for one in found] == list(FORMATS)
    hashes = {released.picture_sha256}
    for one in found:
        content = await fetched(stage, stage.brand, released, one.format)
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.size == (one.width, one.height)
        across, down = FORMATS[one.format]
        assert abs(one.width * down - one.height * across) < max(across, down)
        hashes.add(one.sha256)
        said = (await stage.ask("public", "VerifyPicture", content=content)).verification
        assert said.verdict == verify_pb2.VERDICT_VERIFIED
        assert said.render_id == released.id
    assert len(hashes) == 1 + len(FORMATS)


async def test_a_format_counts_as_the_same_picture(stage: Any) -> None:
    released = await stage.released()
    for name in FORMATS:
        await fetched(stage, stage.brand, released, name)
    license = await stage.license_ask(stage.brand, "GetLicense", license_id=stage.license.id)
    assert license.license.images_used == 1


async def test_nobody_gets_a_format_before_the_release_or_but_the_brand(stage: Any) -> None:
    approved = await stage.approved()
    assert await formats_of(stage, stage.brand, approved) == []
    call = fetched(stage, stage.brand, approved, "4x5")
    await stage.identity.refused(call, "RENDER_NOT_FOUND", NotFound)
    released = await stage.released()
    other = await stage.identity.party("brand")
    near = [stage.director, stage.identity.alba, stage.identity.agency, stage.identity.staff]
    for person in (*near, other):
        call = fetched(stage, person, released, "4x5")
        await stage.identity.refused(call, "RENDER_NOT_FOUND", NotFound)
    call = formats_of(stage, other, released)
    await stage.identity.refused(call, "RENDER_NOT_FOUND", NotFound)


async def test_a_format_ends_with_the_license(stage: Any) -> None:
    released = await stage.released()
    alba, license_id = stage.identity.alba, stage.license.id
    signature = alba.sign(f"revoke:{license_id}".encode())
    await stage.license_ask(alba, "RevokeLicense", license_id=license_id, signature=signature)
    for name in ("", "4x5"):
        await stage.refused(fetched(stage, stage.brand, released, name), "LICENSE_NOT_ACTIVE")


@pytest.mark.parametrize("name", ["3x4", "4:5", "whole"])
async def test_an_unknown_format_is_refused(stage: Any, name: str) -> None:
    released = await stage.released()
    error = await stage.refused(fetched(stage, stage.brand, released, name), "FIELD_INVALID")
    assert error.metadata["field"] == "format"


async def test_a_draft_has_no_formats(stage: Any) -> None:
    released = await stage.released()
    asked = {"render_id": released.id, "kind": DRAFT, "format": "4x5"}
    await stage.refused(stage.ask(stage.brand, "GetPicture", **asked), "FIELD_INVALID")


async def test_a_formats_manifest_is_given_back_by_its_own_number(stage: Any) -> None:
    released = await stage.released()
    content = await fetched(stage, stage.brand, released, "9x16")
    with Image.open(io.BytesIO(content)) as picture:
        stripped = io.BytesIO()
        picture.convert("RGB").save(stripped, "JPEG", quality=92)
    found = await by_content(stage, stripped.getvalue())
    (match,) = found.matches
    whole = await stage.picture(stage.brand, released, CLEAN)
    (of_whole,) = (await by_content(stage, whole)).matches
    assert match.manifest_id != of_whole.manifest_id


async def by_content(stage: Any, content: bytes) -> Any:
    with stage.identity.as_("public"):
        request = softbinding_pb2.FindByContentRequest(content=content)
        return await rpc.call(stage.stub.FindByContent, request)
