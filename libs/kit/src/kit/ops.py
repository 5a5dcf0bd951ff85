"""/livez, /readyz and /metrics of every process, and its structured logs."""

import asyncio
import logging
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

log = structlog.stdlib.get_logger()

Check = Callable[[], Awaitable[None]]
_SECRETS = re.compile(
    r"(?i)(sosia_[\w-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]+|://[^:/@\s]+:)[^@\s\"']*(@)?"
)


def redact(text: str) -> str:
    """Return `text` without API keys, tokens and passwords in URLs."""
    return _SECRETS.sub(
        lambda found: f"{found[1]}***@" if found[1].startswith("://") else "***", text
    )


def _redact_fields(_: Any, __: str, fields: Any) -> Any:
    return {key: redact(v) if isinstance(v, str) else v for key, v in fields.items()}


def configure_logs(service: str) -> None:
    """Write one JSON object a line to stderr, with service, time, level and the call's ids."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_fields,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def _routes(checks: Mapping[str, Check]) -> list[Route]:
    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        results = await asyncio.gather(*(_state(check) for check in checks.values()))
        states = dict(zip(checks, results, strict=True))
        ready = all(state == "ok" for state in states.values())
        return JSONResponse(states, status_code=200 if ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _state(check: Check) -> str:
    """Say "ok" or what is wrong; whatever a check raises means not ready."""
    results = await asyncio.gather(asyncio.wait_for(check(), timeout=2), return_exceptions=True)
    return "ok" if results[0] is None else redact(repr(results[0]))


@asynccontextmanager
async def open_ops(address: str, checks: Mapping[str, Check]) -> AsyncIterator[None]:
    """Serve /livez, /readyz and /metrics on `address` (host:port) until the block ends.

    Ready means that no check raises within two seconds.
    """
    async with serve_asgi(Starlette(routes=_routes(checks)), address):
        yield


def listen(address: str) -> socket.socket:
    """Return a socket that listens on `address`; raise OSError if it can't.

    What it accepts sends at once: asyncio sets that only on sockets that name their protocol, and
    an answer of two writes then waits 40 ms for the caller's delayed acknowledgement.
    """
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), int(port)), family=family)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@asynccontextmanager
async def serve_asgi(app: Any, address: str) -> AsyncIterator[None]:
    """Serve an ASGI app on `address` until the block ends; raise OSError if it can't listen."""
    listener = listen(address)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    # Not serve(), which would take the process's signals; and a socket of our own, since uvicorn
    # ends the whole process when it cannot make one.
    serving = asyncio.create_task(server._serve([listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
