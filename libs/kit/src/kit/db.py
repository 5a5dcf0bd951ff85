"""PostgreSQL through SQLAlchemy Core and asyncpg."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

import asyncpg
from sqlalchemy import MetaData, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Tx = AsyncConnection
"""A transaction in progress. Whoever is handed one never commits."""

GONE = (
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    ConnectionError,
    TimeoutError,
)
"""What a call raises when the database does not answer, or went away while it did."""

metadata = MetaData()
"""The tables kit itself brings into every service's database."""


class Database:
    """One service's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction that commits at the end of the block or rolls back."""
        return self._engine.begin()

    async def check(self) -> None:
        """Ask the server for an answer; raise what the driver raises when there is none."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))


async def now(tx: Tx) -> datetime:
    """Return the database's clock, by which every service decides (FAULTS row 33)."""
    found: datetime = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
    return found


@asynccontextmanager
async def open_database(url: str, *, pool_size: int = 8) -> AsyncIterator[Database]:
    """Open a pool of connections to `url` (postgresql://...) and close it at the end."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"timeout": 5, "command_timeout": 30},
    )
    try:
        yield Database(engine)
    finally:
        await engine.dispose()
