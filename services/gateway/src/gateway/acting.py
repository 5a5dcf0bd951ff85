"""What the pages about who acts for a talent have in common."""

from http import HTTPStatus
from typing import Any

from kit.errors import DomainError, NotAllowed
from sosia.identity.v1 import party_pb2
from starlette.responses import RedirectResponse, Response

from gateway import forms
from gateway.clients import Calls
from gateway.forms import Form
from gateway.sessions import Visitor

_PAGE = 200
_MOST_PAGES = 10


def require(visitor: Visitor, *kinds: str) -> None:
    """Let pass who is of one of these kinds. Raises NotAllowed."""
    if visitor.actor.kind not in kinds:
        raise NotAllowed(f"this page is for {' and '.join(kinds)} only")


async def list_parties(calls: Calls, kind: "party_pb2.PartyKind.ValueType") -> list[Any]:
    """Return the parties of a kind by name, 2,000 at most."""
    found: list[Any] = []
    token = ""
    for _ in range(_MOST_PAGES):
        page = {"page_size": _PAGE, "page_token": token}
        answer = await calls.ask("identity", "ListParties", kind=kind, page=page)
        found += answer.parties
        token = answer.next_page_token
        if not token:
            break
    return sorted(found, key=lambda one: (one.public_name or one.name).casefold())


def to(path: str, done: str = "") -> Response:
    """Send a visitor to a page, which says what was done."""
    where = f"{path}?done={done}#done" if done else path
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


async def give(calls: Calls, form: Form, call: str, **about: str) -> DomainError | None:
    """Give identity the command a visitor signed on a page; return why it was not done."""
    try:
        form.data("signature")
        await forms.command(calls, form, "identity", call, **about)
    except DomainError as error:
        return error
    return None
