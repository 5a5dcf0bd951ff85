"""Succession: a talent names who acts for her once she has died, sees it and changes it."""

from typing import Any

from kit.errors import DomainError, NotFound
from sosia.identity.v1 import estate_pb2, succession_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting, forms, signing
from gateway.clients import Calls
from gateway.parts import find_names
from gateway.sessions import Visitor
from gateway.site import Site

_ACTIVE = succession_pb2.SUCCESSION_STATE_ACTIVE
_PROPOSED = succession_pb2.SUCCESSION_STATE_PROPOSED
_STOPPED = estate_pb2.ESTATE_STATE_STOPPED


class Succeeding:
    """/succession, a talent's own page."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where the page is, and where its forms go."""
        answering, post = self._site.answering, ["POST"]
        return [
            Route("/succession", answering(self._show)),
            Route("/succession", answering(self._propose), methods=post),
            Route("/succession/{succession_id}/sign", answering(self._sign), methods=post),
            Route("/succession/{estate_id}/object", answering(self._object), methods=post),
        ]

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._page(request, visitor)

    async def _page(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        acting.require(visitor, "talent")
        mine = {"talent_id": visitor.actor.party_id}
        found = list((await self._calls.ask("identity", "ListSuccessions", **mine)).successions)
        live = next((one for one in found if one.state == _ACTIVE), None)
        newer = [one for one in found if live is None or one.version > live.version]
        draft = next((one for one in newer if one.state == _PROPOSED), None)
        ids = {party_id for one in found for party_id in one.successor_ids}
        return self._site.spoken(
            request,
            "succession.html",
            visitor,
            wrong=wrong,
            live=live,
            draft=draft,
            estate=await self._find_estate(mine),
            names=await find_names(self._calls, ids),
            signers=await signing.find_signers(self._calls, visitor.actor.party_id),
            receipts=await signing.find_receipts(self._calls, live.id) if live else [],
        )

    async def _find_estate(self, mine: dict[str, str]) -> Any:
        """Return the estate that was opened of somebody who looks at this page, if one was."""
        try:
            estate = (await self._calls.ask("identity", "GetEstate", **mine)).estate
        except NotFound:
            return None
        return None if estate.state == _STOPPED else estate

    async def _propose(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        ids = form.text("successor_ids").replace(",", " ").split()
        fields: dict[str, Any] = {"talent_id": visitor.actor.party_id, "successor_ids": ids}
        try:
            await forms.command(self._calls, form, "identity", "ProposeSuccession", **fields)
        except DomainError as error:
            return await self._page(request, visitor, error)
        return acting.to("/succession", "proposed")

    async def _sign(self, request: Request, visitor: Visitor) -> Response:
        about = {"succession_id": request.path_params["succession_id"]}
        return await self._give(request, visitor, "SignSuccession", "signed", about)

    async def _object(self, request: Request, visitor: Visitor) -> Response:
        about = {"estate_id": request.path_params["estate_id"], "reason": "She lives."}
        return await self._give(request, visitor, "StopEstate", "stopped", about)

    async def _give(
        self, request: Request, visitor: Visitor, call: str, done: str, about: dict[str, str]
    ) -> Response:
        form = await forms.read(request, visitor)
        wrong = await acting.give(self._calls, form, call, **about)
        if wrong is not None:
            return await self._page(request, visitor, wrong)
        return acting.to("/succession", done)
