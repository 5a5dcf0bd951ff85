"""Pages of claims: the queue of whoever looks, and one claim with what was seen."""

import json
from typing import Any

from kit import trace
from kit.errors import DomainError, FieldInvalid, NotFound
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import forms
from gateway.clients import Calls
from gateway.site import Site

_VERDICTS = {1: "verified", 2: "recovered", 3: "suspect", 4: "unknown"}


class ClaimPages:
    """/claims and /claims/{claim_id}."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is."""
        return [
            Route("/claims", self._queue, methods=["GET"]),
            Route("/claims/{claim_id}", self._claim, methods=["GET"]),
            Route("/claims/{claim_id}", self._step, methods=["POST"]),
        ]

    async def _queue(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        try:
            with trace.span("claims", {}, who=visitor.actor):
                found = (await self._calls.ask("render", "ListClaims")).claims
                names = await self._names(found)
        except DomainError as error:
            return self._site.refused(visitor, error)
        waits = {"brand": (1,)}.get(visitor.actor.kind, (1, 2))
        return self._site.spoken(
            request,
            "claims.html",
            visitor,
            names=names,
            waiting=[claim for claim in found if claim.state in waits],
            others=[claim for claim in found if claim.state not in waits],
        )

    async def _claim(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        claim_id = request.path_params["claim_id"]
        try:
            with trace.span("claim", {}, who=visitor.actor):
                claim = (await self._calls.ask("render", "GetClaim", claim_id=claim_id)).claim
                names = await self._names([claim])
        except DomainError as error:
            return self._site.refused(visitor, error)
        return self._site.spoken(
            request,
            "claim.html",
            visitor,
            claim=claim,
            names=names,
            terms=read_terms(claim.license_statement),
            verdicts=_VERDICTS,
        )

    async def _step(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        claim_id = request.path_params["claim_id"]
        try:
            form = await forms.read(request, visitor)
            said = {"claim_id": claim_id, "note": form.text("note")}
            call = form.text("do")
            if call == "answer":
                await forms.command(self._calls, form, "render", "AnswerClaim", **said)
            elif call in ("settle", "dismiss"):
                said |= {"settle": call == "settle"}
                await forms.command(self._calls, form, "render", "CloseClaim", **said)
            else:
                raise FieldInvalid("do", "must be answer, settle or dismiss")
        except DomainError as error:
            return self._site.refused(visitor, error)
        return RedirectResponse(f"/claims/{claim_id}", 303)

    async def _names(self, found: Any) -> dict[str, str]:
        """Return the names of everybody in some claims, as far as they may be seen."""
        ids = {party for claim in found for party in (claim.talent_id, claim.brand_id)}
        ids |= {step.party_id for claim in found for step in claim.steps if step.party_id}
        names = {}
        for party_id in sorted(ids):
            try:
                party = (await self._calls.ask("identity", "GetParty", party_id=party_id)).party
            except NotFound:
                names[party_id] = party_id
            else:
                names[party_id] = party.public_name or party.name
        return names


def read_terms(statement: bytes) -> str:
    """Return what the talent had signed, laid out to be read."""
    try:
        return json.dumps(json.loads(statement), indent=2, ensure_ascii=False)
    except ValueError:
        return statement.decode(errors="replace")
