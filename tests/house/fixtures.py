"""Fixtures of the house; what they need is imported when one is asked for, torch above all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from local.postgres import Postgres

if TYPE_CHECKING:
    from house.talents import Identity, Prepared


@pytest.fixture(scope="session")
def prepared_identity(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """What every `identity` is a copy of."""
    from house import talents  # noqa: PLC0415 -- brings identity

    return talents.prepare(postgres, tmp_path_factory.mktemp("identity"))


@pytest.fixture
def jurisdictions() -> Path | None:
    """The table of laws `identity` reads; None is the one that ships. A test may name its own."""
    return None


@pytest_asyncio.fixture
async def identity(
    prepared_identity: Prepared,
    postgres: Postgres,
    tmp_path: Path,
    nats_url: str,
    jurisdictions: Path | None,
) -> AsyncIterator[Identity]:
    """identity, open, with talents in it."""
    from house import talents  # noqa: PLC0415 -- brings identity

    folder = tmp_path / "identity"
    parts = (prepared_identity, postgres, folder, nats_url)
    async with talents.opened(*parts, jurisdictions=jurisdictions) as found:
        yield found


@pytest.fixture(scope="session")
def tiny_bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bases with one in it, "tiny": random weights, pictures of 256 pixels."""
    folder = tmp_path_factory.mktemp("bases")
    import_module("house.bases").write_tiny(folder / "tiny")  # brings torch
    return folder
