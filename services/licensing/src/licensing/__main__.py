"""python -m licensing {migrate,serve,keygen}."""

import sys
from pathlib import Path

from kit import run

from licensing import app
from licensing.settings import Settings
from licensing.signing.grants import write_key_pair

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


async def migrate(_: list[str]) -> None:
    """Bring the database to the newest migration and make the stream."""
    await app.prepare(Settings(), MIGRATIONS)


async def serve(_: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    await app.serve(Settings())


async def keygen(arguments: list[str]) -> int:
    """Write a key pair for grants to the path named; return 2 if none is, 1 if it is taken."""
    if len(arguments) != 1:
        print("usage: python -m licensing keygen PATH", file=sys.stderr)
        return 2
    try:
        write_key_pair(Path(arguments[0]))
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    commands = {"migrate": migrate, "serve": serve, "keygen": keygen}
    sys.exit(run.main("licensing", commands, sys.argv[1:]))
