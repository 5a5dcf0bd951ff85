"""Erasure: a talent reads what goes and what stays, signs, and finds the certificate here."""

import json

from kit.errors import DomainError, FieldInvalid
from sosia.identity.v1 import erasure_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting, forms, signing
from gateway.clients import Calls
from gateway.sessions import Visitor
from gateway.site import Site


class Erasing:
    """/erasure, a talent's own page."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where the page is, and where its form goes."""
        answering = self._site.answering
        return [
            Route("/erasure", answering(self._show)),
            Route("/erasure", answering(self._erase), methods=["POST"]),
        ]

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._page(request, visitor)

    async def _page(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        acting.require(visitor, "talent")
        talent_id = visitor.actor.party_id
        asked = self._calls.ask("identity", "GetErasure", talent_id=talent_id)
        erasure = (await asked).erasure
        state = erasure_pb2.ErasureState.Name(erasure.state).removeprefix("ERASURE_STATE_")
        said = json.loads(erasure.certificate.statement) if erasure.certificate.id else {}
        return self._site.spoken(
            request,
            "erasure.html",
            visitor,
            wrong=wrong,
            erasure=erasure,
            state=state,
            word=json.loads(erasure.statement),
            said=said,
            signers=await signing.find_signers(self._calls, talent_id),
            receipts=await signing.find_receipts(self._calls, talent_id)
            if erasure.receipt_id
            else [],
        )

    async def _erase(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        acting.require(visitor, "talent")
        if not form.is_ticked("understood"):
            wrong: DomainError | None = FieldInvalid("understood", "must be ticked: no way back")
        else:
            about = {"talent_id": visitor.actor.party_id}
            wrong = await acting.give(self._calls, form, "EraseTalent", **about)
        if wrong is not None:
            return await self._page(request, visitor, wrong)
        return acting.to("/erasure", "erased")
