"""Child processes that outlive no one: started in their own session, stopped with a deadline."""

import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PORTS = range(20_000, 32_000)
"""Below what systems give to outgoing connections, one of which could take a port meanwhile."""
_given: set[int] = set()
_chance = random.SystemRandom()  # tests seed the other one alike, and would all be given one port


def free_port() -> int:
    """Return a loopback port that is free and that this process was not given before.

    Raises:
        RuntimeError: a thousand ports were tried and none was free.
    """
    for _ in range(1000):
        port = _chance.choice(PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port from {PORTS.start} to {PORTS.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, deadline_s: float = 20
) -> None:
    """Wait until `ready()` is true.

    Raises:
        RuntimeError: the process ended, or the deadline passed; the log's end is in the message.
    """
    end = time.monotonic() + deadline_s
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            tail = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{process.args!r} did not become ready: {tail}")
        time.sleep(0.01)


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
    """Send the signal and wait for the end; after ten seconds, kill."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
