"""A consent is proposed: by the talent, her agency, or the house. What it needs, identity says."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kit.errors import DomainError
from sosia.identity.v1 import consent_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting, forms, languages
from gateway.clients import Calls
from gateway.forms import Form
from gateway.offers import to_minor, to_moment
from gateway.parts import find_names
from gateway.phrases import amount
from gateway.sessions import Visitor
from gateway.site import Site

LANGUAGES = ("en", "sv", "de", "fr")
"""Those there is a text of consents in; identity knows them."""
_STEPS = [step for step in consent_pb2.Step.values() if step]
_DAYS = 730
"""How long a consent lasts when nobody says otherwise."""


class Consenting:
    """/consents/new."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where the form is, and where it goes."""
        answering = self._site.answering
        return [
            Route("/consents/new", answering(self._draft)),
            Route("/consents/new", answering(self._propose), methods=["POST"]),
        ]

    async def _draft(self, request: Request, visitor: Visitor) -> Response:
        return await self._form(request, visitor, Form(visitor, {}))

    async def _form(
        self, request: Request, visitor: Visitor, form: Form, wrong: DomainError | None = None
    ) -> Response:
        acting.require(visitor, "talent", "agency", "staff")
        talent_id = _talent_of(request, visitor)
        supersedes = request.query_params.get("supersedes", "")
        today = datetime.now(UTC).date()
        days = {"first_day": today.isoformat(), "last_day": str(today + timedelta(days=_DAYS))}
        given = days | {"currency": "EUR"}
        scope = [str(step) for step in _STEPS]
        if supersedes:
            asked = self._calls.ask("identity", "GetConsent", consent_id=supersedes)
            old = (await asked).consent.terms
            talent_id, scope = old.talent_id, [str(step) for step in old.scope]
            given |= from_terms(old)
        if form.values:
            given, scope = form.values, form.all("scope")
        return self._site.spoken(
            request,
            "consent_new.html",
            visitor,
            wrong=wrong,
            given=given,
            scope=scope,
            steps=[str(step) for step in _STEPS],
            talent_id=talent_id,
            supersedes=supersedes,
            names=await find_names(self._calls, {talent_id}),
            languages=[(code, str(languages.load(code)["name"])) for code in LANGUAGES],
        )

    async def _propose(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        try:
            terms = to_terms(form, talent_id=_talent_of(request, visitor))
            fields = {"terms": terms, "supersedes": request.query_params.get("supersedes", "")}
            made = await forms.command(self._calls, form, "identity", "ProposeConsent", **fields)
        except DomainError as error:
            return await self._form(request, visitor, form, error)
        return acting.to(f"/consents/{made.consent.id}")


def _talent_of(request: Request, visitor: Visitor) -> str:
    """Return whose consent it is: the visitor's own, or that of the talent the path names."""
    if visitor.actor.kind == "talent":
        return visitor.actor.party_id
    return request.query_params.get("talent_id", "")


def to_terms(form: Form, *, talent_id: str) -> dict[str, Any]:
    """Return the terms a form says. Raises FieldInvalid: a day or an amount is none."""
    pay = {"currency_code": form.text("currency"), "amount_minor": to_minor(form, "rate") or 0}
    contexts = [one.strip() for one in form.text("prohibited").split(",") if one.strip()]
    return {
        "talent_id": talent_id,
        "scope": [_code(step) for step in form.all("scope")],
        "purpose": form.text("purpose"),
        "rate_of_pay": pay,
        "rate_basis": form.text("basis"),
        "starts_at": to_moment(form, "first_day", "UTC"),
        "ends_at": to_moment(form, "last_day", "UTC", days=1),
        "uses": form.text("uses"),
        "language": form.text("language"),
        "advice": _code(form.text("advice")),
        "withdrawal_policy": _code(form.text("policy")),
        "prohibited_contexts": contexts,
    }


def _code(text: str) -> int:
    """Return the number of a choice; that of none for what is no number."""
    return int(text) if text.isdecimal() and len(text) < 3 else 0


def from_terms(terms: consent_pb2.ConsentTerms) -> dict[str, str]:
    """Return what a form would say for a consent like another; who advised her is asked anew."""
    return {
        "purpose": terms.purpose,
        "rate": amount(terms.rate_of_pay),
        "currency": terms.rate_of_pay.currency_code,
        "basis": terms.rate_basis,
        "uses": terms.uses,
        "language": terms.language.partition("-")[0].lower(),
        "policy": str(terms.withdrawal_policy),
        "prohibited": ", ".join(terms.prohibited_contexts),
    }
