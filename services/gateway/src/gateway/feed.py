"""The house's events as they happen: the newest few kept, the rest passed on to who listens."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import nats.errors
import nats.js.errors
from kit.bus import Bus, CloudEvent
from kit.ops import log
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

STREAMS = ("IDENTITY", "TRAINING", "LICENSING", "RENDER")
KEPT = 300
_WAITING = 500
_QUIET_S = 5.0


class Feed:
    """Reads every stream of the house and tells whoever listens.

    A listener that is too slow for its queue is let go; its browser comes back by itself.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._newest: deque[CloudEvent] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[CloudEvent | None]] = set()

    async def run(self) -> None:
        """Read for ever."""
        async with asyncio.TaskGroup() as tasks:
            for stream in STREAMS:
                tasks.create_task(self._follow(stream))

    async def listen(self, after: str = "") -> AsyncIterator[CloudEvent | None]:
        """Yield the newest events from the one named `after` on, then each as it comes.

        Yields None when nothing came for a while, so that a connection can be kept open.
        """
        queue: asyncio.Queue[CloudEvent | None] = asyncio.Queue(_WAITING)
        self._listeners.add(queue)
        try:
            kept = sorted(self._newest, key=lambda event: event.time)
            ids = [event.id for event in kept]
            for event in kept[ids.index(after) + 1 if after in ids else 0 :]:
                yield event
            while queue in self._listeners:
                try:
                    yield await asyncio.wait_for(queue.get(), _QUIET_S)
                except TimeoutError:
                    yield None
        finally:
            self._listeners.discard(queue)

    def _tell(self, event: CloudEvent) -> None:
        if any(event.id == known.id for known in self._newest):
            return
        self._newest.append(event)
        for queue in list(self._listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._listeners.discard(queue)

    async def _follow(self, stream: str) -> None:
        """Read one stream; after trouble with the bus, from where it was."""
        position = -1
        while True:
            try:
                position = await self._start(stream, position)
                position = await self._read(stream, position)
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
                log.warning("events cannot be read; will try again", error=repr(error))
                await asyncio.sleep(0.5)

    async def _start(self, stream: str, position: int) -> int:
        """Return from which message to read: on from `position` unless the stream was emptied."""
        await self._bus.ensure_stream(stream.lower())
        last = (await self._bus.js.stream_info(stream)).state.last_seq
        return position if 0 <= position <= last else max(0, last - KEPT)

    async def _read(self, stream: str, position: int) -> int:
        """Read until it has been quiet for a while; return the last message's number."""
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=position + 1,
            inactive_threshold=60,
        )
        reader = await self._bus.js.pull_subscribe("", stream=stream, config=config)
        try:
            while True:
                for message in await reader.fetch(100, timeout=_QUIET_S):
                    position = message.metadata.sequence.stream
                    try:
                        self._tell(CloudEvent.decode(message.data))
                    except ValueError:
                        log.warning("not an event", stream=stream, sequence=position)
        except nats.errors.TimeoutError:
            return position
        finally:
            await reader.unsubscribe()
