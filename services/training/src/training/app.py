"""Everything training is made of, put together in one place; its workers in `worker`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from kit import migrate, outbox
from kit.bus import Bus, open_bus
from kit.db import Database, open_database
from kit.inbox import Consumer
from kit.objects import Objects
from kit.ops import open_ops
from kit.rpc import open_channel, open_server
from sosia.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from sosia.training.v1 import training_service_pb2_grpc
from vault import RemoteKeys, Vault

from training.bars import load_bars
from training.clients import Identity
from training.consumers import open_consumer
from training.rpc.servicer import TrainingServicer
from training.service.fidelity import Fidelity
from training.service.runs import Runs
from training.service.twins import Twins
from training.settings import Settings


@dataclass(frozen=True, slots=True)
class App:
    """training, open."""

    db: Database
    bus: Bus
    vault: Vault
    consumer: Consumer
    port: int


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Open everything training needs, in order; close it in reverse."""
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(str(settings.database_url)))
        bus = await stack.enter_async_context(open_bus(settings.nats_url))
        channel = await stack.enter_async_context(open_channel(settings.identity_address))
        identity = Identity(IdentityServiceStub(channel))
        vault = Vault(Objects(settings.objects_url), RemoteKeys(identity.stub))
        twins = Twins(db, identity, vault)
        fidelity = Fidelity(db, identity, twins, load_bars(settings.bars))
        servicer = TrainingServicer(Runs(db, identity, settings.bases), twins, fidelity)
        checks = {"database": db.check, "bus": bus.check}
        await stack.enter_async_context(open_ops(settings.ops_address, checks))
        port = await stack.enter_async_context(_server(servicer, settings.rpc_address))
        yield App(db, bus, vault, open_consumer(db, bus, vault), port)


@asynccontextmanager
async def _server(servicer: TrainingServicer, address: str) -> AsyncIterator[int]:
    def register(server: grpc.aio.Server) -> None:
        training_service_pb2_grpc.add_TrainingServiceServicer_to_server(servicer, server)

    async with open_server(register, domain="training", address=address) as port:
        yield port


async def serve(settings: Settings) -> None:
    """Answer calls, send events and read identity's, until cancelled."""
    async with build(settings) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.relay(app.db, app.bus, "training"))
        tasks.create_task(app.consumer.run())


async def prepare(settings: Settings, migrations: Path) -> None:
    """Bring the database to the newest migration and make the stream.

    Raises:
        ValueError: no TRAINING_MIGRATION_DATABASE_URL.
    """
    if settings.migration_database_url is None:
        raise ValueError("TRAINING_MIGRATION_DATABASE_URL is not set")
    await migrate.upgrade(str(settings.migration_database_url), migrations)
    async with open_bus(settings.nats_url) as bus:
        await bus.ensure_stream("training")
