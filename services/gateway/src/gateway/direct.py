"""Campaigns and briefs: the moodboard, the shots, their takes side by side, the director's word."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import boards, forms, problem, talking
from gateway.beside import Fault
from gateway.clients import Calls
from gateway.forms import FILE_BYTES, FORM_BYTES, Form, SessionMissing
from gateway.sessions import Visitor
from gateway.site import Site

Act = Callable[[Form, Request], Awaitable[Any]]
_DIRECTION = ("framing", "pose", "view", "lighting")
_FACTS = ("title", "credit", "rights", "shows")
_PLACES = {f"facts.{name}": name for name in (*_FACTS, "product")}
_PLACES |= {name: name for name in ("content", "note", "seed", *_DIRECTION)}


class Direct:
    """Where people direct."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is, and where its forms go."""
        brief, post = "/briefs/{brief_id}", ["POST"]
        take = f"{brief}/takes/{{render_id}}"
        acts: dict[str, Act] = {
            f"{brief}/start": self._start,
            f"{brief}/references/{{reference_id}}/remove": self._remove_reference,
            f"{take}/another": self._another,
            f"{take}/choose": self._choose,
            f"{take}/put-back": self._put_back,
            f"{take}/approve": self._approve,
            f"{take}/release": self._release,
        }
        board = self._doing(self._add_reference, most=FILE_BYTES)
        return [
            Route("/campaigns", self._campaigns),
            Route(brief, self._brief),
            Route(f"{brief}/references", board, methods=post),
            *(Route(path, self._doing(act), methods=post) for path, act in acts.items()),
        ]

    async def _campaigns(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        asked = {"talent_id": request.query_params.get("talent_id", "")}
        try:
            with trace.span("campaigns", {}, who=visitor.actor):
                shown = await boards.list_campaigns(self._calls, **asked)
        except DomainError as error:
            return self._site.refused(visitor, error)
        waiting = boards.find_waiting(shown, visitor.actor.party_id)
        return self._site.page("campaigns.html", visitor, shown=shown, waiting=waiting)

    async def _brief(self, request: Request) -> Response:
        return await self._show(request, await self._site.visitor(request))

    async def _show(
        self,
        request: Request,
        visitor: Visitor,
        wrong: DomainError | None = None,
        form: Form | None = None,
    ) -> Response:
        """Return the page of a brief; with `wrong`, saying why what `form` asked was not done."""
        try:
            with trace.span("brief", {}, who=visitor.actor):
                board = await boards.open_board(self._calls, request.path_params["brief_id"])
                talents = []
                if visitor.actor.party_id in board.makers:
                    talents = await talking.list_talents(self._calls)
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.page(
            "brief.html",
            visitor,
            status=HTTPStatus.OK if wrong is None else problem.status_of(wrong),
            board=board,
            party=visitor.actor.party_id,
            given={} if form is None else form.values,
            fault=None if wrong is None else Fault(wrong, _PLACES),
            talents=talents,
            once=lambda: secrets.token_urlsafe(16),
        )

    def _doing(
        self, act: Act, *, most: int = FORM_BYTES
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers a form: does it, and shows the brief again."""

        async def answer(request: Request) -> Response:
            visitor = await self._site.visitor(request)
            form = None
            try:
                form = await forms.read(request, visitor, most=most)
                await act(form, request)
            except SessionMissing as error:
                return self._site.refused(visitor, error)
            except DomainError as error:
                return await self._show(request, visitor, error, form)
            where = request.path_params.get("render_id", "moodboard")
            page = f"/briefs/{request.path_params['brief_id']}#{where}"
            return RedirectResponse(page, HTTPStatus.SEE_OTHER)

        return answer

    async def _start(self, form: Form, request: Request) -> None:
        await self._do(form, "StartRenders", brief_id=request.path_params["brief_id"])

    async def _add_reference(self, form: Form, request: Request) -> None:
        facts = {name: form.text(name) for name in _FACTS}
        if form.text("product"):
            facts["product"] = form.text("product")
        brief_id = request.path_params["brief_id"]
        await self._do(form, "AddReference", brief_id=brief_id, facts=facts, content=form.content)

    async def _remove_reference(self, form: Form, request: Request) -> None:
        await self._do(form, "RemoveReference", reference_id=request.path_params["reference_id"])

    async def _another(self, form: Form, request: Request) -> None:
        words = {name: form.text(name) for name in _DIRECTION}
        if form.text("seed"):
            words["seed"] = form.text("seed")
        await self._take(form, request, "AskTake", note=form.text("note"), **words)

    async def _choose(self, form: Form, request: Request) -> None:
        await self._take(form, request, "ChooseTake", note=form.text("note"))

    async def _put_back(self, form: Form, request: Request) -> None:
        await self._take(form, request, "PutBackTake", note=form.text("note"))

    async def _approve(self, form: Form, request: Request) -> None:
        await self._take(form, request, "ReviewRender", approve=True, note=form.text("note"))

    async def _release(self, form: Form, request: Request) -> None:
        await self._take(form, request, "ReleaseRender")

    async def _take(self, form: Form, request: Request, call: str, **fields: Any) -> None:
        await self._do(form, call, render_id=request.path_params["render_id"], **fields)

    async def _do(self, form: Form, call: str, **fields: Any) -> None:
        await forms.command(self._calls, form, "render", call, **fields)
