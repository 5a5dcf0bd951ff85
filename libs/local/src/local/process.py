"""Child processes that outlive no one: started in their own session, stopped with a deadline."""

import fcntl
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PORTS = range(20_000, 32_000)
"""Below what systems give to outgoing connections, one of which could take a port meanwhile."""
_BLOCK = 200
_chance = random.SystemRandom()  # tests seed the other one alike, and would all be given one port
_left: list[int] = []


def free_port() -> int:
    """Return a loopback port that is free and that no process was given before that still runs.

    Ports are taken a block at a time, each held by a lock until the process ends: a port may be
    listened on long after it was chosen, and nobody else may choose it meanwhile.

    Raises:
        RuntimeError: other processes hold all blocks.
    """
    while True:
        if not _left:
            _left.extend(_hold_block())
        port = _left.pop()
        if _is_free(port):
            return port


def _hold_block() -> list[int]:
    """Return the ports of a block that no other process holds, in any order."""
    starts = list(range(PORTS.start, PORTS.stop, _BLOCK))
    for start in _chance.sample(starts, len(starts)):
        path = Path(tempfile.gettempdir()) / f"sosia-ports-{start}.lock"
        try:
            lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            continue  # another user's
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return _chance.sample(range(start, start + _BLOCK), _BLOCK)
    raise RuntimeError(f"other processes hold all ports from {PORTS.start} to {PORTS.stop}")


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
