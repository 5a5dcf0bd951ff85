"""python -m identity.witness: the witness alone, without what the service needs."""

import asyncio
import signal
import sys

from kit.ops import configure_logs

from identity.witness import command


async def _until_signal(arguments: list[str]) -> int:
    task = asyncio.ensure_future(command.run(arguments))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0


if __name__ == "__main__":
    configure_logs("witness")
    sys.exit(asyncio.run(_until_signal(sys.argv[1:])))
