"""Errors as RFC 9457 problem documents: what a caller can act on, with its reason."""

from http import HTTPStatus

from kit import errors
from starlette.responses import JSONResponse

_STATUS: tuple[tuple[type[errors.DomainError], HTTPStatus], ...] = (
    (errors.RequestReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidArgument, HTTPStatus.BAD_REQUEST),
    (errors.Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (errors.PermissionDenied, HTTPStatus.FORBIDDEN),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.AlreadyExists, HTTPStatus.CONFLICT),
    (errors.FailedPrecondition, HTTPStatus.CONFLICT),
    (errors.ResourceExhausted, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
_RETRY_AFTER_S = {HTTPStatus.TOO_MANY_REQUESTS: "60", HTTPStatus.SERVICE_UNAVAILABLE: "1"}
_NOT_KEPT = {"Cache-Control": "no-store"}
"""What is not there yet may be there soon: a cache that keeps a 404 would hide it."""
MEDIA_TYPE = "application/problem+json"


class TypeUnsupported(errors.InvalidArgument):
    """The body has another Content-Type than the path takes."""

    reason = "CONTENT_TYPE_UNSUPPORTED"


def status_of(error: errors.DomainError) -> HTTPStatus:
    """Return the HTTP status that tells a caller what to do about an error."""
    if error.reason == errors.RequestReused.reason:  # however it came: a call loses its class
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if error.reason == "LICENSE_SPENT":  # waiting does not help: buy more
        return HTTPStatus.CONFLICT
    if error.reason == "UPLOAD_TOO_LONG":  # as tus has it
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if isinstance(error, TypeUnsupported):
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def response(error: errors.DomainError, *, instance: str, request_id: str) -> JSONResponse:
    """Return the problem document of an error."""
    status = status_of(error)
    body = {
        "type": f"urn:sosia:problem:{error.reason.lower().replace('_', '-')}",
        "title": status.phrase,
        "status": int(status),
        "detail": str(error),
        "instance": instance,
        "reason": error.reason,
        "request_id": request_id,
    }
    told = {key: value for key, value in error.metadata.items() if key not in body}
    headers = {"X-Request-Id": request_id, **_NOT_KEPT}
    if status in _RETRY_AFTER_S:
        headers["Retry-After"] = _RETRY_AFTER_S[status]
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        {**body, **told}, status_code=int(status), media_type=MEDIA_TYPE, headers=headers
    )


def plain(status: HTTPStatus, detail: str, *, instance: str, request_id: str) -> JSONResponse:
    """Return the problem document of what never reached a service."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "instance": instance,
        "reason": status.name,
        "request_id": request_id,
    }
    return JSONResponse(
        body,
        status_code=int(status),
        media_type=MEDIA_TYPE,
        headers={"X-Request-Id": request_id, **_NOT_KEPT},
    )
