"""What a house's streams carry, read from the first message to the last."""

import asyncio

from kit.bus import CloudEvent, open_bus
from local.house import House
from nats.js.errors import NotFoundError


def read_events(house: House, service: str) -> list[CloudEvent]:
    """Return every event of a service's stream, in the stream's order."""
    return asyncio.run(_read(house.nats.url, service.upper()))


async def _read(url: str, stream: str) -> list[CloudEvent]:
    async with open_bus(url) as bus:
        state = (await bus.js.stream_info(stream)).state
        events = []
        # A server that came back to an empty stream counts its first message as 0, which none is.
        for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
            try:
                message = await bus.js.get_msg(stream, sequence)
            except NotFoundError:
                continue
            try:
                events.append(CloudEvent.decode(message.data or b""))
            except ValueError:
                continue  # poison: no event, and none of ours
        return events
