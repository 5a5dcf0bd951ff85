"""Everything identity is made of, put together in one place."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import grpc
from imaging.faces import Faces
from kit import migrate, outbox
from kit.bus import Bus, open_bus
from kit.db import Database, open_database
from kit.inbox import Consumer
from kit.objects import Objects
from kit.ops import open_ops
from kit.rpc import open_server
from proofs import VerifierKey
from sosia.identity.v1 import identity_service_pb2_grpc
from vault import Vault

from identity.collector import collect, read_witnesses
from identity.consumers import open_consumer
from identity.domain.parties import Jurisdictions
from identity.domain.signing_keys import Place
from identity.domain.texts import Template, Texts
from identity.keystore import FileKeyStore
from identity.photos import Photographs
from identity.rpc.servicer import IdentityServicer, Services
from identity.service.captures import Captures, Intake
from identity.service.consents import Consents
from identity.service.delegations import Delegations
from identity.service.eraser import Eraser
from identity.service.erasures import Erasures
from identity.service.estates import Estates
from identity.service.heads import Heads
from identity.service.keys import LocalKeys, PersonKeys
from identity.service.parties import Parties
from identity.service.receipts import Receipts
from identity.service.receiver import Receiver
from identity.service.recoveries import Recoveries
from identity.service.reports import Judge
from identity.service.representations import Representations
from identity.service.signers import Signers
from identity.service.signing_keys import SigningKeys
from identity.service.successions import Successions
from identity.service.uploads import Uploads
from identity.settings import Settings
from identity.signing.checkpoints import LogSigner


@dataclass(frozen=True, slots=True)
class App:
    """identity, open."""

    db: Database
    bus: Bus
    services: Services
    consumer: Consumer
    vault: Vault
    port: int
    heads: Heads


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Open everything identity needs, in order; close it in reverse."""
    signer = LogSigner.load(settings.log_origin, settings.log_key)
    staff_key = settings.staff_key_file.read_text().strip()
    witnesses = tuple(read_witnesses(settings.witnesses))
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(str(settings.database_url)))
        bus = await stack.enter_async_context(open_bus(settings.nats_url))
        store = FileKeyStore(settings.keystore)
        keys = PersonKeys(db, store)
        vault = Vault(Objects(settings.objects_url), LocalKeys(keys))
        eraser = Eraser(Erasures(db, signer), store, vault)
        estates = Estates(db, signer, settings.estate_waits)
        heads = Heads(db, VerifierKey.parse(signer.verifier_key), witnesses)
        receipts = Receipts(db, signer, heads)
        signing = (SigningKeys(db, read_place(settings.portal_origin)), Recoveries(db, signer))
        laws = load_jurisdictions(settings.jurisdictions)
        noted = (receipts, Uploads(db, settings.upload_lasts))
        services = _services((db, laws), noted, (keys, vault), (eraser, estates), signing)
        await services.parties.ensure_house(staff_key)
        checks = {"database": db.check, "bus": bus.check}
        await stack.enter_async_context(open_ops(settings.ops_address, checks))
        port = await stack.enter_async_context(_server(services, settings.rpc_address))
        yield App(db, bus, services, open_consumer(db, bus), vault, port, heads)


def _services(
    ground: tuple[Database, Jurisdictions],
    noted: tuple[Receipts, Uploads],
    kept: tuple[PersonKeys, Vault],
    ends: tuple[Eraser, Estates],
    signing: tuple[SigningKeys, Recoveries],
) -> Services:
    (db, jurisdictions), (keys, vault) = ground, kept
    captures = Captures(db)
    intake = Intake(captures, Photographs(Faces()), vault)
    return Services(
        Parties(db, signing[0]),
        Consents(db, load_texts()),
        noted[0],
        captures,
        intake,
        Receiver(noted[1], intake, vault),
        Judge(captures, vault),
        keys,
        ends[0],
        Representations(db, jurisdictions),
        Delegations(db, jurisdictions),
        Successions(db),
        ends[1],
        Signers(db),
        *signing,
    )


@asynccontextmanager
async def _server(services: Services, address: str) -> AsyncIterator[int]:
    def register(server: grpc.aio.Server) -> None:
        identity_service_pb2_grpc.add_IdentityServiceServicer_to_server(
            IdentityServicer(services), server
        )

    async with open_server(register, domain="identity", address=address) as port:
        yield port


def read_place(origin: str) -> Place | None:
    """Return where passkeys are made and used; none without an origin.

    Raises:
        ValueError: it is more or less than scheme, host and port, or not secure.
    """
    if not origin:
        return None
    parts = urlsplit(origin)
    host = parts.hostname or ""
    is_secure = parts.scheme == "https" or (parts.scheme, host) == ("http", "localhost")
    if not is_secure or f"{parts.scheme}://{parts.netloc}" != origin or parts.username is not None:
        raise ValueError("IDENTITY_PORTAL_ORIGIN must be https://host[:port], as a browser says it")
    return Place(host, origin)


def load_jurisdictions(file: Path | None = None) -> Jurisdictions:
    """Read what the law of each place says about agencies: from a file, else as it ships.

    Raises:
        TypeError: it lacks a rule, or has one that is not known.
    """
    shipped = resources.files("identity").joinpath("jurisdictions.json")
    return Jurisdictions(**json.loads((file or shipped).read_text("utf-8")))


def load_texts() -> Texts:
    """Read the newest edition of the words consents are written in.

    Raises:
        ValueError: a template leaves a term out.
    """
    editions = resources.files("identity").joinpath("texts", "consent").iterdir()
    newest = max(editions, key=lambda folder: int(folder.name))
    files = {file.name: json.loads(file.read_text("utf-8")) for file in newest.iterdir()}
    shared = {"version": int(newest.name), "minor_units": files.pop("minor_units.json")}
    lists = ("lines", "superseding", "months")
    return Texts(
        [
            Template(**{**words, **shared, **{name: tuple(words[name]) for name in lists}})
            for words in files.values()
        ]
    )


async def serve(settings: Settings) -> None:
    """Answer calls, send events and read licensing's, until cancelled.

    Erasures that an earlier process began are finished first thing.
    """
    async with build(settings) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.services.eraser.resume())
        tasks.create_task(outbox.relay(app.db, app.bus, "identity"))
        tasks.create_task(app.consumer.run())
        urls = read_witnesses(settings.witnesses)
        every_s = settings.witness_interval.total_seconds()
        tasks.create_task(collect(app.heads, urls, settings.log_origin, every_s))
        tasks.create_task(app.services.recoveries.watch())
        tasks.create_task(app.services.receiver.watch())


async def prepare(settings: Settings, migrations: Path) -> None:
    """Bring the database to the newest migration and make the stream.

    Raises:
        ValueError: no IDENTITY_MIGRATION_DATABASE_URL.
    """
    if settings.migration_database_url is None:
        raise ValueError("IDENTITY_MIGRATION_DATABASE_URL is not set")
    await migrate.upgrade(str(settings.migration_database_url), migrations)
    async with open_bus(settings.nats_url) as bus:
        await bus.ensure_stream("identity")
