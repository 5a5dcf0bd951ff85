"""Everything licensing is made of, put together in one place."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import grpc
from kit import migrate, outbox
from kit.bus import Bus, open_bus
from kit.db import Database, open_database
from kit.inbox import Consumer
from kit.ops import open_ops
from kit.rpc import open_channel, open_server
from sosia.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from sosia.licensing.v1 import licensing_service_pb2_grpc

from licensing.clients import Identity
from licensing.consumers import open_consumers
from licensing.domain.decisions import Codes
from licensing.domain.vocabulary import WORLD, Vocabulary, find_paths
from licensing.rpc.servicer import LicensingServicer, Services
from licensing.service import expiry
from licensing.service.approvals import Approvals
from licensing.service.decisions import Decisions
from licensing.service.exchange import Exchange
from licensing.service.grants import Grants
from licensing.service.ledger import Ledger
from licensing.service.licenses import Licenses
from licensing.service.offers import Offers
from licensing.service.prices import Quotes, RateCards
from licensing.service.releases import Releases
from licensing.settings import Settings
from licensing.signing.grants import GrantSigner


@dataclass(frozen=True, slots=True)
class App:
    """licensing, open."""

    db: Database
    bus: Bus
    services: Services
    consumers: Sequence[Consumer]
    port: int


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Open everything licensing needs, in order; close it in reverse."""
    signer = GrantSigner.load(settings.grant_key)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(str(settings.database_url)))
        bus = await stack.enter_async_context(open_bus(settings.nats_url))
        channel = await stack.enter_async_context(open_channel(settings.identity_address))
        identity = Identity(IdentityServiceStub(channel))
        services = _services(db, identity, signer, settings)
        checks = {"database": db.check, "bus": bus.check}
        await stack.enter_async_context(open_ops(settings.ops_address, checks))
        port = await stack.enter_async_context(_server(services, settings.rpc_address))
        consumers = open_consumers(db, bus, settings.approval_lasts)
        yield App(db, bus, services, consumers, port)


def _services(
    db: Database, identity: Identity, signer: GrantSigner, settings: Settings
) -> Services:
    vocabulary = load_vocabulary()
    licenses = Licenses(db, identity, vocabulary.categories)
    return Services(
        RateCards(db, identity, vocabulary),
        Quotes(db, identity, vocabulary, settings.quote_lasts),
        licenses,
        Offers(db, identity, licenses, vocabulary, settings.quote_lasts),
        Decisions(db, identity, Codes(vocabulary)),
        Grants(db, identity, signer, settings.grant_lasts),
        Approvals(db, identity, vocabulary.categories),
        Releases(db, identity),
        Ledger(db),
        Exchange(licenses, vocabulary),
    )


@asynccontextmanager
async def _server(services: Services, address: str) -> AsyncIterator[int]:
    def register(server: grpc.aio.Server) -> None:
        licensing_service_pb2_grpc.add_LicensingServiceServicer_to_server(
            LicensingServicer(services), server
        )

    async with open_server(register, domain="licensing", address=address) as port:
        yield port


def load_vocabulary() -> Vocabulary:
    """Read which media, countries, regions and product categories there are.

    Raises:
        ValueError: a region holds what is no country, or a category is out of place.
    """
    said = json.loads(resources.files("licensing").joinpath("vocabulary.json").read_text())
    countries = frozenset(said["countries"])
    regions = {name: frozenset(codes) for name, codes in said["regions"].items()}
    for name, codes in regions.items():
        if not codes <= countries:
            raise ValueError(f"region {name} holds {sorted(codes - countries)}")
    categories = find_paths(said["categories"])
    return Vocabulary(said["media"], countries, {**regions, WORLD: countries}, categories)


async def serve(settings: Settings) -> None:
    """Answer calls, send events and read identity's and render's, until cancelled."""
    async with build(settings) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.relay(app.db, app.bus, "licensing"))
        tasks.create_task(expiry.watch(app.db, settings.approval_reminder))
        for consumer in app.consumers:
            tasks.create_task(consumer.run())


async def prepare(settings: Settings, migrations: Path) -> None:
    """Bring the database to the newest migration and make the stream.

    Raises:
        ValueError: no LICENSING_MIGRATION_DATABASE_URL.
    """
    if settings.migration_database_url is None:
        raise ValueError("LICENSING_MIGRATION_DATABASE_URL is not set")
    await migrate.upgrade(str(settings.migration_database_url), migrations)
    async with open_bus(settings.nats_url) as bus:
        await bus.ensure_stream("licensing")
