"""Moodboards: who puts pictures on, what is kept of them, how many, and what leaves again."""

import asyncio
import io
import json
from typing import Any

import c2pa  # type: ignore[import-untyped]
import pytest
from kit.errors import InvalidArgument, NotFound, PermissionDenied, ResourceExhausted
from kit.objects import Objects
from PIL import Image
from render.domain.moodboards import MOST_REFERENCES
from sosia.render.v1 import render_pb2
from sqlalchemy.exc import DBAPIError
from vault import PICTURES

FACTS = {"title": "Pier, 1962", "credit": "A. Photographer", "rights": "Our own archive."}


def drawn(size: tuple[int, int] = (640, 480), form: str = "JPEG", **saved: Any) -> bytes:
    """Return a picture file."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(out, form, **saved)
    return out.getvalue()


async def added(stage: Any, brief: Any, person: Any = None, **changed: Any) -> Any:
    """Put a picture on a moodboard."""
    fields = {"brief_id": brief.id, "content": drawn(), "facts": FACTS} | changed
    return (await stage.ask(person or stage.brand, "AddReference", **fields)).reference


async def on_board(stage: Any, brief: Any) -> list[str]:
    """Return the titles on a moodboard."""
    found = await stage.ask(stage.brand, "ListReferences", brief_id=brief.id)
    return [one.title for one in found.references]


async def references(stage: Any, brief: Any) -> list[Any]:
    """Return what is on a moodboard."""
    return list((await stage.ask(stage.brand, "ListReferences", brief_id=brief.id)).references)


async def stored(stage: Any) -> list[str]:
    """Return the keys of reference pictures in the store: all sealed for the campaign's talent."""
    assert await Objects(stage.identity.objects_url).find("references") == []
    return await stage.vault.find(f"{stage.identity.alba.id}/references", PICTURES)


async def test_a_picture_is_written_anew_and_keeps_what_is_said_of_it(stage: Any) -> None:
    brief = await stage.brief()
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    large = drawn((5000, 2500), "JPEG", exif=exif, comment=b"secret place")
    kept = await added(stage, brief, stage.director, content=large, request_id="a")
    assert (kept.title, kept.credit, kept.rights) == tuple(FACTS.values())
    assert (kept.width, kept.height) == (2048, 1024)
    assert kept.added_by == stage.director.id
    picture = await stage.ask(stage.brand, "GetReferencePicture", reference_id=kept.id)
    assert picture.sha256 == kept.sha256
    assert b"secret" not in picture.content
    with Image.open(io.BytesIO(picture.content)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (2048, 1024))
        assert not opened.getexif()
    again = await added(stage, brief, stage.director, content=large, request_id="a")
    assert again == kept
    assert len(await stored(stage)) == 1
    assert [name for name, _ in await stage.events()].count("ReferenceAdded") == 1


async def test_what_is_no_picture_or_lacks_a_word_leaves_nothing(stage: Any) -> None:
    brief = await stage.brief()
    for changed, reason in (
        ({"content": b"GIF89a"}, "PHOTO_UNREADABLE"),
        ({"content": drawn()[:900]}, "PHOTO_UNREADABLE"),
        ({"content": drawn((9000, 6000), "PNG")}, "PHOTO_TOO_LARGE"),
        ({"facts": FACTS | {"title": " "}}, "FIELD_INVALID"),
        ({"facts": FACTS | {"credit": ""}}, "FIELD_INVALID"),
        ({"facts": FACTS | {"rights": ""}}, "FIELD_INVALID"),
    ):
        await stage.refused(added(stage, brief, **changed), reason)
    assert await on_board(stage, brief) == []
    assert await stored(stage) == []


async def test_brand_and_crew_fill_it_others_look_and_strangers_see_nothing(stage: Any) -> None:
    brief = await stage.brief()
    kept = await added(stage, brief)
    stranger = await stage.identity.party("brand")
    for person in (stage.identity.alba, stage.identity.staff):
        await stage.ask(person, "GetReferencePicture", reference_id=kept.id)
        await stage.identity.refused(added(stage, brief, person), "NOT_ALLOWED", PermissionDenied)
        call = stage.ask(person, "RemoveReference", reference_id=kept.id)
        await stage.identity.refused(call, "NOT_ALLOWED", PermissionDenied)
    for method in ("GetReferencePicture", "RemoveReference"):
        call = stage.ask(stranger, method, reference_id=kept.id)
        await stage.identity.refused(call, "REFERENCE_NOT_FOUND", NotFound)
    for call in (
        added(stage, brief, stranger),
        stage.ask(stranger, "ListReferences", brief_id=brief.id),
    ):
        await stage.identity.refused(call, "BRIEF_NOT_FOUND", NotFound)
    assert len(await stored(stage)) == 1


async def test_a_moodboard_is_full_at_some_point_however_many_come_at_once(stage: Any) -> None:
    brief = await stage.brief()
    small = drawn((64, 64))
    for number in range(MOST_REFERENCES - 1):
        await added(stage, brief, content=small, facts=FACTS | {"title": str(number)})
    calls = [added(stage, brief, content=small) for _ in range(3)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in results if isinstance(one, ResourceExhausted)]
    assert [one.reason for one in refused] == ["MOODBOARD_FULL"] * 2
    assert len(await on_board(stage, brief)) == len(await stored(stage)) == MOST_REFERENCES


