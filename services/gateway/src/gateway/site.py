"""What every page has in common: who looks, templates and their words, refusals."""

import base64
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.timestamp_pb2 import Timestamp
from jinja2 import Environment, PackageLoader, StrictUndefined
from kit import trace
from kit.errors import DomainError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway import languages, nav, phrases, problem
from gateway.sessions import COOKIE, Sessions, Visitor

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Answer = Callable[[Request, Visitor], Awaitable[Response]]


class Site:
    """The house's pages, whichever module fills them."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._templates = Environment(
            loader=PackageLoader("gateway", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"money": money, "day": day, "moment": moment, "plain": plain}
        self._templates.filters |= {"base64": to_base64, "url_base64": to_url}
        self._templates.filters |= phrases.FILTERS
        self._templates.globals |= {"pages": nav.PAGES, "english": languages.load("en")}

    async def visitor(self, request: Request) -> Visitor:
        """Return who looks, by the cookie of a session, and in which language."""
        found = await self.sessions.find(request.cookies.get(COOKIE, ""))
        return replace(found, language=languages.choose(request).code)

    def answering(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Return `answer` on behalf of whoever is signed in, what is refused as a page."""

        async def guard(request: Request) -> Response:
            visitor = await self.visitor(request)
            if not visitor.is_known and request.method == "GET":
                return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
            try:
                with trace.span("page", {}, who=visitor.actor):
                    return await answer(request, visitor)
            except DomainError as error:
                return self.refused(visitor, error)

        return guard

    def spoken(
        self,
        request: Request,
        name: str,
        visitor: Visitor,
        *,
        wrong: DomainError | None = None,
        **fields: Any,
    ) -> Response:
        """Return a page in a language of the visitor's, or in `t`, which may be given.

        With `wrong` it is the page of what was not done.
        """
        t: languages.Language = fields.pop("t", None) or languages.choose(request)
        given = {"t": t, "wrong": wrong, "done": request.query_params.get("done", ""), **fields}
        given["once"] = lambda: secrets.token_urlsafe(16)
        status = HTTPStatus.OK if wrong is None else problem.status_of(wrong)
        page = self.page(name, visitor, status=status, **given)
        page.headers["Content-Language"] = t.code
        page.headers["Vary"] = "Accept-Language"
        return page

    def page(
        self, name: str, visitor: Visitor, *, status: HTTPStatus = HTTPStatus.OK, **fields: Any
    ) -> Response:
        """Return a page."""
        text = self._templates.get_template(name).render(visitor=visitor, **fields)
        return HTMLResponse(text, status_code=int(status), headers=HEADERS)

    def refused(self, visitor: Visitor, error: DomainError) -> Response:
        """Return the page that says why there is none."""
        status, t = problem.status_of(error), languages.load(visitor.language)
        return self.page("refused.html", visitor, status=status, error=error, t=t)


def is_from_here(request: Request) -> bool:
    """Tell whether a form was sent from one of our own pages."""
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")


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


def to_base64(data: bytes) -> str:
    """Write bytes as base64."""
    return base64.b64encode(data).decode()


def to_url(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
