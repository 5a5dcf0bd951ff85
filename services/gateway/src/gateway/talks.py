"""Licenses: asked for, answered and answered again, signed; as a conversation with its prices."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError, NotAllowed
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import forms, offers, problem, talking
from gateway.beside import Fault
from gateway.clients import Calls
from gateway.forms import Form, SessionMissing
from gateway.phrases import MEDIA
from gateway.places import COUNTRIES, REGIONS
from gateway.sessions import Visitor
from gateway.site import Site

Act = Callable[[Form, str], Awaitable[str]]
"""Does what a form says about a license; returns the id of the license to show."""


class Talks:
    """Where brands and talents agree."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is, and where its forms go."""
        acts: dict[str, Act] = {
            "counter": self._counter,
            "accept": self._accept,
            "decline": self._decline,
            "sign": self._sign,
            "revoke": self._revoke,
        }
        return [
            Route("/licenses", self._list),
            Route("/licenses/ask", self._ask, methods=["GET", "POST"]),
            Route("/licenses/propose", self._propose, methods=["POST"]),
            Route("/licenses/{license_id}", self._license),
            *(
                Route(f"/licenses/{{license_id}}/{name}", self._doing(act), methods=["POST"])
                for name, act in acts.items()
            ),
        ]

    async def _list(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        query = request.query_params
        of = {name: query[name] for name in ("talent_id", "brand_id") if query.get(name)}
        if not of and visitor.actor.kind in ("talent", "brand"):
            of = {f"{visitor.actor.kind}_id": visitor.actor.party_id}
        heads, represented = [], []
        try:
            with trace.span("licenses", {}, who=visitor.actor):
                if not of and visitor.actor.kind == "agency":
                    represented = await talking.list_represented(
                        self._calls, visitor.actor.party_id
                    )
                else:
                    heads = await talking.list_heads(self._calls, of, visitor.actor.kind)
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.spoken(
            request, "licenses.html", visitor, heads=heads, of=of, represented=represented
        )

    async def _license(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        return await self._show(request, visitor)

    async def _show(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        license_id = request.path_params["license_id"]
        try:
            with trace.span("license", {}, who=visitor.actor):
                talk = await talking.open_talk(self._calls, license_id, visitor.actor.kind)
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.spoken(
            request,
            "license.html",
            visitor,
            wrong=wrong,
            talk=talk,
            fault=None if wrong is None else Fault(wrong, offers.COUNTER_PLACES),
        )

    async def _ask(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        given, quote, fault = Form(visitor, {}), None, None
        try:
            if request.method == "POST":
                given = await forms.read(request, visitor)
                if not given.text("more"):
                    quote, fault = await self._price(given)
            elif renews := request.query_params.get("renews", ""):
                with trace.span("renew", {}, who=visitor.actor):
                    asked = self._calls.ask("licensing", "GetLicense", license_id=renews)
                    given = offers.to_renewal((await asked).license, visitor)
        except DomainError as error:
            return self._site.refused(visitor, error)
        return await self._show_ask(given, quote, fault)

    async def _price(self, form: Form) -> tuple[Any, Fault | None]:
        """Return what the license costs that a form asks for, or what is wrong with the form."""
        places = {name: name for name in form.values}
        try:
            asked = offers.to_terms(form, brand_id=form.visitor.actor.party_id)
            places = asked.places
            command = forms.command(
                self._calls, form, "licensing", "CreateQuote", terms=asked.terms
            )
            return (await command).quote, None
        except DomainError as error:
            return None, Fault(error, places)

    async def _show_ask(self, given: Form, quote: Any, fault: Fault | None) -> Response:
        """Return the form a brand asks with, what it costs, or what is wrong with it."""
        visitor = given.visitor
        try:
            if visitor.is_known and visitor.actor.kind != "brand":
                raise NotAllowed("licenses are asked for by brands")
            with trace.span("ask", {}, who=visitor.actor):
                talents = await talking.list_talents(self._calls)
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.page(
            "ask.html",
            visitor,
            status=HTTPStatus.OK if fault is None else problem.status_of(fault.error),
            talents=talents,
            given=given,
            rows=offers.count_uses(given),
            most=offers.MOST_USES,
            quote=quote,
            fault=fault,
            media=MEDIA,
            areas=REGIONS | dict(sorted(COUNTRIES.items(), key=lambda item: item[1])),
            once=lambda: secrets.token_urlsafe(16),
        )

    async def _propose(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        try:
            form = await forms.read(request, visitor)
            asked = {name: form.text(name) for name in ("quote_id", "renews")}
            made = await forms.command(self._calls, form, "licensing", "ProposeLicense", **asked)
        except DomainError as error:
            return self._site.refused(visitor, error)
        return RedirectResponse(f"/licenses/{made.license.id}", HTTPStatus.SEE_OTHER)

    def _doing(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers a form about a license: does it, and shows the talk again."""

        async def answer(request: Request) -> Response:
            visitor = await self._site.visitor(request)
            license_id = request.path_params["license_id"]
            try:
                shown = await act(await forms.read(request, visitor), license_id)
            except SessionMissing as error:
                return self._site.refused(visitor, error)
            except DomainError as error:
                return await self._show(request, visitor, error)
            return RedirectResponse(f"/licenses/{shown}#now", HTTPStatus.SEE_OTHER)

        return answer

    async def _counter(self, form: Form, license_id: str) -> str:
        with trace.span("license", {}, who=form.visitor.actor):
            asked = {"license_id": license_id}
            answered = (await self._calls.ask("licensing", "GetLicense", **asked)).license
        fields = offers.to_counter(form, answered)
        made = await self._do(form, "CounterLicense", license_id=license_id, **fields)
        return str(made.license.id)

    async def _accept(self, form: Form, license_id: str) -> str:
        await self._do(form, "AcceptLicense", license_id=license_id)
        return license_id

    async def _decline(self, form: Form, license_id: str) -> str:
        await self._do(form, "DeclineLicense", license_id=license_id, note=form.text("note"))
        return license_id

    async def _sign(self, form: Form, license_id: str) -> str:
        await self._do(form, "SignLicense", license_id=license_id)
        return license_id

    async def _revoke(self, form: Form, license_id: str) -> str:
        await self._do(form, "RevokeLicense", license_id=license_id)
        return license_id

    async def _do(self, form: Form, call: str, **fields: Any) -> Any:
        return await forms.command(self._calls, form, "licensing", call, **fields)
