"""The pages of somebody who signs: her keys, her consents, their receipts."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources
from typing import Any

import proofs
from kit import trace
from kit.errors import DomainError, NotAllowed
from sosia.identity.v1 import consent_pb2, key_pb2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import signing
from gateway.callers import kind_of
from gateway.chain import Proven
from gateway.clients import Calls
from gateway.sessions import Visitor
from gateway.site import Site, to_base64, to_url

_HEADING = re.compile(r"\d+\. .+")
_LIVE = key_pb2.KEY_STATE_LIVE
Answer = Callable[[Request, Visitor], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a consent's text: a heading, a line, a quotation or a point of a list."""

    kind: str
    text: str


class Portal:
    """Pages for whoever is signed in and signs; the services check what she may."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site, self._sessions = calls, site, site.sessions
        self._words = load_words()

    def routes(self) -> list[Route]:
        """Return where each page is."""
        consent = "/consents/{consent_id}"
        return [
            Route("/login/passkey", self._sign_in, methods=["POST"]),
            self._shown("/keys", self._show_keys),
            self._sent("/keys", self._add_key),
            self._sent("/keys/{key_id}/confirm", self._confirm_key),
            self._sent("/keys/{key_id}/remove", self._remove_key),
            self._sent("/recoveries/{recovery_id}/stop", self._stop_recovery),
            self._shown("/consents", self._show_consents),
            self._shown(consent, self._show_consent),
            self._sent(f"{consent}/sign", self._sign_consent),
            self._sent(f"{consent}/withdraw", self._withdraw_consent),
        ]

    def _shown(self, path: str, answer: Answer) -> Route:
        return Route(path, self._guarded(answer), methods=["GET"])

    def _sent(self, path: str, answer: Answer) -> Route:
        return Route(path, self._guarded(answer), methods=["POST"])

    def _guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Return `answer` on behalf of whoever is signed in, what is refused as a page."""

        async def guard(request: Request) -> Response:
            visitor = await self._site.visitor(request)
            if not visitor.is_known and request.method == "GET":
                return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
            try:
                with trace.span("portal", {}, who=visitor.actor):
                    return await answer(request, visitor)
            except DomainError as error:
                return self._site.refused(visitor, error)

        return guard

    async def _sign_in(self, request: Request) -> Response:
        try:
            form = await signing.read_form(request)
            with trace.span("sign in", {}):
                signed = {
                    name: signing.read_bytes(form, name) for name in ("statement", "signature")
                }
                party = (await self._calls.ask("identity", "SignIn", **signed)).party
        except DomainError as error:
            return self._site.refused(Visitor(), error)
        visitor = Visitor(trace.Actor(party.id, kind_of(party)), party.public_name)
        path = "/consents" if visitor.actor.kind == "talent" else "/"
        return await signing.open_session(request, self._sessions, visitor, path)

    async def _show_keys(self, _: Request, visitor: Visitor) -> Response:
        mine = {"party_id": visitor.actor.party_id}
        found = await self._calls.ask("identity", "ListKeys", **mine)
        try:
            offer = _to_browser((await self._calls.ask("identity", "OfferKey", **mine)).offer)
        except DomainError:
            offer = ""  # passkeys are off, or she has all she may
        waiting = next(
            (one for one in found.recoveries if one.state == key_pb2.RECOVERY_STATE_WAITING), None
        )
        keys = {key.id: key for key in found.keys}
        held = waiting.key_id if waiting else ""
        return self._site.page(
            "keys.html",
            visitor,
            live=[key for key in found.keys if key.state == _LIVE],
            pending=[
                key
                for key in found.keys
                if key.state == key_pb2.KEY_STATE_PENDING and key.id != held
            ],
            removed=[key for key in found.keys if key.state == key_pb2.KEY_STATE_REMOVED],
            signers=_passkeys(found.keys),
            recovery=waiting,
            keys=keys,
            offer=offer,
        )

    async def _add_key(self, request: Request, visitor: Visitor) -> Response:
        form = await signing.read_form(request)
        credential = signing.read_bytes(form, "credential")
        await self._calls.ask(
            "identity",
            "AddKey",
            request_id=signing.request_id("add", credential),
            party_id=visitor.actor.party_id,
            passkey={"name": form.get("name", ""), "credential": credential},
        )
        return _to("/keys")

    async def _confirm_key(self, request: Request, _: Visitor) -> Response:
        await self._command("ConfirmKey", request, "key_id")
        return _to("/keys")

    async def _remove_key(self, request: Request, visitor: Visitor) -> Response:
        key_id = request.path_params["key_id"]
        mine = {"party_id": visitor.actor.party_id}
        keys = (await self._calls.ask("identity", "ListKeys", **mine)).keys
        pending = {key.id for key in keys if key.state == key_pb2.KEY_STATE_PENDING}
        if key_id in pending:
            await signing.read_form(request)
            discarded = {"key_id": key_id, "request_id": signing.request_id("discard", key_id)}
            await self._calls.ask("identity", "RemoveKey", **discarded)
        else:
            await self._command("RemoveKey", request, "key_id")
        return _to("/keys")

    async def _stop_recovery(self, request: Request, _: Visitor) -> Response:
        await self._command("StopRecovery", request, "recovery_id")
        return _to("/keys")

    async def _show_consents(self, _: Request, visitor: Visitor) -> Response:
        if visitor.actor.kind != "talent":
            raise NotAllowed("only a talent has consents of her own")
        mine = {"talent_id": visitor.actor.party_id}
        found = list((await self._calls.ask("identity", "ListConsents", **mine)).consents)
        words = self._words_of(found[0].terms.language if found else "")
        return self._site.page("consents.html", visitor, consents=found, words=words)

    async def _show_consent(self, request: Request, visitor: Visitor) -> Response:
        consent_id = request.path_params["consent_id"]
        consent = (await self._calls.ask("identity", "GetConsent", consent_id=consent_id)).consent
        herself = visitor.actor.party_id == consent.terms.talent_id
        signers = ""
        if herself:
            mine = {"party_id": visitor.actor.party_id}
            signers = _passkeys((await self._calls.ask("identity", "ListKeys", **mine)).keys)
        policy = consent_pb2.WithdrawalPolicy.Name(consent.terms.withdrawal_policy)
        return self._site.page(
            "consent.html",
            visitor,
            consent=consent,
            state=consent_pb2.ConsentState.Name(consent.state).removeprefix("CONSENT_STATE_"),
            policy=policy.removeprefix("WITHDRAWAL_POLICY_"),
            parts=read_text(consent.text),
            words=self._words_of(consent.terms.language),
            herself=herself,
            signers=signers,
            receipts=await self._receipts(consent_id),
        )

    async def _sign_consent(self, request: Request, _: Visitor) -> Response:
        await self._command("SignConsent", request, "consent_id")
        return _to(f"/consents/{request.path_params['consent_id']}")

    async def _withdraw_consent(self, request: Request, _: Visitor) -> Response:
        await self._command("WithdrawConsent", request, "consent_id")
        return _to(f"/consents/{request.path_params['consent_id']}")

    async def _command(self, call: str, request: Request, name: str) -> None:
        """Give a command about the path's id that a signature in the form carries."""
        signature = signing.read_bytes(await signing.read_form(request), "signature")
        about = request.path_params[name]
        fields = {
            "request_id": signing.request_id(call, about, signature),
            name: about,
            "signature": signature,
        }
        await self._calls.ask("identity", call, **fields)

    async def _receipts(self, subject_id: str) -> list[Proven]:
        """Return the receipts of something, each checked here against the log's key."""
        found = (
            await self._calls.ask("identity", "ListReceipts", subject_ids=[subject_id])
        ).receipts
        if not found:
            return []
        key = (await self._calls.ask("identity", "GetCheckpoint")).verifier_key
        return [Proven(receipt, proofs.check(receipt, key)) for receipt in found]

    def _words_of(self, language: str) -> dict[str, str]:
        """Return the page's words in a language there are, in English otherwise."""
        return self._words.get(language.partition("-")[0].lower(), self._words["en"])


