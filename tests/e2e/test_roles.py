"""Who sees which page of campaigns, briefs, approvals and licenses; what is empty; what is bad."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from .conftest import Stage
from .test_public import key_of, sign_in

Open = Callable[[str], "Visit"]
TODAY = datetime.now(UTC).date()


class Visit:
    """Somebody's browser without scripts."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.origin = {"Origin": str(client.base_url).rstrip("/")}

    def look(self, path: str, *, status: int = 200) -> str:
        """Read a page."""
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)

    def send(self, path: str, *, at: str = "", status: int = 303, **values: str) -> str:
        """Fill in the form that is sent to a path, on the page `at`, its own without; return what
        is shown then."""
        page = self.client.get(at or path).text
        form = next(one for one in re.findall(r"<form.*?</form>", page, re.S) if path in one)
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
        answer = self.client.post(path, data=dict(hidden) | values, headers=self.origin)
        assert answer.status_code == status, answer.text
        if status == 303:
            return str(answer.headers["location"])
        return html.unescape(answer.text)


@pytest.fixture
def as_(stage: Stage) -> Iterator[Open]:
    """Open a browser as somebody: a role of the crew, "brand", "rival", "talent", "agency"."""
    clients = []
    cast = stage.told.cast
    people = {
        **cast.crew,
        "brand": cast.brands[0],
        "rival": cast.brands[1],
        "talent": cast.talent.party,
        "agency": cast.agency,
    }

    def visit(who: str) -> Visit:
        client = httpx.Client(base_url=stage.house.url, timeout=60)
        clients.append(client)
        if who in people:
            sign_in(client, key_of(people[who]))
        elif who != "nobody":
            sign_in(client, newcomer(stage, who))
        return Visit(client)

    yield visit
    for client in clients:
        client.close()


def newcomer(stage: Stage, kind: str) -> str:
    """Return the key of a new party of a kind, "new brand"."""
    kind = f"PARTY_KIND_{kind.removeprefix('new ').upper()}"
    body = {"kind": kind, "name": "New", "public_name": "New", "synthetic": True}
    party = stage.staff.post("/v1/parties", body)["party"]["id"]
    return str(stage.staff.post(f"/v1/parties/{party}/api-keys")["api_key"])


@pytest.fixture
def campaign(stage: Stage) -> Any:
    """A campaign of the brand, with a brief."""
    return stage.told.cast.brands[0].api.get("/v1/campaigns")["campaigns"][-1]


@pytest.fixture
def brief(stage: Stage, campaign: Any) -> Any:
    """A brief of it."""
    path = f"/v1/campaigns/{campaign['id']}/briefs"
    return stage.told.cast.brands[0].api.get(path)["briefs"][0]


def test_nobody_in_particular_sees_none_of_it(as_: Open, campaign: Any, brief: Any) -> None:
    nobody = as_("nobody")
    paths = ("/campaigns", "/campaigns/new", f"/campaigns/{campaign['id']}", "/licenses")
    for path in (*paths, f"/briefs/{brief['id']}", "/licenses/ask", "/approvals"):
        page = nobody.look(path, status=401)
        assert campaign["name"] not in page


def test_those_who_take_part_see_a_campaign_and_makers_may_write(
    as_: Open, campaign: Any, brief: Any
) -> None:
    for who in ("brand", "talent", "creative_director"):
        visit = as_(who)
        assert campaign["name"] in visit.look("/campaigns")
        page = visit.look(f"/campaigns/{campaign['id']}")
        assert ("Write a brief" in page) == (who != "talent")
        shown = visit.look(f"/briefs/{brief['id']}")
        assert ("Add a picture" in shown) == (who != "talent")
        path = f"/campaigns/{campaign['id']}/briefs/new"
        assert visit.client.get(path).status_code == (403 if who == "talent" else 200)


def test_a_rival_and_strangers_find_nothing(as_: Open, campaign: Any, brief: Any) -> None:
    for who in ("rival", "new brand", "new crew"):
        visit = as_(who)
        assert campaign["name"] not in visit.look("/campaigns")
        for path in (f"/campaigns/{campaign['id']}", f"/briefs/{brief['id']}"):
            visit.look(path, status=404)
        visit.look(f"/campaigns/{campaign['id']}/briefs/new", status=404)
        visit.look(f"/licenses/{campaign['license_id']}", status=404)
        visit.look(f"/licenses/{campaign['license_id']}/directors", status=404)


