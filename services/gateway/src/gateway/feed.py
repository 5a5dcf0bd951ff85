"""The house's events as they happen: the newest few kept, the rest passed on to who listens."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import nats.errors
import nats.js.errors
from kit.bus import Bus, CloudEvent, stopping
from kit.ops import log
from nats.aio.msg import Msg
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
        self._positions: dict[str, int] = {}

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
        while not stopping():
            try:
                await self._find_position(stream)
                await self._read(stream)
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
                log.warning("events cannot be read; will try again", error=repr(error))
                await asyncio.sleep(0.5)

    async def _find_position(self, stream: str) -> None:
        """Go on from where we were, unless the stream was emptied or we begin."""
        await self._bus.ensure_stream(stream.lower())
        last = (await self._bus.js.stream_info(stream)).state.last_seq
        if self._positions.get(stream, last + 1) > last:
            self._positions[stream] = max(0, last - KEPT)

    async def _read(self, stream: str) -> None:
        """Read until cancelled; raise when the bus no longer knows of us."""
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._positions[stream] + 1,
            inactive_threshold=60,
        )
        reader = await self._bus.js.pull_subscribe("", stream=stream, config=config)
        try:
            while not stopping():
                try:
                    messages = await reader.fetch(100, timeout=_QUIET_S)
                except TimeoutError:  # the client's own, or a plain one just at the end
                    await reader.consumer_info()  # still there?
                    continue
                for message in messages:
                    self._take(stream, message)
        finally:
            await reader.unsubscribe()

    def _take(self, stream: str, message: Msg) -> None:
        sequence = message.metadata.sequence.stream
        self._positions[stream] = sequence
        try:
            self._tell(CloudEvent.decode(message.data))
        except ValueError:
            log.warning("not an event", stream=stream, sequence=sequence)
