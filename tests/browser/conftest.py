"""A gateway alone, with somebody signed in, and a browser where this machine has one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from gateway import app as composition
from gateway.app import App
from gateway.sessions import COOKIE, Sessions, Visitor
from gateway.settings import Settings
from house import databases
from house.browsers import FLAGS, find_chromium
from house.portal import Portal, running_portal
from kit import trace
from local.postgres import Postgres
from local.process import free_port
from playwright.async_api import Browser, Page, async_playwright


@dataclass
class Site:
    """The pages, and a browser to look at them with."""

    url: str
    app: App
    browser: Browser
    token: str
    complaints: list[str]
    """What the browser's console said, on any page."""

    async def open(self, path: str, *, staff: bool = False, **context: Any) -> Page:
        """Open a page, as staff or as nobody in particular."""
        made = await self.browser.new_context(**context)
        if staff:
            await made.add_cookies([{"name": COOKIE, "value": self.token, "url": self.url}])
        page = await made.new_page()
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        await page.goto(self.url + path)
        return page


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where a Chromium is; without one, the tests that look at pages are not run."""
    return find_chromium()


@pytest_asyncio.fixture
async def site(chromium: str, postgres: Postgres, nats_url: str) -> AsyncIterator[Site]:
    """The gateway, reading the house's events; no other service is there."""
    nobody = f"127.0.0.1:{free_port()}"
    settings = Settings(
        database_url=postgres.url(await databases.create_database(postgres, "gateway")),
        nats_url=nats_url,
        http_address=f"127.0.0.1:{free_port()}",
        ops_address=f"127.0.0.1:{free_port()}",
        identity_address=nobody,
        training_address=nobody,
        licensing_address=nobody,
        render_address=nobody,
    )
    async with composition.build(settings) as app, async_playwright() as player:
        feed = asyncio.create_task(app.feed.run())
        sessions = Sessions(app.db, settings.session_lasts)
        token = await sessions.open(Visitor(trace.Actor("pty_house", "staff"), "House"))
        browser = await player.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield Site(f"http://{settings.http_address}", app, browser, token, [])
        await browser.close()
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)


@pytest_asyncio.fixture
async def portal(
    chromium: str, postgres: Postgres, nats_url: str, tmp_path: Path
) -> AsyncIterator[Portal]:
    """The gateway before an identity, on the address passkeys belong to."""
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium, args=list(FLAGS))
        async with running_portal(postgres, nats_url, tmp_path, browser) as opened:
            yield opened
        await browser.close()
