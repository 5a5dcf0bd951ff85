"""A nats-server from its wheel, with JetStream on disk."""

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.process import stop, wait_until


@contextmanager
def running_nats(folder: Path, *, port: int = -1) -> Iterator[str]:
    """Run a server that keeps its streams in `folder` until the end of the block.

    Yields its address. Every write is on disk before it is acknowledged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config, log = folder / "nats.conf", folder / "log"
    store = json.dumps(str(folder / "streams"))
    config.write_text(f"jetstream {{ store_dir: {store}, sync_interval: always }}\n")
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
        yield _addresses(ports)[0]
    finally:
        stop(process)


def _addresses(ports: Path) -> list[str]:
    """Return what the server listens on, nothing while it has not said so."""
    try:
        return list(json.loads(ports.read_text())["nats"])
    except (FileNotFoundError, ValueError):
        return []
