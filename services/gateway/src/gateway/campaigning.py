"""Campaigns and briefs made on pages: what is chosen from, what was filled in, what was wrong."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError, NotAllowed
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import boards, forms, offers, ordering, problem
from gateway.beside import Fault
from gateway.clients import Calls
from gateway.forms import Form, SessionMissing
from gateway.ordering import Rows
from gateway.parts import find_names
from gateway.phrases import ROLES
from gateway.sessions import Visitor
from gateway.site import Site

_ACTIVE, _CREW = 2, 4
_MAKERS = ("brand", "crew")


@dataclass(frozen=True, slots=True)
class Choice:
    """A license a campaign may be opened under."""

    license_id: str
    brand: str
    talent: str
    purpose: str
    starts_at: Any
    ends_at: Any

    @property
    def term(self) -> tuple[datetime, datetime]:
        """Return its term, half-open."""
        return self.starts_at.ToDatetime(tzinfo=UTC), self.ends_at.ToDatetime(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it is shown: what stands in it, how many rows it has, what was wrong."""

    values: Mapping[str, str]
    rows: Rows
    fault: Fault | None = None

    def value(self, name: str, otherwise: str = "") -> str:
        """Return what stands in a field."""
        return self.values.get(name, otherwise)

    def wrong(self, name: str) -> str:
        """Return what was wrong with a field."""
        return self.fault.at(name) if self.fault else ""

    def ticks(self, name: str) -> bool:
        """Tell whether a box is ticked; all are in a form nobody filled in yet."""
        return not self.values or name in self.values

    @property
    def status(self) -> HTTPStatus:
        """Return the status of the page that shows it."""
        return HTTPStatus.OK if self.fault is None else problem.status_of(self.fault.error)


