"""Licenses on pages: asked for, answered, accepted, signed, each by the side whose turn it is."""

import base64
import html
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway.phrases import MEDIA
from gateway.places import COUNTRIES, REGIONS
from house.passkeys import Passkey, added
from house.people import Person

CARD = {
    "day_rate": {"currency_code": "EUR", "amount_minor": 100_000},
    "media": [{"code": one, "basis_points": 10_000} for one in ("ecommerce", "social")],
    "territories": [{"code": one, "basis_points": 10_000} for one in ("NORDICS", "DE")],
    "terms": [{"code": "365", "basis_points": 20_000}],
    "exclusivity_bp": 5_000,
    "per_image": {"currency_code": "EUR", "amount_minor": 5_000},
    "crew_pool_bp": 1_000,
    "floor": {"currency_code": "EUR", "amount_minor": 150_000},
}


class Visit:
    """Somebody's browser without scripts: pages read, forms filled in and sent."""

    def __init__(self, url: str, client: httpx.AsyncClient, person: Person) -> None:
        self.url, self.client, self.person = url, client, person
        self.sign = person.sign
        self.page = ""

    async def open(self, path: str) -> str:
        """Read a page that is there."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        self.page = answer.text
        return self.page

    async def send(self, action: str, *, status: int = 303, **values: Any) -> httpx.Response:
        """Fill in the form of the page that goes to `action`, signing what it wants signed."""
        form = next(
            one
            for one in re.findall(r"<form.*?</form>", self.page, re.S)
            if re.search(rf'action="[^"]*{action}"', one)
        )
        path = re.findall(r'action="([^"]*)"', form)[0]
        inputs = re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?>', form)
        filled = dict(inputs) | values
        statement = re.findall(r'data-statement="([^"]*)"', form)
        if statement:
            signed = self.sign(base64.b64decode(statement[0]))
            filled.setdefault("signature", "")
            filled["signature"] = filled["signature"] or base64.b64encode(signed).decode()
        answer = await self.client.post(path, data=filled, headers={"Origin": self.url})
        assert answer.status_code == status, answer.text
        if status == 303:
            await self.open(answer.headers["location"])
        else:
            self.page = answer.text
        return answer


@pytest.fixture
async def sides(web: Any) -> Any:
    """A brand and a talent who consented and has a rate card, each on the pages."""
    talent = await web.desk.party("talent", public_name="Alba")
    brand = await web.desk.party("brand", public_name="Maison <Nord>")
    await web.desk.consented(talent)
    card = CARD | {"talent_id": talent.id}
    made = await web.post("/v1/rate-cards", {"rate_card": card}, await web.key_of(talent))
    assert made.status_code == 201, made.text
    visits = []
    for person in (brand, talent):
        client = httpx.AsyncClient(base_url=web.url, timeout=30)
        visits.append(await signed_in(web, client, person))
    yield visits
    for visit in visits:
        await visit.client.aclose()


async def signed_in(web: Any, client: httpx.AsyncClient, person: Person) -> Visit:
    """Open a session."""
    key = {"api_key": await web.key_of(person)}
    answer = await client.post("/login", data=key, headers={"Origin": web.url})
    assert answer.status_code == 303
    return Visit(web.url, client, person)


def wanted(talent: Person, **changed: Any) -> dict[str, Any]:
    """Return what a brand fills in."""
    today = datetime.now(UTC).date()
    fields = {
        "talent_id": talent.id,
        "purpose": "Autumn in the shop.",
        "media_0": "ecommerce",
        "territory_0": "NORDICS",
        "first_day_0": (today + timedelta(days=1)).isoformat(),
        "last_day_0": (today + timedelta(days=60)).isoformat(),
        "category": "outerwear",
        "image_cap": "8",
        "approval_required": "on",
    }
    return fields | changed


async def asked(brand: Visit, talent: Visit, **changed: Any) -> str:
    """Ask for a license on the pages; return its path."""
    await brand.open("/licenses/ask")
    assert "Alba" in brand.page
    await brand.send("/licenses/ask", status=200, **wanted(talent.person, **changed))
    assert changed or "EUR 2,000.00" in brand.page
    await brand.send("/licenses/propose")
    return str(re.findall(r'action="(/licenses/lic_\w+)/decline"', brand.page)[0])


async def test_two_sides_agree_on_pages_alone(web: Any, sides: Any) -> None:
    brand, talent = sides
    first = await asked(brand, talent)
    assert "Waiting" in brand.page
    assert "/accept" not in brand.page
    await talent.open("/licenses")
    assert "your turn" in talent.page
    assert "Maison &lt;Nord&gt;" in talent.page
    await talent.open(first)
    for words in ("a product page: the Nordic countries", "EUR 2,000.00", "8 at most"):
        assert words in talent.page, words
    await talent.send("/counter", fee="2600", image_cap="5", note="Five, done well.")
    assert "EUR 2,600.00" in talent.page
    assert "5 at most" in talent.page
    await brand.open("/licenses")
    assert "your turn" in brand.page
    second = re.findall(r'href="(/licenses/lic_\w+)"', brand.page)
    assert len(second) == 1  # of a talk only what stands last
    await brand.open(second[0])
    assert "Five, done well." in brand.page
    await brand.send("/counter", fee="2,450.50".replace(",", ""), image_cap="5")
    await talent.open((await talent.open("/licenses")) and newest(talent.page))
    await talent.send("/counter", fee="2500", image_cap="5", approval_required="on")
    await brand.open((await brand.open("/licenses")) and newest(brand.page))
    shown = html.unescape(brand.page)
    prices = re.findall(r'class="price">(EUR [\d,.]+)<', shown)
    assert prices == ["EUR 2,000.00", "EUR 2,600.00", "EUR 2,450.50", "EUR 2,500.00"]
    await brand.send("/accept")
    assert "accepted" in brand.page
    await talent.open((await talent.open("/licenses")) and newest(talent.page))
    assert "/counter" not in talent.page  # it was accepted: sign or decline
    await talent.send("/sign")
    assert "Alba signed" in talent.page
    head = newest_of(await web.get("/v1/licenses", await web.key_of(brand.person), **of(brand)))
    assert (head["state"], head["fee"]["amount_minor"]) == ("LICENSE_STATE_ACTIVE", "250000")
    assert (head["terms"]["image_cap"], head["terms"]["approval_required"]) == (5, True)


def newest(page: str) -> str:
    """Return the path of the first license of a list."""
    return str(re.findall(r'href="(/licenses/lic_\w+)"', page)[0])


def newest_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the newest license of an answer."""
    return dict(answer.json()["licenses"][0])


