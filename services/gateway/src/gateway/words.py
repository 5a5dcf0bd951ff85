"""The talent's queue: one picture at a time, what it is for, what it pays, yes or no."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import forms
from gateway.beside import Fault
from gateway.clients import Calls
from gateway.forms import SessionMissing
from gateway.parts import find_names, part
from gateway.sessions import Visitor
from gateway.site import Site

_PENDING = 1
_MOST_PAST = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture she is asked about, and all she needs to know to say yes or no."""

    approval: Any
    license: Any
    render: Any
    campaign: Any
    product: Any
    brand: str
    brief: Any = None

    @property
    def uses(self) -> list[Any]:
        """Return where the picture is to be seen: of the license's uses those its brief names."""
        listed = list(self.license.terms.uses)
        named = [one for one in listed if self.brief and one.media in self.brief.media]
        return named or listed


class Words:
    """Where talents say their word."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where the queue is, and where its form goes."""
        return [
            Route("/approvals", self._queue),
            Route("/approvals/{approval_id}", self._decide, methods=["POST"]),
        ]

    async def _queue(self, request: Request) -> Response:
        return await self._show(request, await self._site.visitor(request))

    async def _show(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        hers = visitor.actor.party_id if visitor.actor.kind == "talent" else ""
        talent_id = request.query_params.get("talent_id", "") or hers
        try:
            with trace.span("approvals", {}, who=visitor.actor):
                found = await self._calls.ask("licensing", "ListApprovals", talent_id=talent_id)
                waiting = sorted(
                    (one for one in found.approvals if _is_open(one)),
                    key=lambda one: one.deadline.seconds,
                )
                place = _place(request, waiting)
                asked = await self._open(waiting[place]) if waiting else None
        except DomainError as error:
            return self._site.refused(visitor, error)
        past = [one for one in found.approvals if not _is_open(one)][:_MOST_PAST]
        return self._site.spoken(
            request,
            "approvals.html",
            visitor,
            wrong=wrong,
            asked=asked,
            place=place,
            waiting=waiting,
            past=past,
            may_sign=bool(hers) and hers == talent_id,
            fault=None if wrong is None else Fault(wrong, {"reason": "reason"}),
        )

    async def _open(self, approval: Any) -> Asked:
        ask = self._calls.ask
        license = (await ask("licensing", "GetLicense", license_id=approval.license_id)).license
        render = await part(ask("render", "GetRender", render_id=approval.render_id), "render")
        campaign = product = brief = None
        if render is not None:
            asked = ask("render", "GetCampaign", campaign_id=render.campaign_id)
            campaign = await part(asked, "campaign")
            brief = await part(ask("render", "GetBrief", brief_id=render.brief_id), "brief")
            product = brief and brief.products[brief.shots[render.shot].product]
        names = await find_names(self._calls, [license.terms.brand_id])
        brand = names.get(license.terms.brand_id, "")
        return Asked(approval, license, render, campaign, product, brand, brief)

    async def _decide(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        try:
            form = await forms.read(request, visitor)
            await forms.command(
                self._calls,
                form,
                "licensing",
                "DecideApproval",
                approval_id=request.path_params["approval_id"],
                approve=form.text("word") == "yes",
                reason=form.text("reason"),
            )
        except SessionMissing as error:
            return self._site.refused(visitor, error)
        except DomainError as error:
            return await self._show(request, visitor, error)
        return RedirectResponse("/approvals", HTTPStatus.SEE_OTHER)


def _is_open(approval: Any) -> bool:
    now = datetime.now(UTC).timestamp()
    return bool(approval.state == _PENDING and approval.deadline.seconds > now)


def _place(request: Request, waiting: list[Any]) -> int:
    """Return which of those waiting is looked at: the one named, else the first."""
    named = request.query_params.get("picture", "") or request.path_params.get("approval_id", "")
    ids = [one.id for one in waiting]
    return ids.index(named) if named in ids else 0
