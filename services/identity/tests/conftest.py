"""identity as a whole on real PostgreSQL, NATS and files, and people to try it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from house.people import Desk, find_staff, photos, settings_on, write_secrets
from identity.app import App, build
from identity.settings import Settings
from kit import rpc
from sosia.identity.v1 import identity_service_pb2_grpc


@pytest.fixture(scope="session")
def alba() -> list[dict[str, Any]]:
    """The photos of a sample talent."""
    return photos("alba")


@pytest.fixture(scope="session")
def cleo() -> list[dict[str, Any]]:
    """The photos of another."""
    return photos("cleo")


@pytest.fixture
def settings(
    database_url: str, nats_url: str, tmp_path: Path, jurisdictions: Path | None
) -> Settings:
    """Settings on this test's own parts."""
    write_secrets(tmp_path)
    return settings_on(tmp_path, database_url, nats_url, jurisdictions=jurisdictions)


@pytest_asyncio.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    """identity, open."""
    async with build(settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def desk(app: App) -> AsyncIterator[Desk]:
    """A caller of it."""
    async with rpc.open_channel(f"127.0.0.1:{app.port}") as channel:
        stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
        yield Desk(app, stub, await find_staff(stub))
