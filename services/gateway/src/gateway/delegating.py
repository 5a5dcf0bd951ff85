"""Delegations: what a talent lets her agency do, within which bounds, until when. Never consent."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kit.errors import DomainError
from sosia.identity.v1 import delegation_pb2, party_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting, forms, signing
from gateway.clients import Calls
from gateway.forms import Form
from gateway.offers import to_minor, to_moment, to_number
from gateway.parts import find_names
from gateway.phrases import CATEGORIES
from gateway.sessions import Visitor
from gateway.site import Site

_GRANT = delegation_pb2.DELEGATED_ACT_SIGN_LICENSE
_DAYS = 180
"""How long a delegation lasts when nobody says otherwise."""


class Delegating:
    """Where delegations are asked for, given and ended."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is, and where its forms go."""
        one, post = "/delegations/{delegation_id}", ["POST"]
        answering = self._site.answering
        return [
            Route("/delegations", answering(self._list)),
            Route("/delegations/new", answering(self._draft)),
            Route("/delegations/new", answering(self._propose), methods=post),
            Route(one, answering(self._show)),
            Route(f"{one}/sign", answering(self._sign), methods=post),
            Route(f"{one}/end", answering(self._end), methods=post),
        ]

    async def _list(self, request: Request, visitor: Visitor) -> Response:
        acting.require(visitor, "talent", "agency", "staff")
        kind, party_id = visitor.actor.kind, visitor.actor.party_id
        of = {f"{kind}_id": party_id}
        if kind == "staff":
            of = {"talent_id": request.query_params.get("talent_id", "")}
        found = list((await self._calls.ask("identity", "ListDelegations", **of)).delegations)
        ids = {one.talent_id for one in found} | {one.agency_id for one in found}
        agency_id = ""
        if kind == "talent":
            agreed = await self._calls.ask("identity", "GetRepresentation", talent_id=party_id)
            agency_id = agreed.representation.agency_id
        names = await find_names(self._calls, {*ids, agency_id})
        return self._site.spoken(
            request, "delegations.html", visitor, found=found, names=names, agency_id=agency_id
        )

    async def _draft(self, request: Request, visitor: Visitor) -> Response:
        return await self._form(request, visitor, Form(visitor, {}))

    async def _form(
        self, request: Request, visitor: Visitor, form: Form, wrong: DomainError | None = None
    ) -> Response:
        acting.require(visitor, "talent", "agency")
        talent_id = _talent_of(request, visitor)
        agreed = await self._calls.ask("identity", "GetRepresentation", talent_id=talent_id)
        agency_id = agreed.representation.agency_id
        today = datetime.now(UTC).date()
        return self._site.spoken(
            request,
            "delegate.html",
            visitor,
            wrong=wrong,
            given=form,
            talent_id=talent_id,
            agency_id=agency_id,
            acts=list(agreed.delegable),
            brands=await acting.list_parties(self._calls, party_pb2.PARTY_KIND_BRAND),
            categories=CATEGORIES,
            names=await find_names(self._calls, {talent_id, agency_id}),
            days=(today.isoformat(), (today + timedelta(days=_DAYS)).isoformat()),
        )

    async def _propose(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        try:
            fields: dict[str, Any] = {
                "talent_id": _talent_of(request, visitor),
                "agency_id": form.text("agency_id"),
                "bounds": to_bounds(form),
            }
            call = "ProposeDelegation"
            made = await forms.command(self._calls, form, "identity", call, **fields)
        except DomainError as error:
            return await self._form(request, visitor, form, error)
        return acting.to(f"/delegations/{made.delegation.id}", "proposed")

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._page(request, visitor)

    async def _page(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        asked = {"delegation_id": request.path_params["delegation_id"]}
        one = (await self._calls.ask("identity", "GetDelegation", **asked)).delegation
        herself = visitor.actor.party_id == one.talent_id
        ids = {one.talent_id, one.agency_id, *one.bounds.brand_ids}
        return self._site.spoken(
            request,
            "delegation.html",
            visitor,
            wrong=wrong,
            one=one,
            acts=[int(act) for act in one.bounds.acts],
            state=delegation_pb2.DelegationState.Name(one.state).removeprefix("DELEGATION_STATE_"),
            names=await find_names(self._calls, ids),
            herself=herself,
            signers=await signing.find_signers(self._calls, one.talent_id) if herself else "",
            receipts=await signing.find_receipts(self._calls, one.id),
        )

    async def _sign(self, request: Request, visitor: Visitor) -> Response:
        return await self._give(request, visitor, "SignDelegation", "signed")

    async def _end(self, request: Request, visitor: Visitor) -> Response:
        return await self._give(request, visitor, "RevokeDelegation", "ended")

    async def _give(self, request: Request, visitor: Visitor, call: str, done: str) -> Response:
        """Give a signed command about the path's delegation, and show it again."""
        about = request.path_params["delegation_id"]
        form = await forms.read(request, visitor)
        wrong = await acting.give(self._calls, form, call, delegation_id=about)
        if wrong is not None:
            return await self._page(request, visitor, wrong)
        return acting.to(f"/delegations/{about}", done)


def _talent_of(request: Request, visitor: Visitor) -> str:
    """Return whose delegation it is: the visitor's own, or that of the talent an agency names."""
    if visitor.actor.kind == "talent":
        return visitor.actor.party_id
    return request.query_params.get("talent_id", "")


def to_bounds(form: Form) -> dict[str, Any]:
    """Return the bounds a form says. Price, term and exclusivity bound only what is granted, so a
    delegation that grants nothing has the narrowest.

    Raises:
        FieldInvalid: a day, an amount or a number is none.
    """
    acts = [int(act) for act in form.all("acts") if act.isdigit()]
    more = [one.strip().lower().replace(" ", "_") for one in form.text("more").split(",")]
    bounds: dict[str, Any] = {
        "acts": acts,
        "brand_ids": form.all("brand_ids"),
        "categories": [*form.all("categories"), *filter(None, more)],
        "starts_at": to_moment(form, "first_day", "UTC"),
        "ends_at": to_moment(form, "last_day", "UTC", days=1),
        "fee_floor": {"currency_code": form.text("currency") or "EUR", "amount_minor": 1},
        "longest_term_days": 1,
        "exclusive": False,
    }
    if _GRANT in acts:
        bounds["fee_floor"]["amount_minor"] = to_minor(form, "floor") or 0
        bounds["longest_term_days"] = to_number(form, "longest_term_days")
        bounds["exclusive"] = form.is_ticked("exclusive")
    return bounds
