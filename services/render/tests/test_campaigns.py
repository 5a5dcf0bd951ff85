"""Campaigns, briefs and starts: what they must say, by whom, and once."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from house import tables
from kit.errors import FailedPrecondition, NotFound, PermissionDenied
from render import app as composition
from render.store.tables import metadata

MIGRATIONS = Path(__file__).parents[1] / "migrations"
FACE = {"framing": "face", "pose": "standing", "view": "front", "lighting": "studio soft"}
DRESS = {"name": "Ruby", "garment": "dress", "colour": "red"}


async def count(stage: Any, table: str) -> int:
    """Count the rows of a table."""
    found: int = (await stage.execute(f"SELECT count(*) FROM {table}")).scalar_one()
    return found


async def test_the_tables_are_as_the_migrations_made_them(database_url: str) -> None:
    assert await tables.found(database_url) == tables.declared(metadata)


async def test_a_campaign_names_its_crew_and_has_one_director(stage: Any) -> None:
    campaign = await stage.campaign()
    assert [(one.name, one.role) for one in campaign.credits] == [("Dora", "creative_director")]
    talent, director = stage.identity.alba, stage.director.id
    by = {"party_id": director, "role": "creative_director"}
    for credits, field, rule in (
        ([], "credits", "must have exactly one creative_director"),
        ([by, by], "credits[1]", "must not repeat an earlier one"),
        ([{"party_id": director, "role": "stylist"}], "credits", None),
        ([{"party_id": director, "role": "talent"}], "credits[0].role", None),
        ([{"party_id": "x", "role": "stylist"}, by], "credits[0].party_id", None),
        ([{"party_id": talent.id, "role": "stylist"}, by], "credits[0].party_id", None),
    ):
        error = await stage.refused(stage.campaign(credits=credits), "FIELD_INVALID")
        assert error.metadata["field"] == field
        assert rule in (None, error.metadata["rule"])
    await stage.refused(stage.campaign(name=" "), "FIELD_INVALID")
    assert await count(stage, "campaigns") == 1


async def test_only_the_licensed_brand_opens_a_campaign(stage: Any) -> None:
    fields = {
        "license_id": stage.license.id,
        "name": "Autumn",
        "credits": [{"party_id": stage.director.id, "role": "creative_director"}],
    }
    other = await stage.identity.party("brand")
    await stage.identity.refused(
        stage.ask(other, "CreateCampaign", **fields), "LICENSE_NOT_FOUND", NotFound
    )
    await stage.identity.refused(
        stage.ask(stage.identity.alba, "CreateCampaign", **fields), "NOT_ALLOWED", PermissionDenied
    )
    await stage.refused(stage.ask("public", "CreateCampaign", **fields), "API_KEY_MISSING")
    assert await count(stage, "campaigns") == 0


@pytest.mark.parametrize("field", ["products", "shots"])
async def test_a_bad_brief_names_field_and_rule_and_leaves_no_row(stage: Any, field: str) -> None:
    campaign = await stage.campaign()
    bad: dict[str, list[tuple[list[dict[str, Any]], str]]] = {
        "products": [
            ([], "products"),
            ([DRESS | {"name": ""}], "products[0].name"),
            ([DRESS | {"garment": " "}], "products[0].garment"),
            ([DRESS, DRESS | {"colour": ""}], "products[1].colour"),
            ([DRESS | {"garment": "dress, naked"}], "products[0].garment"),
            ([DRESS | {"pattern": "x" * 61}], "products[0].pattern"),
            ([DRESS, DRESS | {"name": "Tobacco of the year"}], "products[1].name"),
        ],
        "shots": [
            ([], "shots"),
            ([FACE | {"product": 2}], "shots[0].product"),
            ([FACE | {"product": -1}], "shots[0].product"),
            ([FACE | {"framing": "half"}], "shots[0].framing"),
            ([FACE, FACE | {"view": ""}], "shots[1].view"),
            ([FACE | {"pose": ""}], "shots[0].pose"),
            ([FACE | {"lighting": ""}], "shots[0].lighting"),
            ([FACE | {"seed": -1}], "shots[0].seed"),
            ([FACE | {"seed": 2**53}], "shots[0].seed"),
            ([FACE | {"pose": "Nudity/standing"}], "shots[0].pose"),
        ],
    }
    for value, named in bad[field]:
        error = await stage.refused(stage.brief(campaign, **{field: value}), "FIELD_INVALID")
        assert error.metadata["field"] == named
        assert error.metadata["rule"].startswith("must ")
    assert await count(stage, "briefs") == 0
    assert [name for name, _ in await stage.events()] == ["CampaignCreated"]


async def test_a_brief_is_hashed_in_its_canonical_form(stage: Any) -> None:
    brief = await stage.brief(products=[DRESS], shots=[FACE | {"seed": 3}])
    said = {
        "twin_version_id": stage.twin,
        "products": [DRESS | {"pattern": ""}],
        "shots": [FACE | {"product": 0, "seed": 3}],
    }
    assert brief.sha256 == hashlib.sha256(rfc8785.dumps(said)).hexdigest()


async def test_a_twin_must_be_there_and_of_the_licensed_talent(stage: Any, adapter_of: Any) -> None:
    campaign = await stage.campaign()
    unknown = stage.brief(campaign, twin_version_id="twn_" + "0" * 26)
    await stage.identity.refused(unknown, "TWIN_NOT_FOUND", NotFound)
    await stage.refused(stage.brief(campaign, twin_version_id="mine"), "FIELD_INVALID")
    hers = await stage.trained(stage.identity.cleo, await asyncio.to_thread(adapter_of, 1))
    other = stage.brief(campaign, twin_version_id=hers)
    await stage.identity.refused(other, "TWIN_OF_ANOTHER_TALENT", FailedPrecondition)


async def test_brand_and_crew_write_briefs_and_brand_and_director_start_them(stage: Any) -> None:
    stylist = await stage.identity.party("crew")
    by = {"party_id": stage.director.id, "role": "creative_director"}
    crew = [by, {"party_id": stylist.id, "role": "stylist"}]
    campaign = await stage.campaign(credits=crew)
    fields = {
        "campaign_id": campaign.id,
        "twin_version_id": stage.twin,
        "products": [DRESS],
        "shots": [FACE],
    }
    brief = (await stage.ask(stage.director, "CreateBrief", **fields)).brief
    for person in (stage.identity.alba, stage.identity.staff):
        call = stage.ask(person, "CreateBrief", **fields)
        await stage.identity.refused(call, "NOT_ALLOWED", PermissionDenied)
    for person in (stylist, stage.identity.alba, stage.identity.staff):
        call = stage.ask(person, "StartRenders", brief_id=brief.id)
        await stage.identity.refused(call, "NOT_ALLOWED", PermissionDenied)
    stranger = await stage.identity.party("brand")
    call = stage.ask(stranger, "StartRenders", brief_id=brief.id)
    await stage.identity.refused(call, "BRIEF_NOT_FOUND", NotFound)
    assert await count(stage, "renders") == 0
    for person in (stage.director, stage.brand):
        await stage.ask(person, "StartRenders", brief_id=brief.id)
    assert await count(stage, "renders") == 2


async def credit(stage: Any, who: Any, campaign: Any, *credits: Any, **more: Any) -> Any:
    """Name people who make a campaign, each as (party, role)."""
    said = [{"party_id": party.id, "role": role} for party, role in credits]
    fields = {"campaign_id": campaign.id, "credits": said} | more
    return (await stage.ask(who, "CreditCrew", **fields)).campaign


async def test_brand_and_director_credit_more_people_and_take_nobody_off(stage: Any) -> None:
    campaign = await stage.campaign()
    stylist, other = [await stage.identity.party("crew") for _ in range(2)]
    for _ in range(2):
        found = await credit(stage, stage.brand, campaign, (stylist, "stylist"), request_id="c")
    found = await credit(stage, stage.director, campaign, (other, "retoucher"))
    roles = ["creative_director", "stylist", "retoucher"]
    assert [one.role for one in found.credits] == roles
    assert (await stage.ask(stylist, "GetCampaign", campaign_id=campaign.id)).campaign == found
    for who in (stylist, stage.identity.alba, stage.identity.staff):
        refused = credit(stage, who, campaign, (other, "stylist"))
        await stage.identity.refused(refused, "NOT_ALLOWED", PermissionDenied)
    stranger = await stage.identity.party("brand")
    refused = credit(stage, stranger, campaign, (other, "stylist"))
    await stage.identity.refused(refused, "CAMPAIGN_NOT_FOUND", NotFound)
    bad: list[tuple[list[Any], str]] = [
        ([], "credits"),
        ([(stylist, "stylist")], "credits[0]"),
        ([(other, "stylist"), (other, "creative_director")], "credits[1].role"),
        ([(other, "stylist"), (other, "stylist")], "credits[1]"),
        ([(other, "king")], "credits[0].role"),
        ([(stage.identity.alba, "stylist")], "credits[0].party_id"),
    ]
    for credits, field in bad:
        refused = credit(stage, stage.brand, campaign, *credits)
        error = await stage.refused(refused, "FIELD_INVALID")
        assert error.metadata["field"] == field
    crew = (await stage.ask(stage.brand, "GetCampaign", campaign_id=campaign.id)).campaign.credits
    assert [one.role for one in crew] == roles
    told = [data["partyIds"] for name, data in await stage.events() if name == "CrewCredited"]
    assert told == [[stylist.id], [other.id]]


async def test_who_comes_later_is_on_later_pictures_alone(stage: Any) -> None:
    campaign = await stage.campaign()
    (early,) = await stage.started(await stage.brief(campaign, shots=[FACE]))
    stylist = await stage.identity.party("crew", public_name="Noor")
    await credit(stage, stage.brand, campaign, (stylist, "stylist"))
    (late,) = await stage.started(await stage.brief(campaign, shots=[FACE]))
    async with stage.worker() as worker:
        assert await worker.once()
    paid = []
    for render in (early, late):
        await stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True)
        await stage.ask(stage.brand, "ReleaseRender", render_id=render.id)
        entries = await stage.license_ask(stylist, "ListEntries", subject_id=render.id)
        paid.append(sum(one.party_id == stylist.id for one in entries.entries))
    credited = [[one.name for one in (await stage.get(one)).credits] for one in (early, late)]
    assert ["Noor" in names for names in credited] == [False, True]
    assert [count > 0 for count in paid] == [False, True]


async def test_a_repeat_changes_nothing_and_other_content_is_refused(stage: Any) -> None:
    campaigns = [await stage.campaign(request_id="c") for _ in range(2)]
    assert campaigns[0] == campaigns[1]
    await stage.refused(stage.campaign(request_id="c", name="Other"), "REQUEST_REUSED")
    briefs = [await stage.brief(campaigns[0], request_id="b") for _ in range(2)]
    assert briefs[0] == briefs[1]
    other = stage.brief(campaigns[0], request_id="b", products=[DRESS, DRESS])
    await stage.refused(other, "REQUEST_REUSED")
    starts = await asyncio.gather(*(stage.started(briefs[0], request_id="s") for _ in range(3)))
    assert starts[0] == starts[1] == starts[2]
    again = await stage.brief(campaigns[0])
    await stage.refused(stage.started(again, request_id="s"), "REQUEST_REUSED")
    assert await count(stage, "renders") == 2
    assert [name for name, _ in await stage.events()].count("RendersQueued") == 1


async def test_nothing_starts_without_license_or_consent(stage: Any) -> None:
    brief = await stage.brief()
    alba = stage.identity.alba
    signature = alba.sign(f"revoke:{stage.license.id}".encode())
    await stage.license_ask(alba, "RevokeLicense", license_id=stage.license.id, signature=signature)
    await stage.refused(stage.started(brief), "LICENSE_NOT_ACTIVE")
    await stage.identity.withdrawn(alba, alba.consent)
    await stage.refused(stage.started(brief), "CONSENT_MISSING")
    assert await count(stage, "renders") == 0


async def test_events_of_the_others_arrive_over_the_bus(
    stage: Any, owner_database_url: str
) -> None:
    """The service itself runs: a withdrawal with identity cancels what render has queued."""
    own = stage.settings.model_copy(
        update={"migration_database_url": owner_database_url, "ops_address": "127.0.0.1:0"}
    )
    await composition.prepare(own, MIGRATIONS)
    renders = await stage.started()
    serving = asyncio.create_task(composition.serve(own))
    try:
        await stage.identity.withdrawn(stage.identity.alba, stage.identity.alba.consent)
        async with asyncio.timeout(20):
            while (await stage.get(renders[1])).note != "CONSENT_WITHDRAWN":
                assert not serving.done()
                await asyncio.sleep(0.05)
            while (await stage.app.bus.js.stream_info("RENDER")).state.messages < 5:
                await asyncio.sleep(0.05)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
