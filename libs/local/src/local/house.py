"""The whole platform on this machine: every service its own process, on ports nobody fixed.

It knows the services by their names and environments only, and imports none of them.
"""

import asyncio
import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from kit import migrate
from kit.bus import open_bus

from local.keys import WITNESS_NAME, Keys, make_keys
from local.nats import Nats, running_nats
from local.postgres import OWNER, Postgres, running_postgres
from local.process import free_port, stop

ROOT = Path(__file__).resolve().parents[4]
SERVICES = ("identity", "training", "licensing", "render", "gateway")
PROGRAMS = {
    "identity": ("identity", "serve"),
    "training": ("training", "serve"),
    "training-worker": ("training", "work"),
    "licensing": ("licensing", "serve"),
    "render": ("render", "serve"),
    "render-worker": ("render", "work"),
    "gateway": ("gateway", "serve"),
    "witness": ("identity.witness", ""),
}
"""Name of a process -> its module and command."""

READY_S = 60.0
WITNESS_EVERY_S = 2.0
"""How often the witness looks at the log, and identity at the witness."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Of each process for arithmetic, unless told: many share few cores, and wait for each other."""
_UNTOLD = {"event", "service", "span_id", "trace_id", "timestamp"}


class HouseBroken(RuntimeError):
    """A process ended or did not become ready; the message has the end of its log."""


@dataclass(slots=True)
class House:
    """A running platform. `start` and `kill` let tests lose a process and have it back."""

    folder: Path
    keys: Keys
    bases: Path
    durable: bool = True
    """Whether PostgreSQL waits for the disk; tests that cut no power go without."""
    echo: bool = False
    """Whether what processes print is shown, each line behind its process's name."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the services, without their prefix."""
    _parts: dict[str, tuple[ExitStack, Postgres | Nats]] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def postgres(self) -> Postgres:
        """Return the server of all databases."""
        return cast(Postgres, self._parts["postgres"][1])

    @property
    def nats(self) -> Nats:
        """Return the server of all streams."""
        return cast(Nats, self._parts["nats"][1])

    def open_part(self, part: str) -> None:
        """Start PostgreSQL ("postgres") or NATS ("nats") on its port, with what it has kept."""
        stack, port = ExitStack(), self.port(part)
        if part == "nats":
            opened: Postgres | Nats = stack.enter_context(
                running_nats(self.folder / part, port=port)
            )
        else:
            running = running_postgres(self.folder / part, durable=self.durable, port=port)
            opened = stack.enter_context(running)
        self._parts[part] = (stack, opened)

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Kill PostgreSQL or NATS with SIGKILL; start it again at the end of the block."""
        stack, opened = self._parts[part]
        if opened.process is not None:
            opened.process.kill()
        stack.close()
        try:
            yield
        finally:
            self.open_part(part)

    def close_parts(self) -> None:
        """Stop both."""
        for stack, _ in reversed(self._parts.values()):
            stack.close()

    def port(self, name: str) -> int:
        """Return the loopback port of that name, the same as long as the house stands."""
        return self._ports.setdefault(name, free_port())

    @property
    def url(self) -> str:
        """Return where the gateway answers."""
        return f"http://127.0.0.1:{self.port('gateway')}"

    @property
    def pages_url(self) -> str:
        """Return the same for a browser: passkeys belong to a name, never to an address."""
        return f"http://localhost:{self.port('gateway')}"

    def start(self, name: str) -> None:
        """Start one process; its log goes on where it was."""
        service, command = PROGRAMS[name]
        log = self.log(name).open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", service, *self.arguments(name)],
            env={**_ONE_THREAD, **os.environ, **(self.environment(service) if command else {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self.echo else log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=self.folder,
        )
        self._running[name] = process
        if self.echo and process.stdout is not None:
            copying = threading.Thread(target=_copy, args=(name, process.stdout, log), daemon=True)
            copying.start()
        else:
            log.close()

    def arguments(self, name: str) -> list[str]:
        """Return what a process is told; the witness reads no environment."""
        if name != "witness":
            return [PROGRAMS[name][1]]
        told = {
            "log-key": self.keys.log_key,
            "log-url": f"{self.url}/v1/log/checkpoint",
            "key": self.keys.folder / "witness.pem",
            "state": self.folder / "witness.head",
            "name": WITNESS_NAME,
            "address": self._address("witness.ops"),
            "interval": WITNESS_EVERY_S,
        }
        return [f"--{option}={value}" for option, value in told.items()]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one process and, if it ends it, wait for the end."""
        process = self._running[name]
        process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            process.wait(timeout=20)

    def pid(self, name: str) -> int:
        """Return the id of a process."""
        return self._running[name].pid

    def wait_ready(self, *names: str, deadline_s: float = READY_S) -> None:
        """Wait until these processes, or all, say on /readyz that they are ready.

        Raises:
            HouseBroken: one ended, or the deadline passed.
        """
        end = time.monotonic() + deadline_s
        for name in names or tuple(self._running):
            while not _is_ready(self.port(f"{name}.ops")):
                ended = self._running[name].poll() is not None
                if ended or time.monotonic() > end:
                    tail = self.log(name).read_text(errors="replace")[-3000:]
                    raise HouseBroken(f"{name} did not become ready:\n{tail}")
                time.sleep(0.03)

    def find_ended(self) -> str | None:
        """Return the name of a process that ended by itself, if one did."""
        ended = (name for name, process in self._running.items() if process.poll() is not None)
        return next(ended, None)

    def stop(self) -> None:
        """Ask every process to end, in the order opposite to their start, and wait."""
        for process in reversed(self._running.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self._running.values()):
            stop(process)

    def log(self, name: str) -> Path:
        """Return where a process writes what it has to say."""
        folder = self.folder / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    def environment(self, service: str) -> Mapping[str, str]:
        """Return the environment a service reads."""
        own = {
            "DATABASE_URL": self.postgres.url(service),
            "NATS_URL": self.nats.url,
            "OPS_ADDRESS": self._address(f"{service}.ops"),
            "WORKER_OPS_ADDRESS": self._address(f"{service}-worker.ops"),
            "RPC_ADDRESS": self._address(service),
            "HTTP_ADDRESS": self._address(service),
            "OBJECTS_URL": (self.folder / "objects").as_uri(),
            "BASES": str(self.bases),
            "WORK": str(self.folder / "work"),
            "KEYSTORE": str(self.folder / "persons"),
            "WITNESSES": self.keys.witnesses(f"http://{self._address('witness.ops')}"),
            "WITNESS_INTERVAL": f"PT{WITNESS_EVERY_S:.0f}S",
            "PORTAL_ORIGIN": self.pages_url,
            **self.keys.environment(),
            **self.settings,
        }
        others = {f"{name.upper()}_ADDRESS": self._address(name) for name in SERVICES}
        prefix = service.upper()
        return {f"{prefix}_{name}": value for name, value in {**own, **others}.items()}

    def _address(self, name: str) -> str:
        return f"127.0.0.1:{self.port(name)}"


