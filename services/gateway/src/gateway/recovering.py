"""Recoveries: a lost key is replaced before staff; who asks, who supervises, who was told."""

from typing import Any

from kit.errors import DomainError, FieldInvalid
from sosia.identity.v1 import key_pb2, party_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting, forms, signing
from gateway.clients import Calls
from gateway.forms import Form
from gateway.parts import find_names
from gateway.sessions import Visitor
from gateway.site import Site

_LIVE, _PENDING = key_pb2.KEY_STATE_LIVE, key_pb2.KEY_STATE_PENDING
_KINDS = (
    party_pb2.PARTY_KIND_TALENT,
    party_pb2.PARTY_KIND_SUCCESSOR,
    party_pb2.PARTY_KIND_AGENCY,
)


class Recovering:
    """/recoveries: staff's desk for lost keys, and what others were told."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where each page is, and where its forms go."""
        answering, post = self._site.answering, ["POST"]
        return [
            Route("/recoveries", answering(self._list)),
            Route("/recoveries/new", answering(self._draft)),
            Route("/recoveries/new", answering(self._start), methods=post),
            Route("/recoveries/new/key", answering(self._add_key), methods=post),
            Route("/recoveries/{recovery_id}", answering(self._show)),
            Route("/recoveries/{recovery_id}/cancel", answering(self._cancel), methods=post),
        ]

    async def _list(self, request: Request, visitor: Visitor) -> Response:
        found = list((await self._calls.ask("identity", "ListRecoveries")).recoveries)
        names = await find_names(self._calls, {one.party_id for one in found})
        return self._site.spoken(request, "recoveries.html", visitor, found=found, names=names)

    async def _draft(self, request: Request, visitor: Visitor) -> Response:
        given = {"party_id": request.query_params.get("party_id", "")}
        return await self._form(request, visitor, Form(visitor, given))

    async def _form(
        self, request: Request, visitor: Visitor, form: Form, wrong: DomainError | None = None
    ) -> Response:
        acting.require(visitor, "staff")
        party_id, parties, keys, offer = form.text("party_id"), [], [], ""
        if party_id:
            asked = {"party_id": party_id}
            keys = list((await self._calls.ask("identity", "ListKeys", **asked)).keys)
            offer = await signing.offer_key(self._calls, party_id)
        else:
            parties = [
                one for kind in _KINDS for one in await acting.list_parties(self._calls, kind)
            ]
        return self._site.spoken(
            request,
            "recovery_new.html",
            visitor,
            wrong=wrong,
            given=form,
            party_id=party_id,
            parties=parties,
            live=[key for key in keys if key.state == _LIVE],
            pending=[key for key in keys if key.state == _PENDING],
            offer=offer,
            names=await find_names(self._calls, {party_id}),
        )

    async def _add_key(self, request: Request, visitor: Visitor) -> Response:
        acting.require(visitor, "staff")
        form = await forms.read(request, visitor)
        party_id = form.text("party_id")
        fields: dict[str, Any] = {"party_id": party_id}
        try:
            if form.text("public_key"):
                key = _to_key(form.text("public_key"))
                fields["ed25519"] = {"name": form.text("name"), "public_key": key}
            else:
                credential = form.data("credential")
                fields["passkey"] = {"name": form.text("name"), "credential": credential}
            await self._calls.ask("identity", "AddKey", request_id=form.request_id, **fields)
        except DomainError as error:
            return await self._form(request, visitor, form, error)
        return acting.to(f"/recoveries/new?party_id={party_id}")

    async def _start(self, request: Request, visitor: Visitor) -> Response:
        form = await forms.read(request, visitor)
        names = ("party_id", "reason", "asked_by", "key_id")
        fields: dict[str, Any] = {name: form.text(name) for name in names}
        fields["lost_key_ids"] = form.all("lost_key_ids")
        try:
            if not fields["asked_by"]:
                raise FieldInvalid("asked_by", "must say who asks, and how you know them")
            if not fields["lost_key_ids"]:
                raise FieldInvalid("lost_key_ids", "must name a key that is lost")
            given = ("identity", "StartRecovery")
            made = (await forms.command(self._calls, form, *given, **fields)).recovery
        except DomainError as error:
            return await self._form(request, visitor, form, error)
        return acting.to(f"/recoveries/{made.id}", "started")

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._page(request, visitor)

    async def _page(
        self, request: Request, visitor: Visitor, wrong: DomainError | None = None
    ) -> Response:
        asked = {"recovery_id": request.path_params["recovery_id"]}
        one = (await self._calls.ask("identity", "GetRecovery", **asked)).recovery
        keys = {}
        if visitor.actor.kind == "staff" or visitor.actor.party_id == one.party_id:
            found = await self._calls.ask("identity", "ListKeys", party_id=one.party_id)
            keys = {key.id: key for key in found.keys}
        return self._site.spoken(
            request,
            "recovery.html",
            visitor,
            wrong=wrong,
            one=one,
            keys=keys,
            state=key_pb2.RecoveryState.Name(one.state).removeprefix("RECOVERY_STATE_"),
            names=await find_names(
                self._calls, {one.party_id, one.started_by, *one.told_party_ids}
            ),
            receipts=await signing.find_receipts(self._calls, one.id),
        )

    async def _cancel(self, request: Request, visitor: Visitor) -> Response:
        acting.require(visitor, "staff")
        form, about = await forms.read(request, visitor), request.path_params["recovery_id"]
        try:
            given = ("identity", "StopRecovery")
            await forms.command(self._calls, form, *given, recovery_id=about)
        except DomainError as error:
            return await self._page(request, visitor, error)
        return acting.to(f"/recoveries/{about}", "cancelled")


def _to_key(text: str) -> bytes:
    """Read an Ed25519 public key in hex. Raises FieldInvalid."""
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise FieldInvalid("public_key", "must be 64 hexadecimal digits") from error