def of(brand: Visit) -> dict[str, str]:
    """Return the query for a brand's licenses."""
    return {"brand_id": brand.person.id}


async def test_a_refusal_is_said_on_the_page_and_nothing_is_lost(web: Any, sides: Any) -> None:
    brand, talent = sides
    await brand.open("/licenses/ask")
    bad = wanted(talent.person, territory_0="US")
    await brand.send("/licenses/ask", status=409, **bad)
    assert "USE_NOT_PRICED" in brand.page
    assert 'value="Autumn in the shop."' in brand.page
    bad = wanted(talent.person, last_day_0="soon")
    await brand.send("/licenses/ask", status=400, **bad)
    assert "must be a day" in brand.page
    path = await asked(brand, talent)
    await talent.open(path)
    await talent.send("/counter", status=400, fee="1000", image_cap="8")
    assert "comparable human booking" in talent.page
    await talent.send("/counter", status=400, fee="a lot", image_cap="8")
    assert "must be an amount" in talent.page
    forged = base64.b64encode(brand.person.sign(b"anything")).decode()
    await talent.send("/sign", status=403, signature=forged)
    assert "SIGNATURE_INVALID" in talent.page
    await talent.send("/sign", status=400, signature="no base64!")
    await talent.send("/decline", note="Not this autumn.")
    assert "Not this autumn." in talent.page
    assert "/counter" not in talent.page


