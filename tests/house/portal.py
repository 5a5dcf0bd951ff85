"""A gateway and an identity behind it, and phones with authenticators: what passkeys need."""

import asyncio
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
from playwright.async_api import Browser, Page
from sosia.identity.v1 import identity_service_pb2_grpc

from house import databases
from house.people import Desk, Person, find_staff, settings_on, write_secrets

PHONE = {"width": 390, "height": 844}


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

    async def phone(self, person: Person | None = None, **options: Any) -> Phone:
        """Hand somebody a phone; a person is signed in on it. Options are the authenticator's."""
        context = await self.browser.new_context(viewport=PHONE, locale="en-GB")
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
