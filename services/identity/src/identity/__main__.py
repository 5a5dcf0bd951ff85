"""python -m identity {migrate,serve,consent,upload,verify-receipt,verify-checkpoint,witness}."""

import sys
from pathlib import Path

from kit import run

from identity import app, consenting, offline, uploading
from identity.settings import Settings
from identity.witness import command

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


async def migrate(_: list[str]) -> None:
    """Bring the database to the newest migration and make the stream."""
    await app.prepare(Settings(), MIGRATIONS)


async def serve(_: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    await app.serve(Settings())


async def consent(arguments: list[str]) -> int:
    """Read a consent and sign it with an Ed25519 key, over the public API."""
    return await consenting.run(arguments)


async def upload(arguments: list[str]) -> int:
    """Bring a capture folder to the platform, over its public API."""
    return await uploading.run(arguments)


async def verify_receipt(arguments: list[str]) -> int:
    """Check a receipt in a file with the log's public key alone."""
    return offline.verify_receipt(arguments)


async def verify_checkpoint(arguments: list[str]) -> int:
    """Check a head of the log, and that it follows from an older one."""
    return offline.verify_checkpoint(arguments)


async def witness(arguments: list[str]) -> int:
    """Cosign heads that follow from each other; `python -m identity.witness` is thinner."""
    return await command.run(arguments)


if __name__ == "__main__":
    commands: dict[str, run.Command] = {
        "migrate": migrate,
        "serve": serve,
        "consent": consent,
        "upload": upload,
        "verify-receipt": verify_receipt,
        "verify-checkpoint": verify_checkpoint,
        "witness": witness,
    }
    sys.exit(run.main("identity", commands, sys.argv[1:]))
