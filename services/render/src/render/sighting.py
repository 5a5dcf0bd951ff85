"""`python -m render sight`: what crawlers found, verified and noted on this machine."""

import argparse
import hashlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from kit import trace
from kit.errors import DomainError

from render.domain.sightings import Sighting
from render.service.commands import Command
from render.service.sightings import Sightings
from render.sources import Found, Source

_CRAWLER = trace.Actor("render", "service")


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read `--folder DIR` or `--urls FILE`; SystemExit with 2 where it is neither."""
    parser = argparse.ArgumentParser("python -m render sight", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--folder", type=Path, metavar="DIR", help="pictures, with x.jpg.json")
    which.add_argument("--urls", type=Path, metavar="FILE", help="addresses, a line each")
    return parser.parse_args(arguments)


async def sight(sightings: Sightings, source: Source) -> Counter[str]:
    """Report everything a source finds; print a line for each and return how often what came.

    Running it again on the same day changes nothing. What cannot be read is said and left out.
    """
    counts: Counter[str] = Counter()
    async for found in source.find():
        with trace.span("sight", {}, who=_CRAWLER):
            word, line = await _report(sightings, found)
        counts[word] += 1
        print(f"{word:<10} {found.name}{line}", flush=True)
    return counts


async def _report(sightings: Sightings, found: Found) -> tuple[str, str]:
    if found.fault:
        return "left out", f": {found.fault}"
    try:
        sighting = await sightings.report(_command(found), found.content, found.facts)
    except DomainError as error:
        return "left out", f": {error}"
    return sighting.verdict, _outcome(sighting)


def _outcome(sighting: Sighting) -> str:
    if sighting.claim_id is None:
        return ""
    return f": {', '.join(sighting.reasons)}; claim {sighting.claim_id}"


def _command(found: Found) -> Command:
    """Name a report after what was found, where and on which day: a repeat is one."""
    at = found.facts.seen_at
    when = at.isoformat() if at else datetime.now(UTC).date().isoformat()
    parts = (found.name, found.facts.url, found.facts.media, found.facts.territory, when)
    digest = hashlib.sha256("\n".join(parts).encode() + found.content).hexdigest()
    return Command(f"sight:{digest}", digest)
