"""What pages on which a person signs have in common: passkeys, receipts, sessions."""

import base64
import hashlib
import json
from http import HTTPStatus
from typing import Any

import proofs
from kit import trace
from kit.errors import DomainError
from sosia.identity.v1 import key_pb2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.chain import Proven
from gateway.clients import Calls
from gateway.sessions import COOKIE, Sessions, Visitor
from gateway.site import to_base64, to_url

_LIVE = key_pb2.KEY_STATE_LIVE


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


async def offer_key(calls: Calls, party_id: str) -> str:
    """Return what signing.js makes a passkey of a party from; empty where there can be none."""
    try:
        offer = (await calls.ask("identity", "OfferKey", party_id=party_id)).offer
    except DomainError:
        return ""  # passkeys are off, or the party has all it may
    return _to_browser(offer)


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


async def find_signers(calls: Calls, party_id: str) -> str:
    """Return the passkeys that may sign for a party, as signing.js reads them."""
    return list_passkeys((await calls.ask("identity", "ListKeys", party_id=party_id)).keys)


def list_passkeys(keys: Any) -> str:
    """Return the credentials among keys that may sign, as signing.js reads them."""
    return " ".join(
        to_url(key.credential_id) for key in keys if key.state == _LIVE and key.credential_id
    )


async def find_receipts(calls: Calls, *subject_ids: str) -> list[Proven]:
    """Return the receipts of something, each checked here against the log's key."""
    found = (await calls.ask("identity", "ListReceipts", subject_ids=subject_ids)).receipts
    if not found:
        return []
    key = (await calls.ask("identity", "GetCheckpoint")).verifier_key
    return [Proven(receipt, proofs.check(receipt, key)) for receipt in found]


def _to_browser(offer: key_pb2.KeyOffer) -> str:
    told = {
        "statement": to_base64(offer.statement),
        "rp_id": offer.rp_id,
        "user_id": to_base64(offer.user_id),
        "user_name": offer.user_name,
        "exclude": [to_base64(one) for one in offer.exclude],
    }
    return to_base64(json.dumps(told).encode())
