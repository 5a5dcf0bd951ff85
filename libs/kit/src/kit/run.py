"""The commands of a service: migrate, serve, work, and its own."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping

from kit.ops import configure_logs

Command = Callable[[list[str]], Awaitable[int | None]]


def main(service: str, commands: Mapping[str, Command], argv: list[str]) -> int:
    """Run the command named first in `argv` until it ends or SIGTERM or SIGINT stops it.

    Returns the exit code: the command's own, 0 after a signal, 2 for an unknown command.
    """
    if not argv or argv[0] not in commands:
        print(f"usage: python -m {service} {{{','.join(commands)}}}", file=sys.stderr)
        return 2
    configure_logs(service)
    return asyncio.run(_until_signal(commands[argv[0]](argv[1:])))


async def _until_signal(command: Awaitable[int | None]) -> int:
    task = asyncio.ensure_future(command)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task or 0
    except asyncio.CancelledError:
        return 0
