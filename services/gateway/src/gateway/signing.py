"""What pages on which a person signs have in common: forms, signatures in them, sessions."""

import base64
import binascii
import hashlib
from http import HTTPStatus

from kit import trace
from kit.errors import DomainError, FieldInvalid, NotAllowed
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.clients import Calls
from gateway.limits import read_body
from gateway.sessions import COOKIE, Sessions, Visitor
from gateway.site import is_from_here

_FORM_BYTES = 2**15


async def read_form(request: Request) -> dict[str, str]:
    """Read a form of one of our own pages, each field once.

    Raises:
        NotAllowed: it was sent from elsewhere.
    """
    if not is_from_here(request):
        raise NotAllowed("forms are taken from this house's own pages only")
    await read_body(request, _FORM_BYTES)
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def read_bytes(form: dict[str, str], name: str) -> bytes:
    """Read a field of base64, as signing.js fills it, or as somebody pasted it.

    Raises:
        FieldInvalid: it is empty or something else.
    """
    text = "".join(form.get(name, "").split())
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FieldInvalid(name, "must be base64") from error
    if not found:
        raise FieldInvalid(name, "nothing was signed: this page needs its script and a passkey")
    return found


def request_id(*parts: bytes | str) -> str:
    """Return the id of a command that a form gives: sent twice, it is one command."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return f"{trace.actor().party_id}:page:{digest.hexdigest()}"


async def offer_sign_in(calls: Calls) -> str:
    """Return what a passkey signs to sign in, base64; empty where the house takes none."""
    try:
        offered = await calls.ask("identity", "OfferSignIn")
    except DomainError:
        return ""  # the key still opens the door
    return base64.b64encode(offered.statement).decode()


async def open_session(
    request: Request, sessions: Sessions, visitor: Visitor, path: str
) -> Response:
    """Begin a session of somebody who was just recognised, and send her to a page."""
    token = await sessions.open(visitor)
    answer = RedirectResponse(path, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(sessions.lasts.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer
