"""python -m training {migrate,serve,work,base,base-report,cohort,judge,spots,fidelity}."""

import sys
from importlib import import_module
from pathlib import Path

from kit import run

from training import app
from training.settings import Settings

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_TOOLS = {
    "base": "training.pipeline.base_training.command",
    "base-report": "training.pipeline.base_training.figures",
    "cohort": "training.pipeline.cohort",
    "judge": "training.pipeline.fidelity.judge_command",
    "spots": "training.pipeline.fidelity.spots_command",
    "fidelity": "training.pipeline.fidelity.command",
}
"""Commands on files; they bring torch."""


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
    if argv[:1] and argv[0] in _TOOLS:
        return int(import_module(_TOOLS[argv[0]]).main(argv[1:]))
    return run.main("training", {"migrate": migrate, "serve": serve, "work": work}, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
