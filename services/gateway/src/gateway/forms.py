"""Commands from our own pages, on behalf of whoever has a session there."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from kit import trace
from kit.errors import FieldInvalid, PermissionDenied, Unauthenticated
from starlette.datastructures import UploadFile
from starlette.requests import Request

from gateway.clients import Calls
from gateway.limits import read_body
from gateway.routes import SERVICES
from gateway.sessions import Visitor
from gateway.transcode import to_message

FORM_BYTES, FILE_BYTES = 2**16, 13 * 2**20
_MOST_KEY = 150
_MOST_FIELDS = 1_000


class FormForeign(PermissionDenied):
    """The form was not sent from one of our own pages; `gate` lets none of those in."""

    reason = "FORM_FOREIGN"


class SessionMissing(Unauthenticated):
    """Nobody is signed in."""

    reason = "SESSION_MISSING"


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, and by whom."""

    visitor: Visitor
    values: dict[str, str]
    content: bytes = field(default=b"", repr=False)
    """Of the file, if one came."""
    ticked: dict[str, list[str]] = field(default_factory=dict)
    """Every value of a field that came more than once, as boxes do."""

    def text(self, name: str) -> str:
        """Return what stands in a field, without blanks around it; nothing if it is not there."""
        return self.values.get(name, "").strip()

    def all(self, name: str) -> list[str]:
        """Return every value of a field that may come more than once, in the order of the form."""
        return self.ticked.get(name, [self.values[name]] if name in self.values else [])

    def is_ticked(self, name: str) -> bool:
        """Tell whether a box is ticked."""
        return name in self.values

    @property
    def request_id(self) -> str:
        """Return the id of the command: the page's own key, which no other caller's meets.

        Raises:
            FieldInvalid: the page gave none.
        """
        key = self.text("once")
        if not 0 < len(key) <= _MOST_KEY:
            raise FieldInvalid("once", f"must be 1 to {_MOST_KEY} characters")
        return f"{self.visitor.actor.party_id}:{key}"

    @property
    def signature(self) -> bytes:
        """Return what was signed on the page; nothing if nothing was. Raises FieldInvalid."""
        return self._decode("signature")

    def data(self, name: str) -> bytes:
        """Return a field of Base64, as signing.js fills it, or as somebody pasted it.

        Raises:
            FieldInvalid: it is empty or something else.
        """
        found = self._decode(name)
        if not found:
            raise FieldInvalid(name, "nothing was signed: this page needs its script and a passkey")
        return found

    def _decode(self, name: str) -> bytes:
        try:
            return base64.b64decode("".join(self.text(name).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise FieldInvalid(name, "must be Base64") from error


async def read(
    request: Request, visitor: Visitor, *, most: int = FORM_BYTES, anybody: bool = False
) -> Form:
    """Read a form, which `gate` let in: it is one of ours.

    Args:
        anybody: whether somebody who is not signed in may send it.

    Raises:
        SessionMissing: nobody is signed in.
        HTTPException: 413, more than `most` bytes.
    """
    if not (visitor.is_known or anybody):
        raise SessionMissing("sign in first")
    await read_body(request, most)
    lists: dict[str, list[str]] = {}
    content = b""
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read()
            else:
                lists.setdefault(name, []).append(value.replace("\r\n", "\n"))
    values = {name: listed[-1] for name, listed in lists.items()}
    return Form(visitor, values, content, lists)


async def command(calls: Calls, form: Form, service: str, call: str, **fields: Any) -> Any:
    """Give a service a command on behalf of whoever filled a form in. Errors: as the call."""
    kind = SERVICES[service].methods_by_name[call].input_type
    content = fields.pop("content", b"")
    message: Any = to_message(kind, fields)
    message.request_id = form.request_id
    if content:
        message.content = content
    if "signature" in kind.fields_by_name:
        message.signature = form.signature
    with trace.span(call, {}, who=form.visitor.actor):
        return await calls.send(service, call, message, timeout_s=60.0)