class Campaigning:
    """Where campaigns and briefs begin."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is, and where its form goes."""
        brief = "/campaigns/{campaign_id}/briefs/new"
        return [
            Route("/campaigns/new", self._new_campaign),
            Route("/campaigns/new", self._make_campaign, methods=["POST"]),
            Route("/campaigns/{campaign_id}", self._campaign),
            Route("/campaigns/{campaign_id}/credits", self._credit, methods=["POST"]),
            Route(brief, self._new_brief),
            Route(brief, self._make_brief, methods=["POST"]),
        ]

    async def _campaign(self, request: Request) -> Response:
        return await self._show(request, await self._site.visitor(request))

    async def _show(
        self, request: Request, visitor: Visitor, filled: Filled | None = None
    ) -> Response:
        """Return the page of a campaign, with what was filled in of another credit."""
        filled = filled or Filled({}, Rows())
        try:
            with trace.span("campaign", {}, who=visitor.actor):
                shown = await boards.open_campaign(self._calls, request.path_params["campaign_id"])
                credits = shown.is_led_by(visitor.actor.party_id)
                crew = await list_crew(self._calls) if credits else []
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.page(
            "campaign.html",
            visitor,
            status=filled.status,
            shown=shown,
            filled=filled,
            makes=shown.is_made_by(visitor.actor.party_id),
            credits=credits,
            crew=crew,
            roles=_other_roles(),
            once=secrets.token_urlsafe(16),
        )

    async def _credit(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        campaign_id = request.path_params["campaign_id"]
        try:
            form = await forms.read(request, visitor)
        except SessionMissing as error:
            return self._site.refused(visitor, error)
        one = {"party_id": form.text("party_id"), "role": form.text("role")}
        fields = {"campaign_id": campaign_id, "credits": [one]}
        try:
            await forms.command(self._calls, form, "render", "CreditCrew", **fields)
        except DomainError as error:
            places = {"credits[0]": "party_id", "credits[0].party_id": "party_id"}
            fault = Fault(error, places | {"credits[0].role": "role"})
            return await self._show(request, visitor, Filled(form.values, Rows(), fault))
        return RedirectResponse(f"/campaigns/{campaign_id}#crew", HTTPStatus.SEE_OTHER)

    async def _new_campaign(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        return await self._show_campaign(visitor, Filled(request.query_params, Rows()))

    async def _make_campaign(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        try:
            form = await forms.read(request, visitor)
        except SessionMissing as error:
            return self._site.refused(visitor, error)
        rows, places = ordering.count_rows(form), _as_named(form)
        if form.text("more"):
            return await self._show_campaign(visitor, Filled(form.values, rows))
        try:
            with trace.span("licenses", {}, who=visitor.actor):
                choices = await find_choices(self._calls, visitor)
            term = next(
                (one.term for one in choices if one.license_id == form.text("license_id")), None
            )
            wanted = ordering.to_campaign(form, term)
            places = wanted.places
            made = await forms.command(
                self._calls, form, "render", "CreateCampaign", **wanted.fields
            )
        except DomainError as error:
            return await self._show_campaign(
                visitor, Filled(form.values, rows, Fault(error, places))
            )
        return RedirectResponse(f"/campaigns/{made.campaign.id}", HTTPStatus.SEE_OTHER)

    async def _show_campaign(self, visitor: Visitor, filled: Filled) -> Response:
        try:
            with trace.span("new campaign", {}, who=visitor.actor):
                choices, crew = await asyncio.gather(
                    find_choices(self._calls, visitor), list_crew(self._calls)
                )
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.page(
            "campaign_new.html",
            visitor,
            status=filled.status,
            filled=filled,
            choices=choices,
            crew=crew,
            roles=_other_roles(),
            most=ordering.MOST_CREDITS,
            once=secrets.token_urlsafe(16),
        )

    async def _new_brief(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        return await self._show_brief(request, visitor, Filled({}, Rows()))

    async def _make_brief(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        try:
            form = await forms.read(request, visitor)
        except SessionMissing as error:
            return self._site.refused(visitor, error)
        campaign_id = request.path_params["campaign_id"]
        rows, places = ordering.count_rows(form), _as_named(form)
        if form.text("more"):
            return await self._show_brief(request, visitor, Filled(form.values, rows))
        try:
            with trace.span("choices", {}, who=visitor.actor):
                there = await self._calls.ask("render", "ListBriefChoices", campaign_id=campaign_id)
            latest = there.latest_deadline.ToDatetime(tzinfo=UTC)
            wanted = ordering.to_brief(form, campaign_id, latest, there.media)
            places = wanted.places
            made = await forms.command(self._calls, form, "render", "CreateBrief", **wanted.fields)
        except DomainError as error:
            filled = Filled(form.values, rows, Fault(error, places))
            return await self._show_brief(request, visitor, filled)
        return RedirectResponse(f"/briefs/{made.brief.id}", HTTPStatus.SEE_OTHER)

    async def _show_brief(self, request: Request, visitor: Visitor, filled: Filled) -> Response:
        campaign_id = request.path_params["campaign_id"]
        try:
            with trace.span("new brief", {}, who=visitor.actor):
                shown, there = await asyncio.gather(
                    boards.open_campaign(self._calls, campaign_id),
                    self._calls.ask("render", "ListBriefChoices", campaign_id=campaign_id),
                )
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.page(
            "brief_new.html",
            visitor,
            status=filled.status,
            filled=filled,
            shown=shown,
            there=there,
            most=ordering,
            formats=offers.FORMATS,
            once=secrets.token_urlsafe(16),
        )


async def find_choices(calls: Calls, visitor: Visitor) -> list[Choice]:
    """Ask for the live licenses the visitor may open a campaign under.

    Raises:
        SessionMissing: nobody is signed in.
        NotAllowed: neither a brand nor somebody of crew is.
    """
    actor = visitor.actor
    if not visitor.is_known:
        raise SessionMissing("sign in first")
    if actor.kind not in _MAKERS:
        raise NotAllowed("campaigns are opened by brands and the directors they appoint")
    if actor.kind == "crew":
        found = (await calls.ask("render", "ListAppointments")).appointments
        live = [(one.license_id, one, one) for one in found if one.live]
    else:
        licenses = await calls.ask("licensing", "ListLicenses", brand_id=actor.party_id)
        live = [(one.id, one.terms, one) for one in licenses.licenses if one.state == _ACTIVE]
    ids = {terms.brand_id for _, terms, _ in live} | {terms.talent_id for _, terms, _ in live}
    names = await find_names(calls, ids)
    return [
        Choice(
            license_id,
            names.get(terms.brand_id, ""),
            names.get(terms.talent_id, ""),
            terms.purpose,
            license.starts_at,
            license.ends_at,
        )
        for license_id, terms, license in live
    ]


async def list_crew(calls: Calls) -> list[Any]:
    """Ask for the crew of the house, the first 200."""
    page = {"page_size": 200}
    found = await calls.ask("identity", "ListParties", kind=_CREW, page=page)
    return list(found.parties)


def _other_roles() -> dict[str, str]:
    """Return the roles beside the director's, of whom there is one."""
    return {code: words for code, words in ROLES.items() if code != "creative_director"}


def _as_named(form: Form) -> dict[str, str]:
    """Return the places of a form whose own reading names its fields."""
    return {name: name for name in form.values}
