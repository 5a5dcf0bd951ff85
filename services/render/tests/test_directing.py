"""Directors a brand appointed, when campaigns run, and what briefs are for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kit.errors import NotFound, PermissionDenied
from sqlalchemy.exc import DBAPIError

FACE = {"framing": "face", "pose": "standing", "view": "front", "lighting": "studio soft"}
PROHIBITED = ["nudity", "tobacco"]
NOW = datetime.now(UTC).replace(microsecond=0)


async def opened(stage: Any, person: Any, **changed: Any) -> Any:
    """Open a campaign, with this person as its director."""
    fields = {
        "license_id": stage.license.id,
        "name": "Autumn",
        "credits": [{"party_id": person.id, "role": "creative_director"}],
    }
    return (await stage.ask(person, "CreateCampaign", **(fields | changed))).campaign


async def test_a_director_opens_campaigns_once_the_brand_appointed_her(stage: Any) -> None:
    who = {"license_id": stage.license.id, "director_id": stage.director.id}
    refused = opened(stage, stage.director)
    await stage.identity.refused(refused, "LICENSE_NOT_FOUND", NotFound)
    for _ in range(2):
        answer = await stage.ask(stage.brand, "AppointDirector", **who)
    assert answer.appointment.purpose == "Autumn in the shop."
    for person in (stage.brand, stage.director):
        (one,) = (await stage.ask(person, "ListAppointments")).appointments
        assert (one.license_id, one.director_id, one.live) == (*who.values(), True)
    campaign = await opened(stage, stage.director)
    assert (campaign.brand_id, campaign.talent_id) == (stage.brand.id, stage.identity.alba.id)
    other = await stage.identity.party("crew")
    by = [{"party_id": other.id, "role": "creative_director"}]
    error = await stage.refused(opened(stage, stage.director, credits=by), "FIELD_INVALID")
    assert error.metadata["field"] == "credits"
    there = await stage.ask(stage.director, "ListBriefChoices", campaign_id=campaign.id)
    (twin,) = there.twins
    assert (list(there.media), list(there.prohibited_contexts)) == (["ecommerce"], PROHIBITED)
    assert there.latest_deadline == stage.license.ends_at
    assert (twin.id, twin.usable) == (stage.twin, True)
    brief = await stage.ask(
        stage.director,
        "CreateBrief",
        campaign_id=campaign.id,
        twin_version_id=twin.id,
        products=[{"name": "Ruby", "garment": "dress", "colour": "red"}],
        shots=[FACE],
    )
    assert brief.brief.campaign_id == campaign.id
    await stage.ask(stage.brand, "DismissDirector", **who)
    await stage.identity.refused(opened(stage, stage.director), "LICENSE_NOT_FOUND", NotFound)
    assert not (await stage.ask(stage.director, "ListAppointments")).appointments
    await stage.ask(stage.director, "GetCampaign", campaign_id=campaign.id)  # it goes on
    names = [name for name, _ in await stage.events()]
    assert [names.count(f"Director{one}") for one in ("Appointed", "Dismissed")] == [1, 1]


async def test_only_the_licensed_brand_appoints_and_only_crew(stage: Any) -> None:
    who = {"license_id": stage.license.id, "director_id": stage.director.id}
    stranger = await stage.identity.party("brand")
    call = stage.ask(stranger, "AppointDirector", **who)
    await stage.identity.refused(call, "LICENSE_NOT_FOUND", NotFound)
    for person in (stage.identity.alba, stage.identity.staff):
        call = stage.ask(person, "AppointDirector", **who)
        await stage.identity.refused(call, "NOT_ALLOWED", PermissionDenied)
    for director_id in (stage.identity.alba.id, "x", "pty_" + "0" * 26):
        call = stage.ask(stage.brand, "AppointDirector", **(who | {"director_id": director_id}))
        error = await stage.refused(call, "FIELD_INVALID")
        assert error.metadata["field"] == "director_id"
    await stage.ask(stage.brand, "AppointDirector", **who)
    for person in (stranger, stage.identity.alba, await stage.identity.party("crew")):
        assert not (await stage.ask(person, "ListAppointments")).appointments
    with pytest.raises(DBAPIError, match="only grows"):
        await stage.execute("UPDATE appointments SET stands = false")


async def test_a_campaign_runs_within_its_license(stage: Any) -> None:
    ends = stage.license.ends_at.ToDatetime(tzinfo=UTC)
    for dates, named in (
        ({"starts_at": NOW}, "ends_at"),
        ({"ends_at": NOW}, "starts_at"),
        ({"starts_at": NOW, "ends_at": NOW}, "ends_at"),
        ({"starts_at": NOW - timedelta(days=9), "ends_at": NOW}, "starts_at"),
        ({"starts_at": NOW, "ends_at": ends + timedelta(seconds=1)}, "ends_at"),
    ):
        error = await stage.refused(stage.campaign(**dates), "FIELD_INVALID")
        assert error.metadata["field"] == named
    campaign = await stage.campaign(starts_at=NOW, ends_at=ends)
    assert campaign.ends_at == stage.license.ends_at
    assert not (await stage.campaign()).HasField("starts_at")


async def test_a_brief_says_what_it_is_for_and_by_when(stage: Any) -> None:
    campaign = await stage.campaign(starts_at=NOW, ends_at=NOW + timedelta(days=9))
    for changed, named in (
        ({"deadline": NOW - timedelta(hours=1)}, "deadline"),
        ({"deadline": NOW + timedelta(days=10)}, "deadline"),
        ({"media": ["ecommerce", "billboard"]}, "media[1]"),
        ({"formats": ["3x2"]}, "formats[0]"),
    ):
        error = await stage.refused(stage.brief(campaign, **changed), "FIELD_INVALID")
        assert error.metadata["field"] == named
    plain = await stage.brief(campaign)
    said = {"deadline": NOW + timedelta(days=2), "media": ["ecommerce"], "formats": ["9x16", "1x1"]}
    brief = await stage.brief(campaign, **said)
    assert list(brief.formats) == ["1x1", "9x16"]
    assert list(brief.media) == ["ecommerce"]
    assert brief.deadline.ToDatetime(tzinfo=UTC) == said["deadline"]
    assert brief.sha256 == plain.sha256  # what is made is the same


async def test_only_the_formats_a_brief_wants_are_made(stage: Any) -> None:
    render = await stage.released(formats=["4x5"])
    found = await stage.ask(stage.brand, "ListFormats", render_id=render.id)
    assert [one.format for one in found.formats] == ["4x5"]
