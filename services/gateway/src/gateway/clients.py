"""Calls to the other services, by the names of the table of routes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from kit import rpc

from gateway.routes import SERVICES
from gateway.settings import Settings


class Calls:
    """Every call of every service, over one channel to each."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._methods: dict[tuple[str, str], Any] = {}
        for name, service in SERVICES.items():
            for method in service.methods:
                self._methods[name, method.name] = channels[name].unary_unary(
                    f"/{service.full_name}/{method.name}",
                    request_serializer=GetMessageClass(method.input_type).SerializeToString,
                    response_deserializer=GetMessageClass(method.output_type).FromString,
                )

    async def send(
        self, service: str, call: str, request: Message, *, timeout_s: float = 15.0
    ) -> Any:
        """Call a service with a message, on behalf of the actor of the span.

        Raises:
            DomainError: what the service raised, or Unavailable.
        """
        return await rpc.call(self._methods[service, call], request, timeout_s=timeout_s)

    async def ask(self, service: str, call: str, **fields: Any) -> Any:
        """Call a service with the fields of its request."""
        kind = SERVICES[service].methods_by_name[call].input_type
        return await self.send(service, call, GetMessageClass(kind)(**fields))


@asynccontextmanager
async def open_calls(settings: Settings) -> AsyncIterator[Calls]:
    """Open a channel to every service."""
    addresses = {
        "identity": settings.identity_address,
        "training": settings.training_address,
        "licensing": settings.licensing_address,
        "render": settings.render_address,
    }
    async with AsyncExitStack() as stack:
        channels = {
            name: await stack.enter_async_context(rpc.open_channel(address))
            for name, address in addresses.items()
        }
        yield Calls(channels)
