"""gRPC: one server shape, one client call, errors mapped once."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import grpc
import sqlalchemy.exc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from prometheus_client import Histogram

from kit import db, errors, trace
from kit.ops import log

MAX_MESSAGE_BYTES = 24 * 2**20
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]
_RETRIES = [
    ("grpc.enable_retries", 1),
    (
        "grpc.service_config",
        '{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":5,'
        '"initialBackoff":"0.1s","maxBackoff":"1s","backoffMultiplier":2,'
        '"retryableStatusCodes":["UNAVAILABLE"]}}]}',
    ),
]
_CODES: dict[type[errors.DomainError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}
_seconds = Histogram("rpc_seconds", "Time of a call", ["method", "code"])
Reply = TypeVar("Reply", bound=Message)


def to_status(error: errors.DomainError, domain: str) -> grpc.Status:
    """Return the gRPC status for `error`, its reason in an ErrorInfo detail."""
    code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
    info = ErrorInfo(reason=error.reason, domain=domain, metadata=error.metadata)
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    answer: grpc.Status = rpc_status.to_status(status)
    return answer


def from_rpc_error(error: grpc.aio.AioRpcError) -> errors.DomainError:
    """Return what a called service said as the error it raised there.

    A status without an ErrorInfo becomes Unavailable: nothing is known of what happened.
    """
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info):
            kind = next(kind for kind, code in _CODES.items() if code is error.code())
            return kind(error.details() or "", reason=info.reason, **dict(info.metadata))
    return errors.Unavailable("a service did not answer", reason="SERVICE_UNAVAILABLE")


async def call(
    method: Callable[..., Awaitable[Reply]], request: Message, *, timeout_s: float = 10.0
) -> Reply:
    """Call another service, carrying request id, actor and trace on.

    Raises:
        DomainError: what the called service raised, or Unavailable.
    """
    metadata = tuple(trace.carry_all().items())
    try:
        return await method(request, timeout=timeout_s, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error


@asynccontextmanager
async def open_channel(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel to `address` (host:port) that tries UNAVAILABLE calls again."""
    async with grpc.aio.insecure_channel(address, options=_OPTIONS + _RETRIES) as channel:
        yield channel


class _Guard(grpc.aio.ServerInterceptor):
    """Opens a span around every call and turns what it raises into a status."""

    def __init__(self, domain: str) -> None:
        self._domain = domain

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Wrap the unary handler of a call; none of ours streams."""
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        behaviour = handler.unary_unary
        carried = dict(details.invocation_metadata or ())

        async def guarded(request: Any, context: Any) -> Any:
            started = time.monotonic()
            with trace.span(details.method, carried):
                status = None
                try:
                    return await behaviour(request, context)
                except errors.DomainError as error:
                    status = to_status(error, self._domain)
                except db.GONE as error:
                    status = to_status(_database_gone(error), self._domain)
                except Exception:
                    log.exception("call failed", method=details.method)
                    await context.abort(grpc.StatusCode.INTERNAL, "internal error")
                finally:
                    code = status.code.name if status else "OK"
                    _seconds.labels(details.method, code).observe(time.monotonic() - started)
                await context.abort_with_status(status)

        return grpc.unary_unary_rpc_method_handler(
            guarded, handler.request_deserializer, handler.response_serializer
        )


_RETRYABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.exceptions.OperatorInterventionError,
    ConnectionError,
    TimeoutError,
)


def _database_gone(error: BaseException) -> errors.DomainError:
    """Say "try again" if the database went away; raise anything else on."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        if not (error.connection_invalidated or isinstance(cause, _RETRYABLE)):
            log.error("call failed in the database", error=repr(error.orig))
            return errors.Unavailable("internal error", reason="INTERNAL")
    log.warning("database does not answer", error=repr(error))
    return errors.Unavailable("the database does not answer", reason="DATABASE_UNAVAILABLE")


@asynccontextmanager
async def open_server(
    register: Callable[[grpc.aio.Server], None], *, domain: str, address: str
) -> AsyncIterator[int]:
    """Serve on `address` until the block ends; yield the port. Calls in flight get 5 s to end."""
    server = grpc.aio.server(interceptors=[_Guard(domain)], options=_OPTIONS)
    register(server)
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace=5)
