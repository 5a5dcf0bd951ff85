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
from gateway.site import is_from_here
from gateway.transcode import to_message

FORM_BYTES, FILE_BYTES = 2**16, 13 * 2**20
_MOST_KEY = 150


class FormForeign(PermissionDenied):
    """The form was not sent from one of our own pages."""

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

    def text(self, name: str) -> str:
        """Return what stands in a field, without blanks around it; nothing if it is not there."""
        return self.values.get(name, "").strip()

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
        """Return what was signed on the page. Raises FieldInvalid: no Base64."""
        try:
            return base64.b64decode(self.text("signature"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise FieldInvalid("signature", "must be Base64") from error


async def read(request: Request, visitor: Visitor, *, most: int = FORM_BYTES) -> Form:
    """Read a form of ours.

    Raises:
        FormForeign: another site's page sent it.
        SessionMissing: nobody is signed in.
        HTTPException: 413, more than `most` bytes.
    """
    if not is_from_here(request):
        raise FormForeign("forms are taken from our own pages only")
    if not visitor.is_known:
        raise SessionMissing("sign in first")
    await read_body(request, most)
    values, content = {}, b""
    async with request.form(max_files=1, max_fields=60) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read()
            else:
                values[name] = value.replace("\r\n", "\n")
    return Form(visitor, values, content)


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
