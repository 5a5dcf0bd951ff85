"""Whether a service's tables are those its migrations made, and what is in them."""

import warnings
from typing import Any

import kit.db
from sqlalchemy import MetaData, func, inspect, select, table
from sqlalchemy.exc import SAWarning
from sqlalchemy.ext.asyncio import create_async_engine

Columns = dict[str, dict[str, bool]]
"""Table -> column -> whether it may be null."""


def declared(own: MetaData) -> Columns:
    """Return what a service declares beside kit's tables, and kit's."""
    tables = [*kit.db.metadata.sorted_tables, *own.sorted_tables]
    return {table.name: {one.name: bool(one.nullable) for one in table.columns} for table in tables}


async def found(database_url: str) -> Columns:
    """Return what the database has."""
    engine = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.connect() as connection:
        columns = await connection.run_sync(_columns)
    await engine.dispose()
    return columns


def _columns(connection: Any) -> Columns:
    seen = inspect(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # types of our own: only names count here
        return {
            table: {column["name"]: column["nullable"] for column in seen.get_columns(table)}
            for table in seen.get_table_names()
            if table != "alembic_version"
        }


Counts = dict[str, int]
"""Table -> how many rows it has."""

_TRAFFIC = frozenset({"alembic_version", "inbox"})
"""What fills by itself: events that others said earlier still arrive."""


async def count_rows(database_url: str) -> Counts:
    """Return how many rows each table has that only a command fills."""
    engine = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda held: inspect(held).get_table_names())
        counted = {
            name: await connection.scalar(select(func.count()).select_from(table(name)))
            for name in sorted(set(names) - _TRAFFIC)
        }
    await engine.dispose()
    return {name: int(count or 0) for name, count in counted.items()}
