"""The REST API: every route of the table, read, called and answered in one way."""

import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError, FieldInvalid, NotAllowed
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from gateway import openapi, problem, transcode
from gateway.callers import Callers
from gateway.clients import Calls
from gateway.feed import Feed
from gateway.limits import Quotas, read_body
from gateway.routes import Body, Route
from gateway.sessions import COOKIE, Sessions

_CARRIED = ("traceparent", "tracestate")
_REQUEST_ID = re.compile(r"[\w-]{1,64}")
_JSON_BYTES, _FILE_BYTES = 2**20, 13 * 2**20
_MOST_KEY = 150
_FILES = {Body.FILE: "file", Body.IMAGE: "body"}
"""What a caller sends a file as."""

Answer = Callable[[Request], Awaitable[Response]]
Finder = Callable[[Request], Awaitable[trace.Actor]]
"""Says on whose behalf a request is answered."""


class Api:
    """What the routes of the API have in common."""

    def __init__(
        self, calls: Calls, callers: Callers, sessions: Sessions, feed: Feed, quotas: Quotas
    ) -> None:
        self.calls, self.callers, self.sessions, self.feed = calls, callers, sessions, feed
        self.quotas = quotas

    def handler(self, route: Route) -> Answer:
        """Return what answers a route."""

        async def answer(request: Request) -> Response:
            fields = await self._read(route, request)
            content = fields.pop("content", b"") if route.body in _FILES else b""
            try:
                message: Any = transcode.to_message(route.request, fields)
                if content:
                    message.content = content
                made = await self.calls.send(
                    route.service, route.call, message, timeout_s=route.timeout_s
                )
            except DomainError as error:
                _rename(error, route)
                raise
            if route.media:
                return _file(request, made, route)
            return JSONResponse(transcode.to_json(made), status_code=route.status)

        return self.guarded(answer)

    def guarded(self, answer: Answer, find: Finder | None = None) -> Answer:
        """Return `answer` in a span, on behalf of whoever asks, its errors as problems.

        Who asks says `find`; unless given, the key of the API.
        """
        find = find or self._find_actor

        async def guard(request: Request) -> Response:
            carried = {name: request.headers[name] for name in _CARRIED if name in request.headers}
            given = request.headers.get("x-request-id", "")
            if _REQUEST_ID.fullmatch(given):
                carried["requestid"] = given
            with trace.span(f"{request.method} {request.url.path}", carried) as request_id:
                request.state.request_id = request_id
                try:
                    who = await find(request)
                    onward = {**trace.carry(), "requestid": request_id}
                    with trace.span("on behalf", onward, who=who):
                        made = await answer(request)
                except DomainError as error:
                    where = {"instance": request.url.path, "request_id": request_id}
                    return problem.response(error, **where)
                except HTTPException as error:
                    status = HTTPStatus(error.status_code)
                    where = {"instance": request.url.path, "request_id": request_id}
                    return problem.plain(status, str(error.detail), **where)
                made.headers["X-Request-Id"] = request_id
                return made

        return guard

    async def stream(self, request: Request) -> Response:
        """Answer GET /v1/events: the house's events as server-sent events, for staff.

        Raises:
            NotAllowed: somebody else asks.
        """
        if trace.require_actor().kind != "staff":
            raise NotAllowed("only staff may see the house's events")
        after = request.headers.get("last-event-id", "")

        async def lines() -> Any:
            yield ": the house's events\n\n"
            async for event in self.feed.listen(after):
                if event is None:
                    yield ": still here\n\n"
                else:
                    yield f"id: {event.id}\ndata: {event.encode().decode()}\n\n"

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)

    async def describe(self, _: Request) -> Response:
        """Answer GET /openapi.json."""
        return JSONResponse(openapi.document())

    async def _find_actor(self, request: Request) -> trace.Actor:
        """Return who asks: by key; or, reading only, by the session of a page."""
        header = request.headers.get("authorization", "")
        if not header and request.method == "GET" and COOKIE in request.cookies:
            return (await self.sessions.find(request.cookies[COOKIE])).actor
        return await self.callers.find(header)

    async def _read(self, route: Route, request: Request) -> dict[str, Any]:
        """Return the fields of a request: query, body, path and headers, in this order."""
        fields = transcode.from_query(route.request, request.query_params.multi_items())
        address = request.client.host if request.client else ""
        if route.limited:
            self.quotas.draw(trace.actor(), address)
        if route.body is Body.JSON:
            fields |= await _read_json(request)
        elif route.body is Body.FILE:
            fields |= await _read_file(request, route)
        elif route.body is Body.IMAGE:
            fields["content"] = await _read_image(request)
        fields |= _fill_in(route, fields, address)
        for name, value in [*request.path_params.items(), *route.constants]:
            if fields.setdefault(name, value) != value:
                raise FieldInvalid(name, "differs from the path")
        if route.is_command:
            fields["request_id"] = _idempotency_key(request, fields)
        return fields


