"""Events arrive at least once; each takes effect once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import nats.errors
from google.protobuf import json_format
from google.protobuf.message import Message
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from prometheus_client import Counter
from sqlalchemy import Column, DateTime, Table, Text, func
from sqlalchemy.dialects.postgresql import insert

from kit import trace
from kit.bus import Bus, CloudEvent, stopping, subject_of
from kit.db import GONE, Database, Tx, metadata
from kit.ops import log

Handler = Callable[[Tx, Any], Awaitable[None]]
"""Takes the transaction and the event. Short: long work becomes a job row."""

_inbox = Table(
    "inbox",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("handled_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
_dead = Table(
    "dead_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("died_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
_dead_total = Counter("events_dead_total", "Events given up after the last try", ["subject"])

MAX_TRIES = 5
_RETRY_AFTER_S = 0.5


async def handle_once(db: Database, event_id: str, event: Message, handler: Handler) -> bool:
    """Run `handler` in a transaction unless `event_id` was handled before.

    The note that the event was handled commits with the handler's own changes,
    so a redelivered event changes nothing. Returns whether the handler ran.
    """
    async with db.begin() as tx:
        note = insert(_inbox).values(event_id=event_id).on_conflict_do_nothing()
        if (await tx.execute(note)).rowcount == 0:
            return False
        await handler(tx, event)
        return True


class Consumer:
    """One service's durable reader of another service's stream."""

    def __init__(
        self, db: Database, bus: Bus, *, name: str, handlers: Mapping[type[Message], Handler]
    ) -> None:
        self._db = db
        self._bus = bus
        self._name = name
        self._types = {kind.DESCRIPTOR.full_name: kind for kind in handlers}
        self._handlers = {kind.DESCRIPTOR.full_name: handlers[kind] for kind in handlers}
        self._subjects = [subject_of(kind.DESCRIPTOR) for kind in handlers]

    async def run(self) -> None:
        """Handle events until cancelled; after trouble with the bus, start anew."""
        while not stopping():
            try:
                await self._read()
            except (nats.errors.Error, *GONE) as error:
                log.warning("bus or database does not answer; will try again", error=repr(error))
                await asyncio.sleep(0.5)

    async def _read(self) -> None:
        source = self._subjects[0].split(".")[0]
        await self._bus.ensure_stream(source)
        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=30,
            max_deliver=-1,
            max_ack_pending=100,
            filter_subjects=self._subjects,
        )
        durable = f"{self._name}-{source}"
        await self._bus.js.add_consumer(source.upper(), config, durable_name=durable)
        reader = await self._bus.js.pull_subscribe_bind(durable, source.upper())
        try:
            while not stopping():
                try:
                    messages = await reader.fetch(20, timeout=5)
                except TimeoutError:  # the client's own, or a plain one just at the end
                    await self._bus.js.consumer_info(source.upper(), durable)  # still there?
                    continue
                for message in messages:
                    await self._handle(message)
        finally:
            await reader.unsubscribe()

    async def _handle(self, message: Msg) -> None:
        tries = message.metadata.num_delivered or 1
        try:
            await self._apply(message)
        except Exception as error:
            log.exception("event failed", subject=message.subject, tries=tries)
            if tries >= MAX_TRIES:
                await self._bury(message, error)
                await message.term()
            else:
                await message.nak(delay=_RETRY_AFTER_S * tries)
        else:
            await message.ack()

    async def _apply(self, message: Msg) -> None:
        envelope = CloudEvent.decode(message.data)
        kind = self._types[envelope.type]
        event = json_format.ParseDict(dict(envelope.data), kind(), ignore_unknown_fields=True)
        who = trace.Actor(self._name, "service")
        with trace.span(envelope.type, envelope.context, who=who):
            await handle_once(self._db, envelope.id, event, self._handlers[envelope.type])

    async def _bury(self, message: Msg, error: Exception) -> None:
        """Keep an event nobody could handle where a person can look at it."""
        sequence = f"{message.metadata.stream}/{message.metadata.sequence.stream}"
        row = {
            "id": sequence,
            "subject": message.subject,
            "body": message.data.decode(errors="replace").replace("\0", "\ufffd"),
            "error": repr(error),
        }
        async with self._db.begin() as tx:
            await tx.execute(insert(_dead).values(row).on_conflict_do_nothing())
        _dead_total.labels(message.subject).inc()
