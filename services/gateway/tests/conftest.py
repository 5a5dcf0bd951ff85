"""The gateway before real identity and licensing; nothing answers where training and render lie."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from gateway import app as composition
from gateway.app import App
from gateway.settings import Settings
from house import databases
from house.people import STAFF_KEY, Desk, Person, find_staff, settings_on, write_secrets
from identity import app as identity_composition
from kit import outbox, rpc
from licensing import app as licensing_composition
from licensing.settings import Settings as LicensingSettings
from local.postgres import Postgres
from local.process import free_port
from sosia.identity.v1 import identity_service_pb2_grpc

VERIFICATIONS_A_MINUTE = 2
_numbers = count(1)


@dataclass
class Web:
    """The public side of the house, and who asks there."""

    url: str
    client: httpx.AsyncClient
    desk: Desk
    keys: dict[str, str] = field(default_factory=dict)
    """Party id -> API key."""

    async def get(self, path: str, key: str = STAFF_KEY, **query: Any) -> httpx.Response:
        """Read; without a key, as nobody in particular."""
        return await self.client.get(path, params=query, headers=_headers(key))

    async def post(
        self, path: str, body: Any = None, key: str = STAFF_KEY, *, once: str = "", **more: Any
    ) -> httpx.Response:
        """Give a command."""
        headers = {"Idempotency-Key": once or f"k{next(_numbers)}", **_headers(key)}
        headers |= more.pop("headers", {})
        if body is not None:
            more["json"] = body
        return await self.client.post(path, headers=headers, **more)

    async def key_of(self, person: Person) -> str:
        """Return an API key of somebody."""
        if person.id not in self.keys:
            made = await self.post(f"/v1/parties/{person.id}/api-keys", {})
            self.keys[person.id] = made.json()["api_key"]
        return self.keys[person.id]


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let something run until the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def http_port() -> int:
    """Where the gateway will answer; identity's passkeys belong there."""
    return free_port()


@pytest_asyncio.fixture
async def desk(
    postgres: Postgres, nats_url: str, tmp_path: Path, http_port: int
) -> AsyncIterator[Desk]:
    """identity, open, its events on their way."""
    folder = tmp_path / "identity"
    folder.mkdir()
    write_secrets(folder)
    database = await databases.create_database(postgres, "identity")
    portal = f"http://localhost:{http_port}"
    settings = settings_on(folder, postgres.url(database), nats_url, portal=portal)
    async with (
        identity_composition.build(settings) as app,
        rpc.open_channel(f"127.0.0.1:{app.port}") as channel,
        running(outbox.relay(app.db, app.bus, "identity")),
    ):
        stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
        yield Desk(app, stub, await find_staff(stub))


@pytest_asyncio.fixture
async def licensing_address(
    desk: Desk, postgres: Postgres, nats_url: str, tmp_path: Path
) -> AsyncIterator[str]:
    """licensing, open; yields where it answers."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "grant.pem").write_bytes(pem)
    database = await databases.create_database(postgres, "licensing")
    settings = LicensingSettings(
        database_url=postgres.url(database),
        nats_url=nats_url,
        rpc_address="127.0.0.1:0",
        ops_address=f"127.0.0.1:{free_port()}",
        identity_address=f"127.0.0.1:{desk.app.port}",
        grant_key=tmp_path / "grant.pem",
    )
    async with licensing_composition.build(settings) as app:
        yield f"127.0.0.1:{app.port}"


@pytest.fixture
def settings(
    desk: Desk, licensing_address: str, database_url: str, nats_url: str, http_port: int
) -> Settings:
    """Settings of a gateway on this test's own parts."""
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        http_address=f"127.0.0.1:{http_port}",
        ops_address=f"127.0.0.1:{free_port()}",
        identity_address=f"127.0.0.1:{desk.app.port}",
        training_address=f"127.0.0.1:{free_port()}",
        licensing_address=licensing_address,
        render_address=f"127.0.0.1:{free_port()}",
        verifications_a_minute=VERIFICATIONS_A_MINUTE,
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[App]:
    """Open a gateway that reads the house's events."""
    async with composition.build(settings) as app, running(app.feed.run()):
        yield app


@pytest_asyncio.fixture
async def web(settings: Settings, desk: Desk) -> AsyncIterator[Web]:
    """The gateway, open, and a caller of it."""
    url = f"http://{settings.http_address}"
    async with opened(settings), httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield Web(url, client, desk)


@pytest.fixture
def picture() -> bytes:
    """A photo of a sample talent."""
    folder = Path(__file__).parents[3] / "samples" / "talents" / "alba" / "photos"
    return min(folder.iterdir()).read_bytes()
