"""Estates: staff records a death, successors sign, the freeze ends; each state is plain to see."""

from datetime import UTC, datetime

from kit.errors import DomainError
from sosia.identity.v1 import estate_pb2, party_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting, forms, signing
from gateway.clients import Calls
from gateway.forms import Form
from gateway.parts import find_names
from gateway.sessions import Visitor
from gateway.site import Site

_SETTLED = estate_pb2.ESTATE_STATE_SETTLED


class EstatePages:
    """/estates and /estates/{talent_id}."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is, and where its forms go."""
        answering, one, post = self._site.answering, "/estates/{talent_id}", ["POST"]
        return [
            Route("/estates", answering(self._list)),
            Route("/estates/new", answering(self._draft)),
            Route("/estates/new", answering(self._open), methods=post),
            Route(one, answering(self._show)),
            Route(f"{one}/{{estate_id}}/accept", answering(self._accept), methods=post),
            Route(f"{one}/{{estate_id}}/settle", answering(self._settle), methods=post),
            Route(f"{one}/{{estate_id}}/stop", answering(self._stop), methods=post),
        ]

    async def _list(self, request: Request, visitor: Visitor) -> Response:
        found = list((await self._calls.ask("identity", "ListEstates")).estates)
        names = await find_names(self._calls, {one.talent_id for one in found})
        return self._site.spoken(request, "estates.html", visitor, found=found, names=names)

    async def _draft(self, request: Request, visitor: Visitor) -> Response:
        given = {"talent_id": request.query_params.get("talent_id", "")}
        return await self._form(request, visitor, Form(visitor, given))

    async def _form(
        self, request: Request, visitor: Visitor, form: Form, wrong: DomainError | None = None
    ) -> Response:
        acting.require(visitor, "staff")
        return self._site.spoken(
            request,
            "estate_new.html",
            visitor,
            wrong=wrong,
            given=form,
            talents=await acting.list_parties(self._calls, party_pb2.PARTY_KIND_TALENT),
            successors=await acting.list_parties(self._calls, party_pb2.PARTY_KIND_SUCCESSOR),
            today=datetime.now(UTC).date().isoformat(),
        )

    async def _open(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        names = ("talent_id", "died_on", "evidence")
        fields = {name: form.text(name) for name in names}
        fields["evidence_sha256"] = form.text("evidence_sha256").lower()
        ids = {"successor_ids": form.all("successor_ids")}
        try:
            await forms.command(self._calls, form, "identity", "OpenEstate", **fields, **ids)
        except DomainError as error:
            return await self._form(request, visitor, form, error)
        return acting.to(f"/estates/{fields['talent_id']}", "opened")

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._page(request, visitor)

    async def _page(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        asked = {"talent_id": request.path_params["talent_id"]}
        one = (await self._calls.ask("identity", "GetEstate", **asked)).estate
        me = visitor.actor.party_id
        mine = next((who for who in one.successors if who.party_id == me), None)
        over = one.waits_until.seconds <= datetime.now(UTC).timestamp()
        ids = {one.talent_id, *(who.party_id for who in one.successors), *one.told}
        return self._site.spoken(
            request,
            "estate.html",
            visitor,
            wrong=wrong,
            one=one,
            mine=mine,
            over=over,
            may_settle=over and all(who.accepted_at.seconds for who in one.successors),
            state=estate_pb2.EstateState.Name(one.state).removeprefix("ESTATE_STATE_"),
            names=await find_names(self._calls, ids),
            signers=await signing.find_signers(self._calls, me) if mine else "",
            receipts=await signing.find_receipts(self._calls, one.id),
        )

    async def _accept(self, request: Request, visitor: Visitor) -> Response:
        return await self._give(request, visitor, "AcceptEstate", "accepted")

    async def _settle(self, request: Request, visitor: Visitor) -> Response:
        return await self._give(request, visitor, "SettleEstate", "settled")

    async def _stop(self, request: Request, visitor: Visitor) -> Response:
        return await self._give(request, visitor, "StopEstate", "stopped")

    async def _give(self, request: Request, visitor: Visitor, call: str, done: str) -> Response:
        """Give a command about an estate, and show it again."""
        form = await forms.read(request, visitor)
        about = {"estate_id": request.path_params["estate_id"]}
        if call == "StopEstate":
            about["reason"] = form.text("reason")
        try:
            if call == "AcceptEstate":
                about["successor_id"] = visitor.actor.party_id
                form.data("signature")
            await forms.command(self._calls, form, "identity", call, **about)
        except DomainError as error:
            return await self._page(request, visitor, error)
        return acting.to(f"/estates/{request.path_params['talent_id']}", done)