def test_pages_say_so_where_there_is_nothing_yet(as_: Open) -> None:
    brand, crew = as_("new brand"), as_("new crew")
    assert "None yet. A campaign begins with a license." in brand.look("/campaigns")
    assert "you have none that is live" in brand.look("/campaigns/new")
    assert "Ask a talent; she decides." in brand.look("/licenses")
    assert "No brand has appointed you under one yet." in crew.look("/campaigns/new")
    assert "You represent nobody now." in as_("new agency").look("/licenses")


def test_who_has_no_part_in_it_is_refused(as_: Open, campaign: Any) -> None:
    talent = as_("talent")
    talent.look("/campaigns/new", status=403)
    talent.look("/licenses/ask", status=403)
    talent.look(f"/licenses/{campaign['license_id']}/directors", status=403)
    answer = talent.client.post(
        "/campaigns/new", data={"once": "x", "name": "Hers"}, headers=talent.origin
    )
    assert answer.status_code == 403
    foreign = {"Origin": "https://elsewhere.example"}
    brand = as_("brand")
    for path in ("/campaigns/new", f"/campaigns/{campaign['id']}/briefs/new"):
        answer = brand.client.post(path, data={"once": "x", "name": "A"}, headers=foreign)
        assert answer.status_code == 403
        assert "FORM_FOREIGN" in answer.text


def test_a_bad_campaign_is_answered_beside_its_field(as_: Open, stage: Any, campaign: Any) -> None:
    brand, crew = as_("brand"), stage.told.cast.crew
    good = {
        "name": "Spring",
        "license_id": campaign["license_id"],
        "director_id": crew["creative_director"].id,
    }
    twice = {"credit_0_party": crew["stylist"].id, "credit_0_role": "stylist"}
    twice |= {"credit_1_party": crew["stylist"].id, "credit_1_role": "stylist"}
    for changed, name, rule in (
        ({"name": " "}, "name", "Name must not be empty."),
        ({"name": "x" * 121}, "name", "must have at most 120 characters"),
        ({"director_id": ""}, "director_id", "must be the id of a party"),
        ({"director_id": stage.told.cast.talent.id}, "director_id", "of kind crew"),
        ({"first_day": "soon"}, "first_day", "must be a day"),
        ({"last_day": "2020-01-01", "first_day": TODAY.isoformat()}, "last_day", "must be after"),
        ({"first_day": "2020-01-01", "last_day": "2020-02-01"}, "first_day", "license's term"),
        (twice, "credit_1_party", "must not repeat"),
    ):
        page = brand.send("/campaigns/new", status=400, **(good | changed))
        assert "FIELD_INVALID" in page
        beside = re.findall(rf'id="wrong-{name}">([^<]*)<', page)
        assert len(beside) == 1, name
        assert rule in beside[0]
        assert f'aria-describedby="wrong-{name}"' in page
        assert 'value="Spring"' in page or "name" in changed  # nothing is lost
    other = brand.send("/campaigns/new", status=404, **(good | {"license_id": "lic_" + "0" * 26}))
    assert "LICENSE_NOT_FOUND" in other


def test_a_bad_brief_is_answered_beside_its_field(as_: Open, stage: Any, campaign: Any) -> None:
    director = as_("creative_director")
    path = f"/campaigns/{campaign['id']}/briefs/new"
    good = {
        "twin_version_id": stage.told.twin["id"],
        "product_0_name": "Frost coat",
        "product_0_garment": "coat",
        "product_0_colour": "white",
        "shot_0_framing": "face",
        "shot_0_view": "front",
        "shot_0_pose": "standing",
        "shot_0_lighting": "studio soft",
        "shot_0_count": "2",
    }
    for changed, name, rule in (
        ({"product_0_name": ""}, "product_0_name", "Name must not be empty."),
        ({"product_0_garment": "coat, naked"}, "product_0_garment", "must"),
        ({"product_0_pattern": "x" * 61}, "product_0_pattern", "must have at most 60"),
        ({"shot_0_view": "above"}, "shot_0_view", "must be one of"),
        ({"shot_0_lighting": "tobacco"}, "shot_0_lighting", "must not name tobacco"),
        ({"shot_0_count": "nine"}, "shot_0_count", "must be a whole number"),
        ({"shot_0_count": "9"}, "shot_0_count", "must be from 1 to 8"),
        ({"deadline": (TODAY - timedelta(days=2)).isoformat()}, "deadline", "must be to come"),
        ({"deadline": "2099-01-01"}, "deadline", "must be before the campaign ends"),
        ({"twin_version_id": "mine"}, "twin_version_id", "must be the id of a twin"),
    ):
        page = director.send(path, status=400, **(good | changed))
        beside = re.findall(rf'id="wrong-{name}">([^<]*)<', page)
        assert len(beside) == 1, (name, page)
        assert rule in beside[0]
        assert 'value="coat' in page
    more = director.send(path, status=200, more="shots", **good)
    assert 'name="shot_1_pose"' in more
    assert 'value="Frost coat"' in more
    there = director.send(path, **good)
    found = stage.told.cast.brands[0].api.get(f"/v1{there}")["brief"]
    assert len(found["shots"]) == 2
    assert len({one["seed"] for one in found["shots"]}) == 2


