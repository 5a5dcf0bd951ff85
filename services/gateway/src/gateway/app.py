"""Everything the gateway is made of, put together in one place."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from kit import migrate
from kit.bus import open_bus
from kit.db import Database, open_database
from kit.ops import log, open_ops, serve_asgi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway import gate, problem
from gateway.callers import Callers
from gateway.campaigning import Campaigning
from gateway.claims import ClaimPages
from gateway.clients import Calls, open_calls
from gateway.consenting import Consenting
from gateway.delegating import Delegating
from gateway.direct import Direct
from gateway.directors import Directors
from gateway.erasing import Erasing
from gateway.estates import EstatePages
from gateway.feed import Feed
from gateway.http import Api
from gateway.limits import Quotas
from gateway.pages import Pages
from gateway.portal import Portal
from gateway.recovering import Recovering
from gateway.representing import Representing
from gateway.roster import Roster
from gateway.routes import ROUTES
from gateway.sessions import Sessions
from gateway.settings import Settings
from gateway.site import Site
from gateway.succeeding import Succeeding
from gateway.talks import Talks
from gateway.uploads import Uploads
from gateway.verifying import Verifying
from gateway.words import Words


@dataclass(frozen=True, slots=True)
class App:
    """gateway, open."""

    db: Database
    calls: Calls
    feed: Feed


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Open everything the gateway needs, in order; close it in reverse."""
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(str(settings.database_url)))
        bus = await stack.enter_async_context(open_bus(settings.nats_url))
        calls = await stack.enter_async_context(open_calls(settings))
        sessions = Sessions(db, settings.session_lasts)
        callers, feed = Callers(calls), Feed(bus)
        quotas = Quotas(
            an_address=settings.verifications_a_minute, a_key=settings.key_verifications_a_minute
        )
        site = Site(sessions)
        pages = list_pages(calls, callers, site, quotas)
        api = Api(calls, callers, sessions, feed, quotas)
        web = _web(api, Uploads(calls, api, site).routes(), pages)
        checks = {"database": db.check, "bus": bus.check}
        await stack.enter_async_context(open_ops(settings.ops_address, checks))
        await stack.enter_async_context(serve_asgi(web, settings.http_address))
        yield App(db, calls, feed)


def list_pages(calls: Calls, callers: Callers, site: Site, quotas: Quotas) -> list[BaseRoute]:
    """Return every page, each behind the gate that keeps other sites' forms out."""
    pages = [
        *Campaigning(calls, site).routes(),
        *Direct(calls, site).routes(),
        *Directors(calls, site).routes(),
        *Consenting(calls, site).routes(),
        *Portal(calls, site).routes(),
        *Representing(calls, site).routes(),
        *Delegating(calls, site).routes(),
        *Succeeding(calls, site).routes(),
        *EstatePages(calls, site).routes(),
        *Erasing(calls, site).routes(),
        *Recovering(calls, site).routes(),
        *Roster(calls, site).routes(),
        *Words(calls, site).routes(),
        *Talks(calls, site).routes(),
        *Verifying(calls, site, quotas).routes(),
        *ClaimPages(calls, site).routes(),
        *Pages(calls, callers, site).routes(),
    ]
    return gate.close(pages, site)


def _web(api: Api, uploads: Sequence[BaseRoute], pages: Sequence[BaseRoute]) -> FastAPI:
    """Return the application: uploads, the table's routes, the stream, the pages."""
    web = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    web.routes.extend(uploads)
    for route in ROUTES:
        web.add_route(route.path, api.handler(route), methods=[route.method])
    web.add_route("/v1/events", api.guarded(api.stream), methods=["GET"])
    web.add_route("/openapi.json", api.describe, methods=["GET"])
    web.routes.extend(pages)
    web.add_exception_handler(HTTPException, _not_answered)
    web.add_exception_handler(Exception, _broken)
    return web


async def _not_answered(request: Request, error: Exception) -> Response:
    """Say what never reached a route: no such path, no such method."""
    code = error.status_code if isinstance(error, HTTPException) else 500
    status = HTTPStatus(code)
    where = {"instance": request.url.path, "request_id": _request_id(request)}
    return problem.plain(status, status.phrase, **where)


def _request_id(request: Request) -> str:
    """Return the id a route gave the request, or one for a request that reached none."""
    return str(getattr(request.state, "request_id", "") or uuid.uuid4().hex)


async def _broken(request: Request, error: Exception) -> Response:
    """Say that something broke, and nothing of what; the log has the rest."""
    where = {"instance": request.url.path, "request_id": _request_id(request)}
    log.error("request failed", **where, exc_info=error)
    return problem.plain(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error", **where)


async def serve(settings: Settings) -> None:
    """Answer requests and read the house's events, until cancelled."""
    async with build(settings) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.feed.run())


async def prepare(settings: Settings, migrations: Path) -> None:
    """Bring the database to the newest migration.

    Raises:
        ValueError: no GATEWAY_MIGRATION_DATABASE_URL.
    """
    if settings.migration_database_url is None:
        raise ValueError("GATEWAY_MIGRATION_DATABASE_URL is not set")
    await migrate.upgrade(str(settings.migration_database_url), migrations)
