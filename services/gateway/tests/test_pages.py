"""Pages: sessions, who sees what, and what a browser is told it may do."""

import re
from typing import Any

import httpx
from gateway.site import HEADERS, Site
from house.people import STAFF_KEY
from jinja2 import PackageLoader, nodes
from kit.db import open_database
from sqlalchemy import text


async def sign_in(web: Any, key: str = STAFF_KEY, **headers: str) -> Any:
    """Send the form of /login."""
    sent = {"Origin": web.url, **headers}
    return await web.client.post("/login", data={"api_key": key}, headers=sent)


async def test_a_session_opens_and_closes(web: Any, settings: Any) -> None:
    assert "Sign in" in (await web.get("/", "")).text
    opened = await sign_in(web)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "max-age=28800" in cookie
    assert "Sign out, House" in (await web.get("/", "")).text
    assert (await web.get("/events", "")).status_code == 200
    token = web.client.cookies["sosia_session"]
    closed = await web.client.post("/logout", headers={"Origin": web.url})
    assert closed.status_code == 303
    web.client.cookies.set("sosia_session", token)
    assert (await web.get("/events", "")).status_code == 403


async def test_only_a_digest_of_a_session_is_kept(web: Any, settings: Any) -> None:
    await sign_in(web)
    token = web.client.cookies["sosia_session"]
    async with open_database(str(settings.database_url)) as db, db.begin() as tx:
        rows = (await tx.execute(text("SELECT * FROM sessions"))).all()
        assert len(rows) == 1
        assert token not in repr(rows)
        await tx.execute(text("UPDATE sessions SET expires_at = now()"))
    assert (await web.get("/events", "")).status_code == 403


async def test_a_wrong_key_opens_nothing(web: Any) -> None:
    refused = await sign_in(web, "sosia_wrong")
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers


async def test_a_form_from_elsewhere_is_refused(web: Any) -> None:
    elsewhere = ("https://elsewhere.example", "null", "")
    for origin in elsewhere:
        refused = await sign_in(web, Origin=origin)
        assert refused.status_code == 403, origin
        assert "set-cookie" not in refused.headers
    await sign_in(web)
    for origin in elsewhere:
        await web.client.post("/logout", headers={"Origin": origin})
        assert (await web.get("/events", "")).status_code == 200, origin


async def test_a_session_reads_but_never_commands(web: Any) -> None:
    await sign_in(web)
    assert (await web.get("/v1/parties", "")).status_code == 200
    made = await web.post("/v1/parties", {"kind": "PARTY_KIND_BRAND"}, "")
    assert made.status_code == 401


async def test_every_page_loads_only_what_is_ours(web: Any) -> None:
    plain = ("/", "/login", "/verify", "/api", "/events")
    for path in (*plain, "/pictures/ren_1", "/capture-sets/c", "/twins/t"):
        page = await web.get(path, "")
        assert page.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        assert '<html lang="en">' in page.text
        loaded = re.findall(r'(?:src|href|action)="([^"]*)"', page.text)
        assert all(target.startswith(("/", "#")) for target in loaded), loaded
        assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", page.text)
        for target in {one for one in loaded if one.startswith("/static/")}:
            assert (await web.get(target, "")).status_code == 200, target


async def test_a_picture_that_is_not_there_says_so(web: Any) -> None:
    page = await web.get("/pictures/ren_none", "")
    assert page.status_code in (401, 404, 503)
    assert "Traceback" not in page.text


async def test_ready_and_alive(web: Any, settings: Any) -> None:
    async with httpx.AsyncClient(base_url=f"http://{settings.ops_address}") as ops:
        assert (await ops.get("/livez")).status_code == 200
        assert (await ops.get("/readyz")).json() == {"database": "ok", "bus": "ok"}
        assert "rpc_seconds" in (await ops.get("/metrics")).text


def test_every_template_knows_every_filter_it_asks_for() -> None:
    """Jinja finds a missing one only where the branch that asks for it is taken."""
    known = Site(None)._templates  # type: ignore[arg-type]  # nobody signs in
    loader = PackageLoader("gateway", "templates")
    for name in known.list_templates():
        source = loader.get_source(known, name)[0]
        asked = {node.name for node in known.parse(source).find_all(nodes.Filter)}
        assert asked <= set(known.filters), name
