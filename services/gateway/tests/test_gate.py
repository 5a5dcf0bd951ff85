"""No page takes a form that another site sent, and what it would have changed is as it was."""

import hashlib
import re
from typing import Any

import pytest
from gateway.app import list_pages
from gateway.callers import Callers
from gateway.forms import FormForeign
from gateway.limits import Quotas
from gateway.nav import PAGES
from gateway.sessions import Sessions
from gateway.site import Site
from house.people import STAFF_KEY
from house.talents import represent
from kit.db import Database, open_database
from sqlalchemy import text
from starlette.routing import Route

NOBODY: Any = None
"""In place of what no list of pages needs."""
SITE = Site(Sessions(NOBODY, NOBODY))
LISTED = list_pages(NOBODY, Callers(NOBODY), SITE, Quotas(an_address=1, a_key=1))
ROUTES = [one for one in LISTED if isinstance(one, Route)]
FORMS = sorted({one.path for one in ROUTES if "POST" in (one.methods or ())})
FOREIGN = ("https://elsewhere.example", "null", "")
FILLED = {"once": "k1", "reason": "x", "note": "x", "word": "yes"}


async def fingerprint(*databases: Database) -> str:
    """Return a digest of every row there is; events are marked as sent whenever the relay does."""
    digest = hashlib.sha256()
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    names += " AND tablename <> 'outbox' ORDER BY 1"
    for database in databases:
        async with database.begin() as tx:
            for table in (await tx.execute(text(names))).scalars().all():
                rows = await tx.execute(text(f'SELECT t::text FROM "{table}" t ORDER BY 1'))
                digest.update(repr((table, rows.scalars().all())).encode())
    return digest.hexdigest()


def test_every_page_that_takes_a_form_is_in_the_table() -> None:
    assert len(FORMS) >= 39
    for path in ("/login", "/logout", "/keys", "/delegations/new", "/estates/new", "/verify"):
        assert path in FORMS


async def test_no_form_of_another_site_is_taken_and_nothing_changes(
    web: Any, settings: Any
) -> None:
    opened = {"Origin": web.url}
    await web.client.post("/login", data={"api_key": STAFF_KEY}, headers=opened)
    talent, heir = await web.desk.party("talent"), await web.desk.party("successor")
    estate = await web.desk.died(talent, heir)
    real = {"estate_id": estate.id, "talent_id": talent.id}
    form = {**FILLED, "api_key": STAFF_KEY, "talent_id": talent.id}
    async with open_database(str(settings.database_url)) as own:
        both = (own, web.desk.app.db)
        before = await fingerprint(*both)
        for path in FORMS:
            where = re.sub(r"{(\w+)}", lambda found: real.get(found[1], "x"), path)
            for origin in FOREIGN:
                answer = await web.client.post(where, data=form, headers={"Origin": origin})
                assert answer.status_code == 403, (path, origin)
                assert FormForeign.reason in answer.text, (path, origin)
                assert "set-cookie" not in answer.headers, (path, origin)
        assert await fingerprint(*both) == before
    now = await web.desk.ask(web.desk.staff, "GetEstate", talent_id=talent.id)
    assert now.estate == estate
    stop = f"/estates/{talent.id}/{estate.id}/stop"
    await web.client.post(stop, data=form, headers=opened)  # the same form, sent from here
    now = await web.desk.ask(web.desk.staff, "GetEstate", talent_id=talent.id)
    assert now.estate.stop_reason == "x"


@pytest.mark.parametrize("kind", sorted(PAGES))
async def test_everybody_finds_their_pages_and_may_see_them(web: Any, kind: str) -> None:
    party = web.desk.staff if kind == "staff" else await web.desk.party(kind)
    if kind == "agency":
        await represent(web.desk, party, await web.desk.party("talent", public_name="Alba"))
    key = STAFF_KEY if kind == "staff" else await web.key_of(party)
    await web.client.post("/login", data={"api_key": key}, headers={"Origin": web.url})
    home = (await web.get("/", "")).text
    for _, path in PAGES[kind]:
        assert home.count(f'href="{path}"') == 2, path  # in the header and among the doors
        page = await web.get(path, "")
        down = path in ("/campaigns", "/claims")  # render is not there
        assert page.status_code == (503 if down else 200), (path, page.text)
    if kind in ("agency", "staff"):
        roster = (await web.get("/talents", "")).text
        links = re.findall(r'href="(/[^"]+talent_id=[^"]+)"', roster)
        assert kind == "staff" or len(links) == 6
        for path in links:
            expected = (503,) if path.startswith("/campaigns") else (200,)
            assert (await web.client.get(path)).status_code in expected, path


def test_every_page_without_a_part_is_linked_from_somewhere() -> None:
    linked = {path for pages in PAGES.values() for _, path in pages}
    linked |= {"/", "/login", "/verify", "/api"}  # the header has them for everybody
    linked |= {"/delegations/new", "/estates/new", "/recoveries/new", "/campaigns/new"}  # lists do
    linked |= {"/representation/new", "/erasure", "/consents/new"}  # and so do these
    shown = {one.path for one in ROUTES if "GET" in (one.methods or ()) and "{" not in one.path}
    assert shown <= linked
