"""Whom a brand lets open campaigns under a license."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError, NotAllowed
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import forms, problem
from gateway.beside import Fault
from gateway.campaigning import list_crew
from gateway.clients import Calls
from gateway.forms import SessionMissing
from gateway.parts import find_names
from gateway.sessions import Visitor
from gateway.site import Site


class Directors:
    """Where a brand appoints its creative directors."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where the page is, and where its forms go."""
        page = "/licenses/{license_id}/directors"
        return [
            Route(page, self._look),
            Route(page, self._doing("AppointDirector"), methods=["POST"]),
            Route(f"{page}/dismiss", self._doing("DismissDirector"), methods=["POST"]),
        ]

    async def _look(self, request: Request) -> Response:
        return await self._show(request, await self._site.visitor(request))

    async def _show(
        self, request: Request, visitor: Visitor, error: DomainError | None = None
    ) -> Response:
        license_id = request.path_params["license_id"]
        try:
            with trace.span("directors", {}, who=visitor.actor):
                asked = self._calls.ask("licensing", "GetLicense", license_id=license_id)
                license = (await asked).license
                if visitor.actor.party_id != license.terms.brand_id:
                    raise NotAllowed("only the licensed brand says who directs")
                found, crew = await asyncio.gather(
                    self._calls.ask("render", "ListAppointments"), list_crew(self._calls)
                )
                here = [one for one in found.appointments if one.license_id == license_id]
                names = await find_names(
                    self._calls, [license.terms.talent_id, *(one.director_id for one in here)]
                )
        except DomainError as refusal:
            return self._site.refused(visitor, refusal)
        there = {one.director_id for one in here}
        return self._site.page(
            "directors.html",
            visitor,
            status=HTTPStatus.OK if error is None else problem.status_of(error),
            license=license,
            here=here,
            crew=[one for one in crew if one.id not in there],
            names=names,
            fault=None if error is None else Fault(error, {"director_id": "director_id"}),
            once=lambda: secrets.token_urlsafe(16),
        )

    def _doing(self, call: str) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers a form of the page."""

        async def answer(request: Request) -> Response:
            visitor = await self._site.visitor(request)
            fields: dict[str, Any] = {"license_id": request.path_params["license_id"]}
            try:
                form = await forms.read(request, visitor)
                fields["director_id"] = form.text("director_id")
                await forms.command(self._calls, form, "render", call, **fields)
            except SessionMissing as error:
                return self._site.refused(visitor, error)
            except DomainError as error:
                return await self._show(request, visitor, error)
            page = f"/licenses/{fields['license_id']}/directors"
            return RedirectResponse(page, HTTPStatus.SEE_OTHER)

        return answer
