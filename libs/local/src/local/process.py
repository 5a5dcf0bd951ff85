"""Child processes that outlive no one: started in their own session, stopped with a deadline."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
