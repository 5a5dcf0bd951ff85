"""The page of a twin version: what it was made of, and what it is worth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kit import trace
from kit.errors import DomainError, NotFound
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import fidelity
from gateway.clients import Calls
from gateway.sessions import Visitor

Show = Callable[..., Response]
"""Renders a template for a visitor."""


class TwinPage:
    """Shows one twin version to those near its talent."""

    def __init__(
        self,
        calls: Calls,
        find_visitor: Callable[[Request], Awaitable[Visitor]],
        show: Show,
        refuse: Callable[[Visitor, DomainError], Response],
    ) -> None:
        self._calls = calls
        self._find_visitor = find_visitor
        self._show = show
        self._refuse = refuse

    def route(self) -> Route:
        """Return where it is."""
        return Route("/twins/{twin_version_id}", self.answer)

    async def answer(self, request: Request) -> Response:
        """Answer with the page."""
        visitor = await self._find_visitor(request)
        asked = {"twin_version_id": request.path_params["twin_version_id"]}
        try:
            with trace.span("twin", {}, who=visitor.actor):
                twin = (await self._calls.ask("training", "GetTwin", **asked)).twin
                report = await self._report(asked)
                who = {"party_id": twin.talent_id}
                talent = (await self._calls.ask("identity", "GetParty", **who)).party
        except DomainError as error:
            return self._refuse(visitor, error)
        return self._show(
            "twin.html",
            visitor,
            who=talent.public_name or talent.name,
            twin=twin,
            report=report,
            drawn=fidelity.draw(report) if report else None,
            percent=fidelity.percent,
            side=fidelity.SIDE,
            ends=fidelity.ENDS,
        )

    async def _report(self, asked: dict[str, str]) -> Any:
        """Return the report, None where the version was never measured."""
        try:
            return (await self._calls.ask("training", "GetFidelity", **asked)).report
        except NotFound:
            return None
