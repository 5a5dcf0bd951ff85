"""Databases of services, each a copy of a template that is migrated once a run."""

import itertools
from pathlib import Path

from kit import migrate
from local.postgres import OWNER, Postgres

SERVICES = Path(__file__).resolve().parents[2] / "services"
_numbers = itertools.count(1)


async def create_copy(postgres: Postgres, template: str) -> str:
    """Copy a database nobody is connected to; return the name of the copy."""
    name = f"house_{next(_numbers)}"
    await postgres.create_database(name, template)
    return name


async def create_database(postgres: Postgres, service: str) -> str:
    """Make a database on a service's newest migration and return its name."""
    template = f"template_{service}"
    if not await postgres.has_database(template):
        await postgres.create_database(template)
        await migrate.upgrade(postgres.url(template, OWNER), SERVICES / service / "migrations")
    return await create_copy(postgres, template)