async def test_a_passkey_signs_on_the_page_and_no_other_passkey_does(web: Any, sides: Any) -> None:
    brand, talent = sides
    origin = web.url.replace("127.0.0.1", "localhost")  # where the portal's passkeys belong
    hers, theirs = Passkey(origin=origin), Passkey(origin=origin)
    await added(web.desk, talent.person, hers, talent.person)
    other = await web.desk.party("talent")
    await added(web.desk, other, theirs, other)
    path = await asked(brand, talent)
    await talent.open(path)
    for sign in (theirs.sign, Passkey(origin=origin).sign, lambda _: hers.sign(b"other terms")):
        talent.sign = sign
        await talent.send("/sign", status=403)
        assert "SIGNATURE_INVALID" in talent.page
    talent.sign = hers.sign
    await talent.send("/sign")
    assert "Alba signed" in talent.page


def filled(page: str, action: str) -> dict[str, list[str]]:
    """Return what stands in a form as it is shown: what a browser would send."""
    form = next(one for one in re.findall(r"<form.*?</form>", page, re.S) if action in one)
    found: dict[str, list[str]] = {}
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', form, re.S):
        chosen = re.findall(r'value="(\w*)" selected', options) or [""]
        found.setdefault(name, []).append(chosen[0])
    for field in re.findall(r"<input .*?>", form):
        name, value = (re.findall(rf'{one}="([^"]*)"', field) for one in ("name", "value"))
        if "checkbox" not in field or "checked" in field:
            found.setdefault(name[0], []).append(html.unescape((value or ["on"])[0]))
    return found


def day(ahead: int) -> str:
    """Return a day some days from now, as forms have it."""
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


def two_uses() -> dict[str, Any]:
    """Return what a brand fills in to ask for a second use; a third is left out again."""
    uses: dict[str, Any] = {"rows_uses": "3", "territory_0": ["NORDICS", "DE"]}
    uses |= {"media_1": "social", "territory_1": "NORDICS"}
    uses |= {"first_day_1": day(10), "last_day_1": day(40)}
    return uses | {"media_2": "", "territory_2": "DE"}


async def shape_of(web: Any, person: Person, license_id: str) -> list[Any]:
    """Return the uses of a license, without their days."""
    found = await web.get(f"/v1/licenses/{license_id}", await web.key_of(person))
    uses = found.json()["license"]["terms"]["uses"]
    return [(one["media"], one["territories"], one["zone"]) for one in uses]


async def test_a_renewal_begins_with_every_use_of_what_it_renews(web: Any, sides: Any) -> None:
    brand, talent = sides
    path = await asked(brand, talent, **two_uses())
    await talent.open(path)
    await talent.send("/sign")
    await brand.open(path)
    ask = re.findall(r'href="(/licenses/ask\?renews=\w+)"', brand.page)[0]
    await brand.open(ask)
    given = filled(brand.page, "/licenses/ask")
    expected = {
        "rows_uses": ["2"],
        "media_0": ["ecommerce"],
        "territory_0": ["NORDICS", "DE"],
        "first_day_0": [day(61)],
        "last_day_0": [day(120)],
        "media_1": ["social"],
        "territory_1": ["NORDICS"],
        "first_day_1": [day(70)],
        "last_day_1": [day(100)],
        "zone_1": ["Europe/Stockholm"],
        "purpose": ["Autumn in the shop."],
        "approval_required": ["on"],
    }
    assert {name: given.get(name) for name in expected} == expected
    assert "exclusive" not in given
    await brand.send("/licenses/ask", status=200, **given)
    assert "It costs" in brand.page
    await brand.send("/licenses/propose")
    made = re.findall(r"/licenses/(lic_\w+)/decline", brand.page)[0]
    before = ask.partition("=")[2]
    assert f'href="/licenses/{before}">Renews' in brand.page
    shape = await shape_of(web, brand.person, before)
    assert await shape_of(web, brand.person, made) == shape
    assert [one[1] for one in shape] == [["NORDICS", "DE"], ["NORDICS"]]


