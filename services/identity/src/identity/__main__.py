"""python -m identity {migrate,serve}."""

import sys
from pathlib import Path

from kit import run

from identity import app
from identity.settings import Settings

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


async def migrate(_: list[str]) -> None:
    """Bring the database to the newest migration and make the stream."""
    await app.prepare(Settings(), MIGRATIONS)


async def serve(_: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    await app.serve(Settings())


if __name__ == "__main__":
    sys.exit(run.main("identity", {"migrate": migrate, "serve": serve}, sys.argv[1:]))
