"""The web pages: rendered here, with one style sheet and one small script for each that moves."""

from datetime import UTC, datetime
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.timestamp_pb2 import Timestamp
from jinja2 import Environment, PackageLoader, StrictUndefined
from kit import trace
from kit.errors import DomainError, NotAllowed, Unauthenticated
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gateway import chain, coverage, problem, signing
from gateway.callers import Callers
from gateway.clients import Calls
from gateway.limits import Quota, read_body
from gateway.routes import ROUTES
from gateway.sessions import COOKIE, Sessions, Visitor

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_FORM_BYTES, _PICTURE_BYTES = 2**14, 13 * 2**20
_MEDIA = {
    "ecommerce": "a product page",
    "web": "a web site",
    "display": "an advertisement online",
    "social": "social media",
    "video": "an online video",
    "email": "a newsletter",
    "app": "an app",
    "billboard": "a billboard",
    "transit": "public transport",
    "pos": "a shop",
    "print": "a newspaper or magazine advertisement",
    "catalogue": "a catalogue",
    "brochure": "a brochure",
    "packaging": "a package",
    "tv": "television",
    "cinema": "the cinema",
    "event": "a fair or on a stage",
    "editorial": "a magazine's own pages",
    "internal": "a company's own papers",
}
"""Where pictures are seen, in words a visitor uses; licensing knows the codes."""
_VERDICTS = {
    1: ("verified", "Its credentials are ours and every layer agrees."),
    2: ("recovered", "Its credentials are gone or void, but its marks lead to one record."),
    3: ("suspect", "Its layers contradict each other. Do not rely on it."),
    4: ("unknown", "Nothing leads from it to a record. That does not make it authentic."),
}


class Pages:
    """Every page of the house."""

    def __init__(self, calls: Calls, callers: Callers, sessions: Sessions, quota: Quota) -> None:
        self._calls, self._callers = calls, callers
        self._sessions, self._quota = sessions, quota
        self._templates = Environment(
            loader=PackageLoader("gateway", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"money": money, "day": day, "moment": moment, "plain": plain}

    def routes(self) -> list[Route | Mount]:
        """Return where each page is."""
        folder = Path(str(resources.files("gateway") / "static"))
        return [
            Route("/", self._home),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=["POST"]),
            Route("/events", self._events),
            Route("/verify", self._verify, methods=["GET", "POST"]),
            Route("/api", self._api),
            Route("/pictures/{render_id}", self._picture),
            Route("/capture-sets/{capture_set_id}", self._capture_set),
            Mount("/static", StaticFiles(directory=folder)),
        ]

    async def _home(self, request: Request) -> Response:
        return self._page("home.html", await self._visitor(request))

    async def _api(self, request: Request) -> Response:
        return self._page("api.html", await self._visitor(request), routes=ROUTES)

    async def _login(self, request: Request) -> Response:
        if request.method == "GET":
            offered = await signing.offer_sign_in(self._calls)
            return self._page(
                "login.html", await self._visitor(request), wrong=False, statement=offered
            )
        if not _is_from_here(request):
            return self._wrong(HTTPStatus.FORBIDDEN)
        await read_body(request, _FORM_BYTES)
        async with request.form() as form:
            key = str(form.get("api_key", "")).strip()
        try:
            actor = await self._callers.look_up(key)
            with trace.span("sign in", {}, who=actor):
                party = await self._calls.ask("identity", "GetParty", party_id=actor.party_id)
        except Unauthenticated:
            return self._wrong(HTTPStatus.UNAUTHORIZED)
        except DomainError as error:
            return self._refused(Visitor(), error)
        return await signing.open_session(
            request, self._sessions, Visitor(actor, party.party.name), "/"
        )

    def _wrong(self, status: HTTPStatus) -> Response:
        """Refuse a key; whoever would rather use a passkey asks for the page again."""
        return self._page("login.html", Visitor(), status=status, wrong=True, statement="")

    async def _logout(self, request: Request) -> Response:
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if _is_from_here(request):
            await self._sessions.close(request.cookies.get(COOKIE, ""))
            answer.delete_cookie(COOKIE)
        return answer

    async def _events(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        if visitor.actor.kind != "staff":
            return self._refused(visitor, NotAllowed("only staff may see the house's events"))
        return self._page("events.html", visitor)

    async def _verify(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        if request.method == "GET":
            return self._page("verify.html", visitor, media=_MEDIA, found=None, use={})
        try:
            self._quota.draw(request.client.host if request.client else "")
            await read_body(request, _PICTURE_BYTES)
            async with request.form(max_files=1, max_fields=2) as form:
                file = form.get("file")
                content = await file.read() if isinstance(file, UploadFile) else b""
                use = {name: str(form.get(name, "")).strip() for name in ("media", "territory")}
            use["territory"] = use["territory"].upper()
            if not all(use.values()):
                use = {}  # half a question is none
            with trace.span("verify", {}, who=visitor.actor):
                answer = await self._calls.ask("render", "VerifyPicture", content=content, **use)
        except DomainError as error:
            return self._refused(visitor, error)
        found = answer.verification
        word, sense = _VERDICTS[found.verdict]
        told = {"found": found, "word": word, "sense": sense, "use": use}
        return self._page("verify.html", visitor, media=_MEDIA, **told)

    async def _picture(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        try:
            with trace.span("chain", {}, who=visitor.actor):
                made = await chain.gather(self._calls, request.path_params["render_id"])
        except DomainError as error:
            return self._refused(visitor, error)
        clean = visitor.actor.party_id == made.render.brand_id and bool(
            made.render.released_at.seconds
        )
        file = "picture.jpg" if clean else "draft.jpg"
        return self._page("picture.html", visitor, chain=made, file=file)

    async def _capture_set(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        asked = {"capture_set_id": request.path_params["capture_set_id"]}
        try:
            with trace.span("capture set", {}, who=visitor.actor):
                kept = (await self._calls.ask("identity", "GetCaptureSet", **asked)).capture_set
                report = (await self._calls.ask("identity", "GetCaptureReport", **asked)).report
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
        )

    async def _visitor(self, request: Request) -> Visitor:
        return await self._sessions.find(request.cookies.get(COOKIE, ""))

    def _refused(self, visitor: Visitor, error: DomainError) -> Response:
        return self._page("refused.html", visitor, status=problem.status_of(error), error=error)

    def _page(
        self, name: str, visitor: Visitor, *, status: HTTPStatus = HTTPStatus.OK, **fields: Any
    ) -> Response:
        text = self._templates.get_template(name).render(visitor=visitor, **fields)
        return HTMLResponse(text, status_code=int(status), headers=HEADERS)


def money(amount: Any) -> str:
    """Write an amount as people read it: EUR 1,234.56."""
    minor = int(amount.amount_minor)
    sign = "−" if minor < 0 else ""
    return f"{amount.currency_code} {sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"


def day(stamp: Timestamp) -> str:
    """Write a time as its day in UTC."""
    return f"{datetime.fromtimestamp(stamp.seconds, UTC):%-d %B %Y}" if stamp.seconds else "—"


def moment(stamp: Timestamp) -> str:
    """Write a time to the second, in UTC."""
    return f"{datetime.fromtimestamp(stamp.seconds, UTC):%-d %B %Y, %H:%M:%S} UTC"


def plain(name: str) -> str:
    """Write a constant as words: "approval_decided" is "approval decided"."""
    return name.replace("_", " ").lower()


def _is_from_here(request: Request) -> bool:
    """Tell whether a form was sent from one of our own pages."""
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")