async def test_a_form_grows_by_a_use_or_a_place_and_keeps_what_stands_in_it(sides: Any) -> None:
    brand, talent = sides
    await brand.open("/licenses/ask")
    await brand.send("/licenses/ask", status=200, more="uses", **wanted(talent.person))
    grown = filled(brand.page, "/licenses/ask") | {"more": ["place_1"]}
    await brand.send("/licenses/ask", status=200, **grown)
    given = filled(brand.page, "/licenses/ask")
    assert (given["rows_uses"], given["purpose"]) == (["2"], ["Autumn in the shop."])
    assert given["territory_0"] == ["NORDICS"]
    assert given["territory_1"] == ["EU", ""]
    assert given["first_day_1"] == given["first_day_0"]
    assert "It costs" not in brand.page
    bad = given | {"media_1": ["social"], "last_day_1": ["soon"]}
    await brand.send("/licenses/ask", status=400, **bad)
    assert 'id="wrong-last_day_1"' in brand.page
    await brand.send("/licenses/ask", status=400, **given | {"media_0": [""], "media_1": [""]})
    assert 'id="wrong-media_0"' in brand.page
    far = given | {"media_0": [""], "media_1": ["social"], "territory_1": ["XX", ""]}
    await brand.send("/licenses/ask", status=400, **far)
    assert 'id="wrong-territory_1"' in brand.page


async def test_a_form_sent_twice_does_it_once(web: Any, sides: Any) -> None:
    brand, talent = sides
    path = await asked(brand, talent)
    await talent.open(path)
    page = talent.page
    await talent.send("/counter", fee="2600", image_cap="8", note="once")
    talent.page = page
    await talent.send("/counter", fee="2600", image_cap="8", note="once")
    found = await web.get("/v1/licenses", await web.key_of(brand.person), **of(brand))
    assert len(found.json()["licenses"]) == 2
    talent.page = page
    await talent.send("/counter", status=422, fee="2700", image_cap="8", note="once")
    talent.page = page.replace('name="once" value="', 'name="once" value="x" data-was="')
    await talent.send("/counter", status=400, fee="2700", image_cap="8", note="once")


async def test_only_our_own_pages_command_and_only_for_who_is_signed_in(
    web: Any, sides: Any
) -> None:
    brand, talent = sides
    path = await asked(brand, talent)
    filled = {"once": "k", "note": "x"}
    for origin in ("https://elsewhere.example", "null", ""):
        answer = await talent.client.post(
            f"{path}/decline", data=filled, headers={"Origin": origin}
        )
        assert answer.status_code == 403, origin
        assert "FORM_FOREIGN" in answer.text
    nobody = await web.client.post(f"{path}/decline", data=filled, headers={"Origin": web.url})
    assert nobody.status_code == 401
    stranger = await web.desk.party("brand")
    async with httpx.AsyncClient(base_url=web.url, timeout=30) as client:
        visit = await signed_in(web, client, stranger)
        answer = await client.post(f"{path}/decline", data=filled, headers={"Origin": web.url})
        assert answer.status_code == 404
        assert (await client.get(path)).status_code == 404
        assert "Alba" not in await visit.open("/licenses")
    await talent.open(path)
    assert "/decline" in talent.page


async def test_the_pages_break_no_policy(web: Any, sides: Any) -> None:
    brand, talent = sides
    path = await asked(brand, talent)
    for visit, paths in ((brand, ("/licenses", path, "/licenses/ask")), (talent, ("/approvals",))):
        for one in paths:
            page = await visit.open(one)
            assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", page), one
            loaded = re.findall(r'(?:src|href|action)="([^"]*)"', page)
            assert all(target.startswith(("/", "#")) for target in loaded), loaded
            assert page.count("<h1>") == 1
    assert "Nothing waits for you" in talent.page


def test_every_code_of_the_vocabulary_has_words() -> None:
    licensing = Path(__file__).parents[2] / "licensing" / "src" / "licensing"
    vocabulary = json.loads((licensing / "vocabulary.json").read_text())
    assert set(vocabulary["countries"]) == set(COUNTRIES)
    assert {*vocabulary["regions"], "WORLD"} == set(REGIONS)
    assert set(vocabulary["media"]) == set(MEDIA)
