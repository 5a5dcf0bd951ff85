"""python -m training {migrate,serve,work,base,cohort}."""

import sys
from importlib import import_module
from pathlib import Path

from kit import run

from training import app
from training.settings import Settings

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


async def migrate(_: list[str]) -> None:
    """Bring the database to the newest migration and make the stream."""
    await app.prepare(Settings(), MIGRATIONS)


async def serve(_: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    await app.serve(Settings())


async def work(_: list[str]) -> None:
    """Train twins until SIGTERM or SIGINT."""
    await import_module("training.worker").work(Settings())  # brings torch


def main(argv: list[str]) -> int:
    """Run the command named first."""
    if argv[:1] == ["base"]:
        return int(import_module("training.pipeline.base_training.command").main(argv[1:]))
    if argv[:1] == ["cohort"]:
        return int(import_module("training.pipeline.cohort").main(argv[1:]))
    return run.main("training", {"migrate": migrate, "serve": serve, "work": work}, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
