"""NATS JetStream, and events on it as CloudEvents 1.0 in structured JSON."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import NotFoundError
from sosia.common.v1 import event_pb2

if TYPE_CHECKING:
    from google._upb._message import Descriptor as FastDescriptor
    from google.protobuf.descriptor import Descriptor

DUPLICATE_WINDOW_S = 3600.0
MAX_STREAM_BYTES = 4 * 2**30


def subject_of(descriptor: "Descriptor | FastDescriptor") -> str:
    """Return the subject an event type is published on.

    Raises:
        ValueError: the message type carries no subject option, so it is not an event.
    """
    subject = descriptor.GetOptions().Extensions[event_pb2.subject]
    if not subject:
        raise ValueError(f"{descriptor.full_name} is not an event")
    return str(subject)


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event as other systems see it; `data` is the proto's JSON form."""

    id: str
    type: str
    subject: str
    time: datetime
    data: Mapping[str, Any]
    context: Mapping[str, str]
    """Extension attributes: traceparent and requestid."""

    def encode(self) -> bytes:
        """Return the structured JSON of CloudEvents 1.0."""
        body = {
            "specversion": "1.0",
            "id": self.id,
            "type": self.type,
            "source": f"/sosia/{self.subject.split('.')[0]}",
            "subject": self.subject,
            "time": self.time.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            **self.context,
            "data": self.data,
        }
        return json.dumps(body, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, body: bytes) -> "CloudEvent":
        """Read an event back.

        Raises:
            ValueError: it is not JSON, or an attribute every event has is missing.
        """
        try:
            fields = json.loads(body)
            context = {key: fields[key] for key in ("traceparent", "requestid") if key in fields}
            time = datetime.fromisoformat(fields["time"])
            names = ("id", "type", "subject", "data")
            return cls(**{name: fields[name] for name in names}, time=time, context=context)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a CloudEvent: {error!r}") from error


def stopping() -> bool:
    """Tell whether the task in progress was cancelled: the client may swallow the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Bus:
    """A connection to JetStream."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.js: JetStreamContext = client.jetstream(timeout=5)

    async def ensure_stream(self, service: str) -> int:
        """Make the service's stream if it is not there; return how many events it was sent."""
        config = StreamConfig(
            name=service.upper(),
            subjects=[f"{service}.v1.>"],
            storage=StorageType.FILE,
            duplicate_window=DUPLICATE_WINDOW_S,
            max_bytes=MAX_STREAM_BYTES,
        )
        try:
            info = await self.js.stream_info(service.upper())
        except NotFoundError:
            info = await self.js.add_stream(config)
        return int(info.state.last_seq)

    async def publish(self, events: Sequence[CloudEvent]) -> None:
        """Send events in order and wait until the server has stored every one.

        Raises:
            nats.errors.Error: it is not connected, and nothing was sent; or the server refused.
            TimeoutError: the server did not say for ten seconds that it has them all.
        """
        if not self.client.is_connected:  # the client would keep them, and send them much later
            raise nats.errors.ConnectionReconnectingError
        acks: list[asyncio.Future[Any]] = []
        try:
            for event in events:
                acks.append(await self._send(event))
            await asyncio.wait_for(asyncio.gather(*acks), timeout=10)
        finally:
            for ack in acks:  # each that is still open holds one of the client's 4,000 places
                ack.cancel()

    async def _send(self, event: CloudEvent) -> asyncio.Future[Any]:
        headers = {"Nats-Msg-Id": event.id, "Content-Type": "application/cloudevents+json"}
        return await self.js.publish_async(event.subject, event.encode(), headers=headers)

    @property
    def reconnects(self) -> int:
        """Return how often the connection was lost and found again."""
        return int(self.client.stats["reconnects"])

    async def check(self) -> None:
        """Ask the server for an answer; raise what the client raises when there is none."""
        await self.client.flush(timeout=2)


@asynccontextmanager
async def open_bus(url: str) -> AsyncIterator[Bus]:
    """Connect to `url` (nats://...), reconnect for ever, close at the end."""

    async def quiet(_: Exception) -> None:
        """Leave the word to whoever waits for the call that failed."""

    client = await nats.connect(
        url,
        connect_timeout=5,
        reconnect_time_wait=0.2,
        max_reconnect_attempts=-1,
        error_cb=quiet,
    )
    try:
        yield Bus(client)
    finally:
        await client.close()
