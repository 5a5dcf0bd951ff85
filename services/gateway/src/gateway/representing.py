"""Representation: which agency represents a talent. Offered by agencies, signed by her, ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kit.errors import DomainError, FieldInvalid, NotFound
from sosia.identity.v1 import party_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting, forms, signing
from gateway.clients import Calls
from gateway.forms import Form
from gateway.offers import to_minor, to_moment
from gateway.parts import find_names
from gateway.sessions import Visitor
from gateway.site import Site

_DAYS = 365
"""How long representation lasts when nobody says otherwise."""


class RepresentationMissing(NotFound):
    """No such representation, or none the visitor may know of."""

    reason = "REPRESENTATION_NOT_FOUND"


class Representing:
    """/representation, of talents and of agencies."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is, and where its forms go."""
        one, post = "/representation/{representation_id}", ["POST"]
        answering = self._site.answering
        return [
            Route("/representation", answering(self._list)),
            Route("/representation/new", answering(self._draft)),
            Route("/representation/new", answering(self._propose), methods=post),
            Route(one, answering(self._show)),
            Route(f"{one}/sign", answering(self._sign), methods=post),
            Route(f"{one}/end", answering(self._end), methods=post),
        ]

    async def _find(self, visitor: Visitor) -> list[Any]:
        """Return every representation of a visitor's, offers among them, newest first."""
        acting.require(visitor, "talent", "agency")
        of = {f"{visitor.actor.kind}_id": visitor.actor.party_id}
        asked = self._calls.ask("identity", "ListRepresentations", everything=True, **of)
        return list((await asked).representations)

    async def _list(self, request: Request, visitor: Visitor) -> Response:
        found = await self._find(visitor)
        ids = {one.talent_id for one in found} | {one.agency_id for one in found}
        names = await find_names(self._calls, ids)
        return self._site.spoken(request, "representations.html", visitor, found=found, names=names)

    async def _draft(self, request: Request, visitor: Visitor) -> Response:
        return await self._form(request, visitor, Form(visitor, {}))

    async def _form(
        self, request: Request, visitor: Visitor, form: Form, wrong: DomainError | None = None
    ) -> Response:
        acting.require(visitor, "agency")
        today = datetime.now(UTC).date()
        return self._site.spoken(
            request,
            "represent.html",
            visitor,
            wrong=wrong,
            given=form,
            talents=await acting.list_parties(self._calls, party_pb2.PARTY_KIND_TALENT),
            days=(today.isoformat(), (today + timedelta(days=_DAYS)).isoformat()),
        )

    async def _propose(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        try:
            fields = to_offer(form, agency_id=visitor.actor.party_id)
            call = "ProposeRepresentation"
            made = await forms.command(self._calls, form, "identity", call, **fields)
        except DomainError as error:
            return await self._form(request, visitor, form, error)
        return acting.to(f"/representation/{made.representation.id}", "proposed")

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._page(request, visitor)

    async def _page(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        about = request.path_params["representation_id"]
        one = next((one for one in await self._find(visitor) if one.id == about), None)
        if one is None:
            raise RepresentationMissing("there is no such representation")
        return self._site.spoken(
            request,
            "representation.html",
            visitor,
            wrong=wrong,
            one=one,
            state=one.why_not or "IN_FORCE",
            names=await find_names(self._calls, {one.talent_id, one.agency_id}),
            herself=visitor.actor.kind == "talent",
            signers=await signing.find_signers(self._calls, visitor.actor.party_id),
            receipts=await signing.find_receipts(self._calls, one.id),
        )

    async def _sign(self, request: Request, visitor: Visitor) -> Response:
        return await self._give(request, visitor, "SignRepresentation", "signed")

    async def _end(self, request: Request, visitor: Visitor) -> Response:
        return await self._give(request, visitor, "EndRepresentation", "ended")

    async def _give(self, request: Request, visitor: Visitor, call: str, done: str) -> Response:
        """Give a signed command about the path's representation, and show it again."""
        about = request.path_params["representation_id"]
        form = await forms.read(request, visitor)
        wrong = await acting.give(self._calls, form, call, representation_id=about)
        if wrong is not None:
            return await self._page(request, visitor, wrong)
        return acting.to(f"/representation/{about}", done)


def to_offer(form: Form, *, agency_id: str) -> dict[str, Any]:
    """Return what an agency offers. Raises FieldInvalid: a day or the share is none."""
    share = to_minor(form, "share")  # percent with two decimals: its hundredths are basis points
    if share is None:
        raise FieldInvalid("share", "must be given, in percent")
    return {
        "agency_id": agency_id,
        "talent_id": form.text("talent_id"),
        "commission_bp": share,
        "jurisdiction": form.text("jurisdiction"),
        "starts_at": to_moment(form, "first_day", "UTC"),
        "ends_at": to_moment(form, "last_day", "UTC", days=1),
    }
