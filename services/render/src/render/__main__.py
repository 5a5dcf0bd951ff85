"""python -m render {migrate,serve,work,authority,renew,sight}."""

import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from kit import run

from render import app, sighting
from render.pipeline.marking.authority import make_credentials, renew_credentials
from render.settings import Settings
from render.sources import AddressList, Folder, Source

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


async def migrate(_: list[str]) -> None:
    """Bring the database to the newest migration and make the stream."""
    await app.prepare(Settings(), MIGRATIONS)


async def serve(_: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    await app.serve(Settings())


async def work(_: list[str]) -> None:
    """Make pictures until SIGTERM or SIGINT."""
    await import_module("render.worker").work(Settings())  # brings torch


async def authority(arguments: list[str]) -> int:
    """Make a new chain that signs Content Credentials; an old one is never overwritten."""
    if len(arguments) != 1:
        print("usage: python -m render authority DIR", file=sys.stderr)
        return 2
    try:
        make_credentials(Path(arguments[0]), organization="Sosia", now=datetime.now(UTC))
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def renew(arguments: list[str]) -> int:
    """Issue a new signing certificate in a folder that holds the intermediate's key."""
    if len(arguments) != 1:
        print("usage: python -m render renew DIR", file=sys.stderr)
        return 2
    try:
        renewed = renew_credentials(Path(arguments[0]), now=datetime.now(UTC))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"valid until {renewed.ends_at.isoformat()}")
    return 0


async def sight(arguments: list[str]) -> int:
    """Verify pictures found in use, in a folder or at addresses, and note what came of them."""
    asked = sighting.read_arguments(arguments)
    async with app.open_sightings(Settings()) as (sightings, fetcher):
        source: Source = Folder(asked.folder) if asked.folder else AddressList(asked.urls, fetcher)
        try:
            counts = await sighting.sight(sightings, source)
        except OSError as error:
            print(error, file=sys.stderr)
            return 1
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or "nothing")
    return 0


COMMANDS = {
    "migrate": migrate,
    "serve": serve,
    "work": work,
    "authority": authority,
    "renew": renew,
    "sight": sight,
}

if __name__ == "__main__":
    sys.exit(run.main("render", COMMANDS, sys.argv[1:]))
