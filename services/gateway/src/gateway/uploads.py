"""Files in parts: identity's uploads spoken as tus, at the API and for the pages."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway import problem, tus
from gateway.clients import Calls
from gateway.forms import FormForeign, SessionMissing
from gateway.http import Answer, Api
from gateway.limits import read_body
from gateway.routes import SERVICES
from gateway.site import Site, is_from_here
from gateway.transcode import to_json, to_message

_TIMEOUT_S = 60.0
"""Of a part: the last one has the whole file checked."""
_NAMES = {"length": "Upload-Length", "offset": "Upload-Offset", "content": "file"}
"""Field of a call -> what the caller called it."""


class Uploads:
    """Two doors to the same rooms: /v1/... for keys, and without /v1 for our own pages."""

    def __init__(self, calls: Calls, api: Api, site: Site) -> None:
        self._calls, self._api, self._site = calls, api, site

    def routes(self) -> list[Route]:
        """Return where uploads are begun and gone on with; before the table's, whose GETs take
        HEAD as well."""
        found = []
        for prefix, guard in (("/v1", self._by_key), ("", self._by_page)):
            at_set = f"{prefix}/capture-sets/{{capture_set_id}}/uploads"
            at_one = f"{prefix}/uploads/{{upload_id}}"
            found += [
                Route(at_set, guard(self._at_set), methods=["POST", "OPTIONS"]),
                Route(at_one, guard(self._at_one), methods=[*self._verbs, "POST", "OPTIONS"]),
            ]
        return found

    @property
    def _verbs(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        return {"HEAD": self._tell, "PATCH": self._append, "DELETE": self._remove}

    def _by_key(self, answer: Answer) -> Answer:
        return _spoken(self._api.guarded(_checked(answer)))

    def _by_page(self, answer: Answer) -> Answer:
        return _spoken(self._api.guarded(_checked(answer), self._find_visitor))

    async def _find_visitor(self, request: Request) -> trace.Actor:
        """Return who is signed in on the page that asks.

        Raises:
            FormForeign: another site's page would change something.
            SessionMissing: nobody is signed in.
        """
        if request.method not in ("HEAD", "OPTIONS") and not is_from_here(request):
            raise FormForeign("files are taken from our own pages only")
        visitor = await self._site.visitor(request)
        if not visitor.is_known:
            raise SessionMissing("sign in first")
        return visitor.actor

    async def _at_set(self, request: Request) -> Response:
        """Answer POST: begin an upload, with its first part if that came along."""
        fields = tus.to_fields(tus.read_metadata(request))
        fields["length"] = tus.read_number(request, "Upload-Length")
        fields["capture_set_id"] = request.path_params["capture_set_id"]
        upload = await self._send("CreateUpload", **fields)
        if tus.length_of(request) and upload.offset == 0:
            upload = await self._take(request, upload, 0)
        place = f"{request.url.path.partition('/capture-sets/')[0]}/uploads/{upload.id}"
        headers = {**_state(upload), "Location": place}
        return JSONResponse({"upload": to_json(upload)}, HTTPStatus.CREATED, headers)

    async def _at_one(self, request: Request) -> Response:
        """Answer what is asked of an upload; a POST says in a header what it would rather be."""
        method = request.method
        if method == "POST":
            method = request.headers.get("x-http-method-override", "").upper()
        if method not in self._verbs:
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, "HEAD, PATCH or DELETE it")
        return await self._verbs[method](request)

    async def _tell(self, request: Request) -> Response:
        upload = await self._send("GetUpload", upload_id=request.path_params["upload_id"])
        said = {
            "filename": upload.filename,
            "sha256": upload.sha256,
            "kind": "photo",
            "facts": json.dumps(to_json(upload.facts)),
        }
        headers = {"Upload-Length": str(upload.length), "Cache-Control": "no-store"}
        headers["Upload-Metadata"] = tus.write_metadata(said)
        return Response(headers={**_state(upload), **headers})

    async def _append(self, request: Request) -> Response:
        offset = tus.read_number(request, "Upload-Offset")
        upload = await self._take(request, None, offset)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=_state(upload))

    async def _remove(self, request: Request) -> Response:
        await self._send("RemoveUpload", upload_id=request.path_params["upload_id"])
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _take(self, request: Request, upload: Any, offset: int) -> Any:
        """Pass a part on in pieces; return the upload as it is then.

        A part with a checksum is held until all of it is here, and kept whole or not at all.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != tus.PART_TYPE:
            expected = tus.PART_TYPE
            raise problem.TypeUnsupported(f"a part must be {expected}", expected=expected)
        upload_id = upload.id if upload is not None else request.path_params["upload_id"]
        following = tus.length_of(request)
        async for piece in _pieces(request):
            following = max(0, following - len(piece))
            part = {"offset": offset, "content": piece, "following": following}
            upload = await self._send("AppendUpload", upload_id=upload_id, **part)
            offset += len(piece)
        if upload is None:  # the part was empty
            upload = await self._send("AppendUpload", upload_id=upload_id, offset=offset)
        return upload

    async def _send(self, call: str, **fields: Any) -> Any:
        """Call identity; what it answers is always an upload."""
        kind = SERVICES["identity"].methods_by_name[call].input_type
        content = fields.pop("content", b"")
        message: Any = to_message(kind, fields)
        if content:
            message.content = content
        return (await self._calls.send("identity", call, message, timeout_s=_TIMEOUT_S)).upload


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    if "upload-checksum" in request.headers:
        body = await read_body(request, tus.MOST_BYTES)
        tus.check_sum(request, body)
        if body:
            yield body
        return
    async for piece in tus.read_pieces(request):
        yield piece


def _state(upload: Any) -> dict[str, str]:
    """Write how far an upload has come, and which photo it became."""
    said = {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": tus.write_time(upload.expires_at),
    }
    return {**said, "Sosia-Photo": upload.photo_id} if upload.photo_id else said


def _checked(answer: Answer) -> Answer:
    """Return `answer` to whoever speaks our version, and what we speak to whoever asks that."""

    async def check(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=tus.ABOUT)
        if request.headers.get("tus-resumable") != tus.VERSION:
            said = f"Tus-Resumable must be {tus.VERSION}"
            raise HTTPException(HTTPStatus.PRECONDITION_FAILED, said)
        try:
            return await answer(request)
        except tus.ChecksumWrong as error:
            where = {"instance": request.url.path, "request_id": request.state.request_id}
            told = json.loads(bytes(problem.response(error, **where).body))
            told |= {"status": tus.CHECKSUM_MISMATCH, "title": "Checksum Mismatch"}
            return JSONResponse(told, tus.CHECKSUM_MISMATCH, media_type=problem.MEDIA_TYPE)
        except DomainError as error:
            field = error.metadata.get("field", "")
            if field in _NAMES:
                error.metadata["field"] = _NAMES[field]
            raise

    return check


def _spoken(answer: Answer) -> Answer:
    """Return `answer` with the headers every answer has, refusals too."""

    async def speak(request: Request) -> Response:
        made = await answer(request)
        made.headers["Tus-Resumable"] = tus.VERSION
        if made.status_code == HTTPStatus.PRECONDITION_FAILED:
            made.headers["Tus-Version"] = tus.VERSION
        return made

    return speak
