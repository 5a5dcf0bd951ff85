"""Everything render is made of, put together in one place; its workers in `worker`."""

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
from kit.rpc import open_server
from sosia.render.v1 import render_service_pb2_grpc
from vault import RemoteKeys, Vault

from render.clients import Others, open_others
from render.consumers import open_consumers
from render.domain.bindings import Algorithms
from render.examining import Examiner
from render.fetching import Fetcher
from render.looks import Looks
from render.moderation import load_rules
from render.pipeline.marking.authority import load_anchors
from render.pipeline.marking.draft import draft
from render.pipeline.marking.examine import Reader
from render.pipeline.marking.fingerprint import NAME as FINGERPRINT
from render.pipeline.marking.fingerprint import KeyedFingerprint
from render.preparing import Preparer
from render.rpc.servicer import RenderServicer, Services
from render.service import deadlines
from render.service.appointments import Appointments
from render.service.campaigns import Briefs, Campaigns
from render.service.claims import Claims
from render.service.moodboards import Moodboards
from render.service.pictures import Pictures
from render.service.reactions import Reactions
from render.service.remnants import Remnants
from render.service.renders import Renders
from render.service.sightings import Sightings
from render.service.softbinding import SoftBindings
from render.service.starts import Starts
from render.service.takes import Takes
from render.service.verification import Verifier
from render.settings import Settings
from render.watermarks import open_codecs


@dataclass(frozen=True, slots=True)
class App:
    """render, open."""

    db: Database
    bus: Bus
    vault: Vault
    consumers: list[Consumer]
    looks: Looks
    port: int


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Open everything render needs, in order; close it in reverse."""
    key = settings.watermark_key.read_bytes()
    codecs = open_codecs(settings, key)
    reader = Reader(codecs.reading, KeyedFingerprint(key), load_anchors(settings.authority))
    examiner = Examiner(reader, settings.revoked_certificates)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(str(settings.database_url)))
        bus = await stack.enter_async_context(open_bus(settings.nats_url))
        others = await stack.enter_async_context(open_others(settings))
        objects = Objects(settings.objects_url)
        vault = Vault(objects, RemoteKeys(others.identity.stub))
        looks = Looks(settings.looks)
        await looks.open(db)
        fetcher = Fetcher(allow_loopback=settings.fetch_loopback)
        verifier = Verifier(db, others.identity, others.licensing, examiner, looks, fetcher)
        algorithms = Algorithms(codecs.values, (FINGERPRINT,))
        soft = SoftBindings(db, verifier, algorithms, settings.soft_binding_endpoint)
        services = _services(db, others, objects, soft, key)
        checks = {"database": db.check, "bus": bus.check}
        await stack.enter_async_context(open_ops(settings.ops_address, checks))
        port = await stack.enter_async_context(_server(services, settings.rpc_address))
        yield App(db, bus, vault, open_consumers(db, bus, vault), looks, port)


def _services(
    db: Database, others: Others, objects: Objects, soft: SoftBindings, key: bytes
) -> Services:
    identity, licensing = others.identity, others.licensing
    vault = Vault(objects, RemoteKeys(identity.stub))
    starts = Starts(identity, others.training)
    renders = Renders(db, identity, starts, licensing)
    briefs = Briefs(db, others)
    return Services(
        Campaigns(db, identity, licensing),
        briefs,
        renders,
        Takes(db, briefs, renders, starts, licensing),
        Moodboards(db, briefs, objects, vault, Preparer()),
        Pictures(db, renders, licensing, vault, draft),
        Remnants(db, identity, vault),
        soft.verifier,
        soft,
        Reactions(db, renders, key, load_rules()),
        Sightings(db, soft.verifier, licensing, vault),
        Claims(db, identity, vault),
        Appointments(db, identity, licensing),
    )


@asynccontextmanager
async def _server(services: Services, address: str) -> AsyncIterator[int]:
    def register(server: grpc.aio.Server) -> None:
        render_service_pb2_grpc.add_RenderServiceServicer_to_server(
            RenderServicer(services), server
        )

    async with open_server(register, domain="render", address=address) as port:
        yield port


@asynccontextmanager
async def open_sightings(settings: Settings) -> AsyncIterator[tuple[Sightings, Fetcher]]:
    """Open what notes sightings, without a server; the serving process sends their events."""
    async with open_database(str(settings.database_url)) as db, open_others(settings) as others:
        key = settings.watermark_key.read_bytes()
        reading = open_codecs(settings, key).reading
        reader = Reader(reading, KeyedFingerprint(key), load_anchors(settings.authority))
        examiner = Examiner(reader, settings.revoked_certificates)
        vault = Vault(Objects(settings.objects_url), RemoteKeys(others.identity.stub))
        fetcher = Fetcher(allow_loopback=settings.fetch_loopback)
        looks = Looks(settings.looks)
        await looks.open(db)
        verifier = Verifier(db, others.identity, others.licensing, examiner, looks, fetcher)
        yield Sightings(db, verifier, others.licensing, vault), fetcher


async def serve(settings: Settings) -> None:
    """Answer calls, send events and read those of identity and licensing, until cancelled."""
    async with build(settings) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.relay(app.db, app.bus, "render"))
        tasks.create_task(app.looks.keep(app.db))
        tasks.create_task(deadlines.watch(app.db, settings.review_reminder))
        for consumer in app.consumers:
            tasks.create_task(consumer.run())


async def prepare(settings: Settings, migrations: Path) -> None:
    """Bring the database to the newest migration and make the stream.

    Raises:
        ValueError: no RENDER_MIGRATION_DATABASE_URL.
    """
    if settings.migration_database_url is None:
        raise ValueError("RENDER_MIGRATION_DATABASE_URL is not set")
    await migrate.upgrade(str(settings.migration_database_url), migrations)
    async with open_bus(settings.nats_url) as bus:
        await bus.ensure_stream("render")
