"""A database server that was killed comes back on what it had kept."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import asyncpg
import pytest
from local.postgres import Postgres, running_postgres

HELD_S = 0.6


async def _leave_a_session(server: Postgres) -> int:
    """Kill a server under a session that does not notice; return that session's process."""
    connection = await asyncpg.connect(server.url("postgres", "postgres"))
    backend = int(await connection.fetchval("SELECT pg_backend_pid()"))
    os.kill(backend, signal.SIGSTOP)
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    connection.terminate()
    return backend


def test_it_waits_for_the_sessions_of_one_that_was_killed(tmp_path: Path) -> None:
    with running_postgres(tmp_path, durable=False) as server:
        asyncio.run(server.create_database("kept"))
        backend = asyncio.run(_leave_a_session(server))
    threading.Timer(HELD_S, os.kill, (backend, signal.SIGCONT)).start()
    with running_postgres(tmp_path, durable=False, port=server.port) as server:
        assert asyncio.run(server.has_database("kept"))
    assert b"pre-existing shared memory block" in (tmp_path / "log").read_bytes()


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    with running_postgres(tmp_path, durable=False):
        pass
    (tmp_path / "data" / "PG_VERSION").write_text("1\n")
    with pytest.raises(RuntimeError, match="incompatible"), running_postgres(tmp_path):
        pass
