"""The web pages: rendered here, with one style sheet and one small script for each that moves."""

from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any

from kit import trace
from kit.errors import DomainError, NotAllowed, Unauthenticated
from sosia.identity.v1 import capture_pb2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gateway import chain, coverage, forms, languages, reactions, signing
from gateway.callers import Callers
from gateway.clients import Calls
from gateway.routes import ROUTES
from gateway.sessions import COOKIE, Visitor
from gateway.site import Site
from gateway.transcode import to_json
from gateway.twin_page import TwinPage

_FORM_BYTES = 2**14


class Pages:
    """Every page of the house."""

    def __init__(self, calls: Calls, callers: Callers, site: Site) -> None:
        self._calls, self._callers = calls, callers
        self._site, self._sessions = site, site.sessions

    def routes(self) -> list[Route | Mount]:
        """Return where each page is."""
        folder = Path(str(resources.files("gateway") / "static"))
        return [
            Route("/", self._home),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=["POST"]),
            Route("/events", self._events),
            Route("/api", self._api),
            Route("/pictures/{render_id}", self._picture),
            Route("/capture-sets/{capture_set_id}", self._capture_set),
            TwinPage(self._calls, self._visitor, self._page, self._refused).route(),
            Mount("/static", StaticFiles(directory=folder)),
        ]

    async def _home(self, request: Request) -> Response:
        return self._site.spoken(request, "home.html", await self._visitor(request))

    async def _api(self, request: Request) -> Response:
        return self._page("api.html", await self._visitor(request), routes=ROUTES)

    async def _login(self, request: Request) -> Response:
        if request.method == "GET":
            offered = await signing.offer_sign_in(self._calls)
            visitor = await self._visitor(request)
            return self._site.spoken(request, "login.html", visitor, statement=offered)
        form = await forms.read(request, Visitor(), most=_FORM_BYTES, anybody=True)
        try:
            actor = await self._callers.look_up(form.text("api_key"))
            with trace.span("sign in", {}, who=actor):
                party = await self._calls.ask("identity", "GetParty", party_id=actor.party_id)
        except Unauthenticated as error:
            # Whoever would rather use a passkey asks for the page again.
            return self._site.spoken(request, "login.html", Visitor(), wrong=error, statement="")
        except DomainError as error:
            return self._refused(Visitor(language=languages.choose(request).code), error)
        return await signing.open_session(
            request, self._sessions, Visitor(actor, party.party.name), "/"
        )

    async def _logout(self, request: Request) -> Response:
        await self._sessions.close(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE)
        return answer

    async def _events(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        if visitor.actor.kind != "staff":
            return self._refused(visitor, NotAllowed("only staff may see the house's events"))
        return self._page("events.html", visitor)

    async def _picture(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        try:
            with trace.span("chain", {}, who=visitor.actor):
                made = await chain.gather(self._calls, request.path_params["render_id"])
                said = await reactions.gather(self._calls, made.render)
                asked = {"render_id": made.render.id}
                formats = (await self._calls.ask("render", "ListFormats", **asked)).formats
        except DomainError as error:
            return self._refused(visitor, error)
        clean = visitor.actor.party_id == made.render.brand_id and bool(
            made.render.released_at.seconds
        )
        file = "picture.jpg" if clean else "draft.jpg"
        shown = {"chain": made, "file": file, "formats": formats, "clean": clean, "said": said}
        return self._page("picture.html", visitor, **shown)

    async def _capture_set(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        asked = {"capture_set_id": request.path_params["capture_set_id"]}
        try:
            with trace.span("capture set", {}, who=visitor.actor):
                kept = (await self._calls.ask("identity", "GetCaptureSet", **asked)).capture_set
                report = (await self._calls.ask("identity", "GetCaptureReport", **asked)).report
                on_the_way = (await self._calls.ask("identity", "ListUploads", **asked)).uploads
                asked = {"party_id": kept.talent_id}
                talent = (await self._calls.ask("identity", "GetParty", **asked)).party
        except DomainError as error:
            return self._refused(visitor, error)
        return self._page(
            "capture_set.html",
            visitor,
            who=talent.public_name or talent.name,
            report=report,
            panels=coverage.draw_panels(report.cells),
            plots=coverage.draw_plots(report),
            faulty=[photo for photo in report.photos if photo.faults],
            names={photo.photo_id: photo.filename for photo in report.photos},
            set_id=kept.id,
            may_add=visitor.is_known and kept.state == capture_pb2.CAPTURE_STATE_OPEN,
            unfinished=on_the_way,
            facts_of=lambda upload: to_json(upload.facts),
        )

    async def _visitor(self, request: Request) -> Visitor:
        return await self._site.visitor(request)

    def _refused(self, visitor: Visitor, error: DomainError) -> Response:
        return self._site.refused(visitor, error)

    def _page(self, name: str, visitor: Visitor, **fields: Any) -> Response:
        return self._site.page(name, visitor, **fields)
