"""A gateway and an identity behind it, and phones with authenticators: what passkeys need."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import app as composition
from gateway.sessions import COOKIE, Sessions, Visitor
from gateway.settings import Settings
from identity import app as identity_composition
from kit import outbox, rpc, trace
from local.postgres import Postgres
from local.process import free_port
from playwright.async_api import Browser, Page, expect
from sosia.identity.v1 import identity_service_pb2_grpc

from house import databases
from house.people import Desk, Person, find_staff, settings_on, write_secrets

PHONE = {"width": 390, "height": 844}
SHOTS = os.environ.get("PORTAL_SHOTS", "")
"""A folder for pictures of the pages, for whoever wants to look."""


@dataclass
class Phone:
    """A browser of somebody, with an authenticator that knows its owner."""

    page: Page
    url: str
    complaints: list[str]
    """What the console said, on any page."""

    async def open(self, path: str) -> None:
        """Look at a page."""
        await self.page.goto(self.url + path)


@dataclass
class Portal:
    """The pages and the service behind them."""

    url: str
    desk: Desk
    browser: Browser
    sessions: Sessions

    async def phone(
        self, person: Person | None = None, *, locale: str = "en-GB", **options: Any
    ) -> Phone:
        """Hand somebody a phone; a person is signed in on it. Options are the authenticator's."""
        context = await self.browser.new_context(viewport=PHONE, locale=locale)
        if person is not None:
            visitor = Visitor(trace.Actor(person.id, person.kind), "Alba")
            token = await self.sessions.open(visitor)
            await context.add_cookies([{"name": COOKIE, "value": token, "url": self.url}])
        page = await context.new_page()
        phone = Phone(page, self.url, [])
        page.on("console", lambda said: phone.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: phone.complaints.append(f"thrown: {error}"))
        tools = await context.new_cdp_session(page)
        await tools.send("WebAuthn.enable")
        told = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        await tools.send("WebAuthn.addVirtualAuthenticator", {"options": told | options})
        return phone


@asynccontextmanager
async def running_portal(
    postgres: Postgres, nats_url: str, folder: Path, browser: Browser
) -> AsyncIterator[Portal]:
    """Open identity and the gateway, whose pages passkeys belong to."""
    write_secrets(folder)
    port = free_port()
    url, nobody = f"http://localhost:{port}", f"127.0.0.1:{free_port()}"
    database = postgres.url(await databases.create_database(postgres, "identity"))
    own = settings_on(folder, database, nats_url, portal=url)
    async with (
        identity_composition.build(own) as identity,
        rpc.open_channel(f"127.0.0.1:{identity.port}") as channel,
    ):
        settings = Settings(
            database_url=postgres.url(await databases.create_database(postgres, "gateway")),
            nats_url=nats_url,
            http_address=f"127.0.0.1:{port}",
            ops_address=f"127.0.0.1:{free_port()}",
            identity_address=f"127.0.0.1:{identity.port}",
            training_address=nobody,
            licensing_address=nobody,
            render_address=nobody,
        )
        async with composition.build(settings) as app:
            relay = asyncio.create_task(outbox.relay(identity.db, identity.bus, "identity"))
            stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
            desk = Desk(identity, stub, await find_staff(stub))
            yield Portal(url, desk, browser, Sessions(app.db, settings.session_lasts))
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)


_FAULTS = """() => {
  const all = (what) => [...document.querySelectorAll(what)];
  const ids = all("[id]").map((one) => one.id);
  const fields = all("input:not([type=hidden]), select, textarea");
  const leads = ["aria-labelledby", "aria-describedby"].flatMap((name) =>
    all(`[${name}]`).map((one) => one.getAttribute(name)));
  return [
    ["wider than the window", document.documentElement.scrollWidth > innerWidth],
    ["a field without a label", !fields.every((one) => one.labels.length)],
    ["a button without a name", all("button, a, summary").some((one) => !one.textContent.trim())],
    ["not one h1", all("h1").length !== 1],
    ["an id twice", new Set(ids).size !== ids.length],
    ["a name that leads nowhere", !leads.every((id) => ids.includes(id))],
    ["an order of its own", all("[tabindex]").some((one) => one.tabIndex > 0)],
    ["no language", !document.documentElement.lang],
  ].filter(([, so]) => so).map(([fault]) => fault);
}"""
"""What a page lacks for whoever hears it, or sees it on a phone."""


async def tab_to(page: Page, name: str) -> None:
    """Reach something by the keyboard alone, from the top of a page, as what it is called."""
    await page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    for _ in range(60):
        await page.keyboard.press("Tab")
        found = "document.activeElement.textContent.trim()"
        if await page.evaluate(found) == name:
            return
    raise AssertionError(f"{name} is not reached by the keyboard")


async def look(phone: Phone, name: str) -> None:
    """See that a page fits the phone and says what its parts are; take its picture if wanted."""
    assert await phone.page.evaluate(_FAULTS) == [], name
    if not SHOTS:
        return
    for scheme in ("light", "dark"):
        await phone.page.emulate_media(color_scheme=scheme)
        for width, height in ((390, 844), (1280, 900)):
            await phone.page.set_viewport_size({"width": width, "height": height})
            file = Path(SHOTS) / f"{name}-{width}-{scheme}.png"
            await phone.page.screenshot(path=file, full_page=True)
    await phone.page.set_viewport_size({"width": 390, "height": 844})


async def with_passkey(portal: Portal, talent: Person) -> Phone:
    """Return a phone with a passkey its owner added, confirmed by the key she registered with."""
    phone = await portal.phone(talent)
    await phone.open("/keys")
    await look(phone, "keys-new")
    await phone.page.get_by_label("What do you call it?").fill("My phone")
    await phone.page.get_by_role("button", name="Add a passkey").click()
    await expect(phone.page.get_by_role("heading", name="Confirm “My phone”")).to_be_visible()
    await look(phone, "keys-pending")
    await phone.page.get_by_text("I sign with a key of my own").click()
    statement = base64.b64decode(await phone.page.locator("details[open] pre").inner_text())
    pasted = base64.b64encode(talent.sign(statement)).decode()
    await phone.page.get_by_label("Signature, base64").fill(pasted)
    await phone.page.get_by_role("button", name="Send").click()
    await expect(phone.page.get_by_text("Passkey, since")).to_be_visible()
    await look(phone, "keys-live")
    return phone