@contextmanager
def running_house(
    folder: Path,
    *,
    bases: Path,
    echo: bool = False,
    durable: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Iterator[House]:
    """Run PostgreSQL, NATS and every process on `folder` until the end of the block.

    Yields as soon as all are ready. What `folder` holds from an earlier time goes on. `settings`
    are further ones of the services, without their prefix.

    Raises:
        HouseBroken: a process did not become ready.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_alone(folder))
        house = House(folder, Keys(folder / "keys"), bases, durable, echo, settings or {})
        stack.callback(house.close_parts)
        with ThreadPoolExecutor(1) as meanwhile:
            made = meanwhile.submit(make_keys, house.keys.folder)
            for part in ("postgres", "nats"):
                house.open_part(part)
            made.result()
        asyncio.run(_prepare(house.postgres, house.nats.url))
        stack.callback(house.stop)
        for name in PROGRAMS:
            house.start(name)
        house.wait_ready()
        yield house


async def _prepare(postgres: Postgres, nats_url: str) -> None:
    """Make the databases, bring them to their newest migrations, and make the streams.

    It is what each service's `migrate` does, without a process for each.
    """

    async def one(service: str) -> None:
        if not await postgres.has_database(service):
            await postgres.create_database(service)
        await migrate.upgrade(
            postgres.url(service, OWNER), ROOT / "services" / service / "migrations"
        )

    for service in SERVICES:
        await one(service)
    async with open_bus(nats_url) as bus:
        for service in SERVICES[:-1]:
            await bus.ensure_stream(service)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _copy(name: str, stream: IO[bytes], log: IO[bytes]) -> None:
    """Show and keep what a process prints until it ends."""
    with stream, log:
        for line in stream:
            log.write(line)
            log.flush()
            print(f"{name:<15} | {_readable(line)}", flush=True)


def _readable(line: bytes) -> str:
    """Return a line of a log as a person reads it: what happened, then the rest."""
    text = line.decode(errors="replace").rstrip()
    try:
        fields = json.loads(text)
        told = {key: value for key, value in fields.items() if key not in _UNTOLD}
        rest = " ".join(f"{key}={value}" for key, value in told.items())
        return f"{fields['event']} {rest}".rstrip()
    except (ValueError, KeyError, AttributeError, TypeError):
        return text


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder until the end of the block.

    Raises:
        HouseBroken: another process holds it.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HouseBroken(f"another platform runs on {folder}") from error
        yield