def _idempotency_key(request: Request, fields: dict[str, Any]) -> str:
    """Return the id of a command.

    Raises:
        FieldInvalid: there is none, or it stands in the body.
    """
    if "request_id" in fields:
        raise FieldInvalid("request_id", "is no field of the body: send an Idempotency-Key header")
    key = request.headers.get("idempotency-key", "")
    if not 0 < len(key) <= _MOST_KEY:
        raise FieldInvalid("Idempotency-Key", f"must be a header of 1 to {_MOST_KEY} characters")
    return f"{trace.actor().party_id}:{key}"  # nobody's key meets another's


def _fill_in(route: Route, fields: dict[str, Any], address: str) -> dict[str, str]:
    """Return the field that says from where a request came, where its call wants to know.

    Raises:
        FieldInvalid: the caller filled it in.
    """
    if route.address in fields:
        raise FieldInvalid(route.address, "is no field of this request")
    return {route.address: address} if route.address else {}


async def _read_json(request: Request) -> dict[str, Any]:
    body = await read_body(request, _JSON_BYTES)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body.strip() and kind != "application/json":
        raise problem.TypeUnsupported(
            "the body must be application/json", expected="application/json"
        )
    return transcode.parse_body(body)


async def _read_file(request: Request, route: Route) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        expected = "multipart/form-data"
        raise problem.TypeUnsupported(f"the body must be {expected}", expected=expected)
    await read_body(request, _FILE_BYTES)
    async with request.form(max_files=1, max_fields=1, max_part_size=_JSON_BYTES) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise FieldInvalid("file", "must be a part with a file")
        strange = next((name for name in form if name not in ("file", "facts")), None)
        if strange is not None:
            raise FieldInvalid(strange, "is no part of this request")
        content = await file.read()
        fields: dict[str, Any] = {"content": content}
        if "filename" in route.request.fields_by_name:
            fields["filename"] = file.filename or ""
        if "facts" in form:
            fields["facts"] = _facts(str(form["facts"]), route)
    return fields


async def _read_image(request: Request) -> bytes:
    if not request.headers.get("content-type", "").strip().lower().startswith("image/"):
        raise problem.TypeUnsupported("the body must be an image", expected="image/*")
    return await read_body(request, _FILE_BYTES)


def _rename(error: DomainError, route: Route) -> None:
    """Call the field an error is about what the caller called it."""
    name = error.metadata.get("field", "")
    field = route.request.fields_by_name.get(name)
    if name == "content":
        error.metadata["field"] = _FILES.get(route.body, name)
    elif field is not None:
        error.metadata["field"] = transcode.name_of(field)


def _facts(text: str, route: Route) -> Any:
    if "facts" not in route.request.fields_by_name:
        raise FieldInvalid("facts", "is no part of this request")
    try:
        return json.loads(text)
    except ValueError as error:
        raise FieldInvalid("facts", f"must be JSON: {error}") from error


def _file(request: Request, made: Any, route: Route) -> Response:
    """Answer with a file, or that the caller has it already."""
    found = getattr(made, route.content)
    content = found.encode() if isinstance(found, str) else found
    sha256 = getattr(made, "sha256", "") or transcode.sha256(content)
    headers = {"Cache-Control": route.cache, "X-Content-Type-Options": "nosniff"}
    headers["ETag"] = f'"{sha256}"'
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    media = image_type(content) if route.media == "image/*" else route.media
    return Response(content, media_type=media, headers=headers)


def image_type(content: bytes) -> str:
    """Return the media type of a picture that was read before: JPEG, PNG or WebP."""
    if content.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/png" if content.startswith(b"\x89PNG") else "image/webp"
