"""Fixtures on real parts: a PostgreSQL per run, a database and a nats-server per test."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from kit import migrate

from local.nats import running_nats
from local.postgres import OWNER, Postgres, running_postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the run."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with running_postgres(Path(folder), durable=False) as server:
            yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """The server's own database, as the superuser."""
    return postgres.url("postgres", "postgres")


@pytest_asyncio.fixture
async def database_name(request: pytest.FixtureRequest, postgres: Postgres) -> str:
    """A database of the test's own, a copy of its service's migrated template."""
    folder = request.path.parents[1]  # services/NAME or libs/NAME
    template: str | None = None
    migrations = next((p for p in (folder, folder / "tests") if (p / "migrations").is_dir()), None)
    if migrations is not None:
        template = f"template_{folder.name}"
        if not await postgres.has_database(template):
            await postgres.create_database(template)
            await migrate.upgrade(postgres.url(template, OWNER), migrations / "migrations")
    name = f"test_{next(_numbers)}"
    await postgres.create_database(name, template)
    return name


@pytest.fixture
def database_url(postgres: Postgres, database_name: str) -> str:
    """The test's database, as the role services run as."""
    return postgres.url(database_name)


@pytest.fixture
def owner_database_url(postgres: Postgres, database_name: str) -> str:
    """The test's database, as its owner, who may change tables."""
    return postgres.url(database_name, OWNER)


@pytest.fixture
def nats_url(tmp_path: Path) -> Iterator[str]:
    """A nats-server of the test's own."""
    with running_nats(tmp_path / "nats") as server:
        yield server.url
