"""A nats-server from its wheel, with JetStream on disk."""

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.process import stop, wait_until

_MOST_KEPT = "64GB"
"""More than all streams may ever take. Unsaid, it is three quarters of what is free on the disk,
and on a full one the last streams are refused, since each reserves all it may grow to."""


@dataclass(frozen=True, slots=True)
class Nats:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_nats(folder: Path, *, port: int = -1) -> Iterator[Nats]:
    """Run a server that keeps its streams in `folder/streams` until the end of the block.

    Every write is on disk before it is acknowledged. Port -1: any that is free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config, log = folder / "nats.conf", folder / "log"
    store = json.dumps(str(folder / "streams"))
    kept = f"store_dir: {store}, max_file_store: {_MOST_KEPT}, sync_interval: always"
    config.write_text(f"jetstream {{ {kept} }}\n")
    binary = Path(sysconfig.get_path("scripts")) / "nats-server"
    command = [str(binary), "-c", str(config), "-a", "127.0.0.1", "-p", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--ports_file_dir", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    ports = folder / f"nats-server_{process.pid}.ports"
    try:
        wait_until(lambda: _addresses(ports) != [], process, log)
        yield Nats(_addresses(ports)[0], process)
    finally:
        stop(process)


def _addresses(ports: Path) -> list[str]:
    """Return what the server listens on, nothing while it has not said so."""
    try:
        return list(json.loads(ports.read_text())["nats"])
    except (FileNotFoundError, ValueError):
        return []