def test_a_form_of_a_campaign_sent_twice_opens_one(as_: Open, stage: Any, campaign: Any) -> None:
    brand = as_("brand")
    page = brand.look("/campaigns/new")
    fields = {"once": re.findall(r'name="once" value="([^"]+)"', page)[0], "name": "Once"}
    fields |= {"license_id": campaign["license_id"]}
    fields |= {"director_id": stage.told.cast.crew["creative_director"].id}
    sent = [
        brand.client.post("/campaigns/new", data=fields, headers=brand.origin) for _ in range(2)
    ]
    assert len({one.headers["location"] for one in sent}) == 1


def test_the_talents_queue_is_hers_and_her_agency_only_looks(as_: Open, stage: Any) -> None:
    hers = as_("talent").look("/approvals")
    assert "Your word so far" in hers
    path = f"/approvals?talent_id={stage.told.cast.talent.id}"
    agencys = as_("agency").look(path)
    assert "Your word so far" in agencys
    assert "data-statement" not in agencys  # an agency's key never signs for her
    assert as_("rival").client.get(path).status_code == 403
    assert as_("brand").client.get("/approvals").status_code == 400  # whose, it must say


def test_a_license_is_renewed_at_a_new_price_with_a_new_signature(as_: Open, campaign: Any) -> None:
    brand, talent = as_("brand"), as_("talent")
    before = f"/licenses/{campaign['license_id']}"
    assert "Ask to renew it" in brand.look(before)
    assert "Ask to renew it" not in talent.look(before)
    ask = f"/licenses/ask?renews={campaign['license_id']}"
    page = brand.look(ask)
    assert "Renew a license" in page
    form = dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', page))
    picked = {
        name: re.findall(rf'<select name="{name}".*?value="([^"]*)" selected', page, re.S)[0]
        for name in ("talent_id", "media_0", "territory_0")
    }
    fields = {**form, **picked, "approval_required": "on"}
    answer = brand.client.post("/licenses/ask", data=fields, headers=brand.origin)
    assert answer.status_code == 200, answer.text
    assert "It costs" in answer.text
    last = answer.text.split('action="/licenses/propose"')[1]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', last.split("</form>")[0]))
    made = brand.client.post("/licenses/propose", data=fields, headers=brand.origin)
    where = made.headers["location"]
    shown = talent.look(where)
    assert "Renews an earlier license." in shown
    assert f'href="{before}"' in shown
    assert "Sign for EUR" in shown
    agency = as_("agency")
    listed = agency.look("/licenses")
    assert "Whose licenses?" in listed
    hers = re.findall(r'href="(/licenses\?talent_id=\w+)"', listed)[0]
    assert where in agency.look(hers)
    assert "Answer with another offer" in agency.look(where)
    assert "data-statement" not in agency.look(where)


def test_brand_and_director_credit_somebody_later_and_nobody_else(
    as_: Open, campaign: Any, stage: Stage
) -> None:
    path = f"/campaigns/{campaign['id']}"
    key = newcomer(stage, "new crew")
    newest = stage.staff.as_(key).get("/v1/parties?kind=PARTY_KIND_CREW&page.page_size=200")
    late = newest["parties"][-1]["id"]
    brand = as_("brand")
    send = partial(brand.send, f"{path}/credits", at=path)
    wrong = send(status=400, role="stylist", party_id="pty_x")
    assert "Not yet: one field is not right." in wrong
    assert send(role="retoucher", party_id=late) == f"{path}#crew"
    page = as_("creative_director").look(path)
    assert "<dt>Retoucher</dt><dd>New</dd>" in page
    assert "Credit somebody else" in page
    for who in ("talent", "agency"):
        assert "Credit somebody else" not in as_(who).look(path), who
