"""The pages of somebody who signs: her keys, her consents, their receipts."""

import re
from dataclasses import dataclass

from kit import trace
from kit.errors import DomainError, NotAllowed
from sosia.identity.v1 import consent_pb2, key_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import forms, languages, signing
from gateway.acting import to
from gateway.callers import kind_of
from gateway.clients import Calls
from gateway.parts import find_names
from gateway.sessions import Visitor
from gateway.site import Answer, Site

_HEADING = re.compile(r"\d+\. .+")
_LIVE = key_pb2.KEY_STATE_LIVE


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a consent's text: a heading, a line, a quotation or a point of a list."""

    kind: str
    text: str


class Portal:
    """Pages for whoever is signed in and signs; the services check what she may."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site, self._sessions = calls, site, site.sessions

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
        return Route(path, self._site.answering(answer), methods=["GET"])

    def _sent(self, path: str, answer: Answer) -> Route:
        return Route(path, self._site.answering(answer), methods=["POST"])

    async def _sign_in(self, request: Request) -> Response:
        try:
            form = await forms.read(request, Visitor(), anybody=True)
            with trace.span("sign in", {}):
                signed = {name: form.data(name) for name in ("statement", "signature")}
                party = (await self._calls.ask("identity", "SignIn", **signed)).party
        except DomainError as error:
            nobody = Visitor(language=languages.choose(request).code)
            return self._site.refused(nobody, error)
        visitor = Visitor(trace.Actor(party.id, kind_of(party)), party.public_name)
        path = "/consents" if visitor.actor.kind == "talent" else "/"
        return await signing.open_session(request, self._sessions, visitor, path)

    async def _show_keys(self, request: Request, visitor: Visitor) -> Response:
        mine = {"party_id": visitor.actor.party_id}
        found = await self._calls.ask("identity", "ListKeys", **mine)
        offer = await signing.offer_key(self._calls, visitor.actor.party_id)
        waiting = next(
            (one for one in found.recoveries if one.state == key_pb2.RECOVERY_STATE_WAITING), None
        )
        keys = {key.id: key for key in found.keys}
        held = waiting.key_id if waiting else ""
        concerned = [waiting.started_by, *waiting.told_party_ids] if waiting else []
        return self._site.spoken(
            request,
            "keys.html",
            visitor,
            live=[key for key in found.keys if key.state == _LIVE],
            pending=[
                key
                for key in found.keys
                if key.state == key_pb2.KEY_STATE_PENDING and key.id != held
            ],
            removed=[key for key in found.keys if key.state == key_pb2.KEY_STATE_REMOVED],
            signers=signing.list_passkeys(found.keys),
            recovery=waiting,
            ended=[one for one in found.recoveries if one is not waiting],
            names=await find_names(self._calls, concerned),
            keys=keys,
            offer=offer,
        )

    async def _add_key(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        credential = form.data("credential")
        await self._calls.ask(
            "identity",
            "AddKey",
            request_id=signing.request_id("add", credential),
            party_id=visitor.actor.party_id,
            passkey={"name": form.text("name"), "credential": credential},
        )
        return to("/keys", "added")

    async def _confirm_key(self, request: Request, visitor: Visitor) -> Response:
        await self._command("ConfirmKey", request, visitor, "key_id")
        return to("/keys", "confirmed")

    async def _remove_key(self, request: Request, visitor: Visitor) -> Response:
        key_id = request.path_params["key_id"]
        mine = {"party_id": visitor.actor.party_id}
        keys = (await self._calls.ask("identity", "ListKeys", **mine)).keys
        pending = {key.id for key in keys if key.state == key_pb2.KEY_STATE_PENDING}
        if key_id in pending:
            discarded = {"key_id": key_id, "request_id": signing.request_id("discard", key_id)}
            await self._calls.ask("identity", "RemoveKey", **discarded)
        else:
            await self._command("RemoveKey", request, visitor, "key_id")
        return to("/keys", "removed")

    async def _stop_recovery(self, request: Request, visitor: Visitor) -> Response:
        await self._command("StopRecovery", request, visitor, "recovery_id")
        return to("/keys", "stopped")

    async def _show_consents(self, request: Request, visitor: Visitor) -> Response:
        talent_id = request.query_params.get("talent_id", "")
        if not talent_id and visitor.actor.kind != "talent":
            raise NotAllowed("only a talent has consents of her own")
        talent_id = talent_id or visitor.actor.party_id
        found = list(
            (await self._calls.ask("identity", "ListConsents", talent_id=talent_id)).consents
        )
        herself = talent_id == visitor.actor.party_id
        return self._site.spoken(
            request,
            "consents.html",
            visitor,
            consents=found,
            herself=herself,
            names=await find_names(self._calls, {talent_id}),
            talent_id=talent_id,
            t=_language_of(found[0]) if herself and found else None,
        )

    async def _show_consent(self, request: Request, visitor: Visitor) -> Response:
        consent_id = request.path_params["consent_id"]
        consent = (await self._calls.ask("identity", "GetConsent", consent_id=consent_id)).consent
        herself = visitor.actor.party_id == consent.terms.talent_id
        signers = ""
        if herself:
            signers = await signing.find_signers(self._calls, visitor.actor.party_id)
        policy = consent_pb2.WithdrawalPolicy.Name(consent.terms.withdrawal_policy)
        return self._site.spoken(
            request,
            "consent.html",
            visitor,
            consent=consent,
            state=consent_pb2.ConsentState.Name(consent.state).removeprefix("CONSENT_STATE_"),
            policy=policy.removeprefix("WITHDRAWAL_POLICY_"),
            parts=read_text(consent.text),
            herself=herself,
            names={} if herself else await find_names(self._calls, {consent.terms.talent_id}),
            signers=signers,
            receipts=await signing.find_receipts(self._calls, consent_id),
            t=_language_of(consent) if herself else None,
        )

    async def _sign_consent(self, request: Request, visitor: Visitor) -> Response:
        await self._command("SignConsent", request, visitor, "consent_id")
        return to(f"/consents/{request.path_params['consent_id']}", "signed")

    async def _withdraw_consent(self, request: Request, visitor: Visitor) -> Response:
        await self._command("WithdrawConsent", request, visitor, "consent_id")
        return to(f"/consents/{request.path_params['consent_id']}", "withdrawn")

    async def _command(self, call: str, request: Request, visitor: Visitor, name: str) -> None:
        """Give a command about the path's id that a signature in the form carries."""
        signature = (await forms.read(request, visitor)).data("signature")
        about = request.path_params[name]
        fields = {
            "request_id": signing.request_id(call, about, signature),
            name: about,
            "signature": signature,
        }
        await self._calls.ask("identity", call, **fields)


def _language_of(consent: consent_pb2.Consent) -> languages.Language:
    """Return the language a consent is written in: she reads and signs it in one language."""
    return languages.speak(consent.terms.language)


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
