"""What follows a call through all services: request id, actor, trace and span."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kit.errors import Unauthenticated

_propagator = TraceContextTextMapPropagator()
_tracer = TracerProvider().get_tracer("sosia")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a party, or a service of the house on its own account."""

    party_id: str
    kind: str
    """talent, agency, brand, crew, staff, service, or public (nobody in particular)."""


PUBLIC = Actor("", "public")
_actor: ContextVar[Actor] = ContextVar("actor", default=PUBLIC)


def actor() -> Actor:
    """Return who asks for what is being done."""
    return _actor.get()


def require_actor() -> Actor:
    """Return who asks.

    Raises:
        Unauthenticated: nobody in particular does.
    """
    if _actor.get().kind == "public":
        raise Unauthenticated("a caller must say who it is", reason="API_KEY_MISSING")
    return _actor.get()


def request_id() -> str:
    """Return the id of the outermost request."""
    return _request_id.get()


def carry() -> dict[str, str]:
    """Return what an event or a call carries on: traceparent and requestid."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    if _request_id.get():
        carrier["requestid"] = _request_id.get()
    return carrier


def carry_all() -> dict[str, str]:
    """Return what a call to another service carries on: `carry()` and the actor."""
    who = _actor.get()
    return {**carry(), "sosia-actor": f"{who.party_id};{who.kind}"}


@contextmanager
def span(name: str, carried: Mapping[str, str], *, who: Actor | None = None) -> Iterator[str]:
    """Open a span under what was carried here; bind it to the logs; yield the request id.

    Without a carried request id a new one is made. The actor is `who`, or the carried one.
    """
    request = carried.get("requestid") or uuid.uuid4().hex
    party_id, _, kind = carried.get("sosia-actor", ";public").partition(";")
    tokens = (_request_id.set(request), _actor.set(who or Actor(party_id, kind)))
    context = _propagator.extract(dict(carried))
    try:
        with _tracer.start_as_current_span(name, context=context) as current:
            ids = current.get_span_context()
            fields = {
                "request_id": request,
                "trace_id": otel.format_trace_id(ids.trace_id),
                "span_id": otel.format_span_id(ids.span_id),
            }
            with structlog.contextvars.bound_contextvars(**fields):
                yield request
    finally:
        _request_id.reset(tokens[0])
        _actor.reset(tokens[1])
