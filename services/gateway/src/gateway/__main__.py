"""python -m gateway {migrate,serve,openapi}."""

import json
import sys
from pathlib import Path

from kit import run

from gateway import app, openapi
from gateway.settings import Settings

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


async def migrate(_: list[str]) -> None:
    """Bring the database to the newest migration."""
    await app.prepare(Settings(), MIGRATIONS)


async def serve(_: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    await app.serve(Settings())


async def describe(_: list[str]) -> None:
    """Print the OpenAPI document."""
    print(json.dumps(openapi.document(), indent=1))


if __name__ == "__main__":
    commands = {"migrate": migrate, "serve": serve, "openapi": describe}
    sys.exit(run.main("gateway", commands, sys.argv[1:]))