async def test_a_picture_taken_off_is_deleted_and_stays_noted(stage: Any) -> None:
    brief = await stage.brief()
    kept = await added(stage, brief)
    for _ in range(2):
        await stage.ask(stage.director, "RemoveReference", reference_id=kept.id, request_id="r")
    assert await on_board(stage, brief) == []
    assert await stored(stage) == []
    call = stage.ask(stage.brand, "GetReferencePicture", reference_id=kept.id)
    await stage.identity.refused(call, "REFERENCE_NOT_FOUND", NotFound)
    again = stage.ask(stage.brand, "RemoveReference", reference_id=kept.id)
    await stage.identity.refused(again, "REFERENCE_NOT_FOUND", NotFound)
    rows = await stage.execute("SELECT title, removed_by FROM brief_references, reference_removals")
    assert [tuple(row) for row in rows] == [("Pier, 1962", stage.director.id)]
    with pytest.raises(DBAPIError, match="only grows"):
        await stage.execute("DELETE FROM reference_removals")
    assert [name for name, _ in await stage.events()][-1] == "ReferenceRemoved"


async def test_campaigns_and_briefs_are_listed_to_those_who_take_part(stage: Any) -> None:
    campaign = await stage.campaign()
    brief = await stage.brief(campaign)
    for person in (stage.brand, stage.director, stage.identity.alba, stage.identity.staff):
        listed = await stage.ask(person, "ListCampaigns")
        assert [one.id for one in listed.campaigns] == [campaign.id]
        found = await stage.ask(person, "ListBriefs", campaign_id=campaign.id)
        assert [one.id for one in found.briefs] == [brief.id]
    hers = await stage.ask(stage.identity.agency, "ListCampaigns", talent_id=stage.identity.alba.id)
    assert [one.id for one in hers.campaigns] == [campaign.id]
    await stage.refused(stage.ask(stage.identity.agency, "ListCampaigns"), "FIELD_INVALID")
    for kind in ("brand", "crew", "agency"):
        stranger = await stage.identity.party(kind)
        listed = await stage.ask(stranger, "ListCampaigns", talent_id=stage.identity.alba.id)
        assert list(listed.campaigns) == []
        call = stage.ask(stranger, "ListBriefs", campaign_id=campaign.id)
        await stage.identity.refused(call, "CAMPAIGN_NOT_FOUND", NotFound)


def ingredients(content: bytes) -> tuple[str, list[tuple[str, str, str]]]:
    """Return what kind of source a picture's manifest states, and what it was made from."""
    store = json.loads(c2pa.Reader("image/jpeg", io.BytesIO(content)).json())
    manifest = store["manifests"][store["active_manifest"]]
    (actions,) = [a for a in manifest["assertions"] if a["label"] == "c2pa.actions.v2"]
    kind = actions["data"]["actions"][0]["digitalSourceType"].rpartition("/")[2]
    fields = ("title", "relationship", "instance_id")
    return kind, [tuple(one[field] for field in fields) for one in manifest["ingredients"]]


async def test_photos_of_a_product_are_ingredients_of_its_pictures(stage: Any) -> None:
    """By hash, as they lie in the store; what shows another product, or was taken off, is not."""
    brief = await stage.brief()
    await added(stage, brief)
    taken_off = await added(stage, brief, facts=FACTS | {"title": "Old", "product": 0})
    await stage.ask(stage.brand, "RemoveReference", reference_id=taken_off.id)
    kept = await added(stage, brief, facts=FACTS | {"title": "Ruby, front", "product": 0})
    assert kept.product == 0
    assert kept.HasField("product")
    told = [one.HasField("product") for one in await references(stage, brief)]
    assert told == [False, True]
    renders = await stage.started(brief)
    async with stage.worker() as worker:
        assert await worker.once()
    found = []
    for render in renders:
        await stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True)
        await stage.ask(stage.brand, "ReleaseRender", render_id=render.id)
        content = await stage.picture(stage.brand, render, render_pb2.PICTURE_KIND_CLEAN)
        found.append(ingredients(content))
    (dress, of_dress), (jacket, of_jacket) = found
    photo = ("Ruby, front", "inputTo", f"urn:sha256:{kept.sha256}")
    assert dress == "compositeWithTrainedAlgorithmicMedia"
    assert jacket == "trainedAlgorithmicMedia"
    assert [one for one in of_dress if one not in of_jacket] == [photo]
    assert [title for title, _, _ in of_jacket] == [t for t, _, _ in of_dress if t != photo[0]]


@pytest.mark.parametrize("product", [-1, 2])
async def test_a_photo_of_a_product_the_brief_has_not_is_refused(stage: Any, product: int) -> None:
    brief = await stage.brief()
    with pytest.raises(InvalidArgument) as told:
        await added(stage, brief, facts=FACTS | {"product": product})
    assert "facts.product" in str(told.value)
    assert await stored(stage) == []