def load_words() -> dict[str, dict[str, str]]:
    """Read the words of the pages about consents, by language.

    Raises:
        ValueError: a language lacks a word another one has.
    """
    text = resources.files("gateway").joinpath("portal.json").read_text("utf-8")
    words: dict[str, dict[str, str]] = json.loads(text)
    if any(told.keys() != words["en"].keys() for told in words.values()):
        raise ValueError("portal.json: a language lacks a word")
    return words


def read_text(text: str) -> list[Part]:
    """Take a consent's text apart, as its format says: "> " is a quotation, "• " a point."""
    kinds = (("> ", "quote"), ("• ", "point"))
    parts = []
    for line in filter(None, text.split("\n")):
        kind = next((kind for mark, kind in kinds if line.startswith(mark)), "")
        if kind:
            parts.append(Part(kind, line[2:]))
        else:
            parts.append(Part("heading" if _HEADING.fullmatch(line) else "line", line))
    return parts


def _passkeys(keys: Any) -> str:
    """Return the credentials that may sign, as signing.js reads them."""
    return " ".join(
        to_url(key.credential_id) for key in keys if key.state == _LIVE and key.credential_id
    )


def _to_browser(offer: key_pb2.KeyOffer) -> str:
    told = {
        "statement": to_base64(offer.statement),
        "rp_id": offer.rp_id,
        "user_id": to_base64(offer.user_id),
        "user_name": offer.user_name,
        "exclude": [to_base64(one) for one in offer.exclude],
    }
    return to_base64(json.dumps(told).encode())


def _to(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
