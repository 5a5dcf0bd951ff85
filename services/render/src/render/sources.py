"""Where pictures in use are found: the port of crawlers, with a folder and a list of addresses.

A crawler that runs elsewhere sends what it finds to `POST /v1/sightings`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from kit.errors import DomainError, FieldInvalid

from render.domain.photos import MOST_BYTES
from render.domain.sightings import Facts
from render.fetching import Fetcher

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_KNOWN = frozenset({"url", "seen_at", "media", "territory"})
_MOST_FILES = 100_000


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that was found, or why it could not be had.

    Attributes:
        name: what it is called in messages.
        fault: empty where there is content.
    """

    name: str
    facts: Facts
    content: bytes = b""
    fault: str = ""


class Source(Protocol):
    """A crawler: yields what it finds, one picture after another."""

    def find(self) -> AsyncIterator[Found]:
        """Yield what was found; what cannot be had is yielded with its fault."""


class Folder:
    """Pictures in a folder and those below it.

    Beside `a.jpg` may lie `a.jpg.json` with any of url, seen_at (RFC 3339), media, territory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def find(self) -> AsyncIterator[Found]:
        """Yield each picture, in the order of their names.

        Raises:
            NotADirectoryError: there is no such folder.
        """
        if not self._folder.is_dir():
            raise NotADirectoryError(f"{self._folder} is no folder")
        paths = sorted(self._folder.rglob("*"))[:_MOST_FILES]
        for path in paths:
            if path.suffix.lower() in _PICTURES and path.is_file() and not path.is_symlink():
                yield await asyncio.to_thread(self._read, path)

    def _read(self, path: Path) -> Found:
        name = path.relative_to(self._folder).as_posix()
        try:
            facts = read_facts(path.with_name(f"{path.name}.json"))
        except FieldInvalid as error:
            return Found(name, Facts("folder", "", None, "", ""), fault=str(error))
        if path.stat().st_size > MOST_BYTES:
            return Found(name, facts, fault="the file is too large")
        return Found(name, facts, path.read_bytes())


class AddressList:
    """Addresses in a file, a line each: URL, then media and country if known, between tabs."""

    def __init__(self, path: Path, fetcher: Fetcher) -> None:
        self._path, self._fetcher = path, fetcher

    async def find(self) -> AsyncIterator[Found]:
        """Yield what lies at each address. Raises OSError: the list cannot be read."""
        for line in self._path.read_text("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                yield await self._fetch(line)

    async def _fetch(self, line: str) -> Found:
        url, media, territory = ([*line.split("\t"), "", ""])[:3]
        facts = Facts("addresses", url.strip(), None, media.strip(), territory.strip())
        try:
            return Found(facts.url, facts, await self._fetcher.fetch(facts.url))
        except DomainError as error:
            return Found(facts.url, facts, fault=str(error))


def read_facts(path: Path) -> Facts:
    """Read what a folder's file says of its picture; without a file nothing is known.

    Raises:
        FieldInvalid: it is no JSON object of texts, or says something nobody asks for.
    """
    if not path.is_file():
        return Facts("folder", "", None, "", "")
    try:
        told = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FieldInvalid(path.name, "must be JSON") from error
    if not isinstance(told, dict) or not all(isinstance(one, str) for one in told.values()):
        raise FieldInvalid(path.name, "must be a JSON object of texts")
    strange = sorted(told.keys() - _KNOWN)
    if strange:
        raise FieldInvalid(f"{path.name}: {strange[0]}", f"must be one of {sorted(_KNOWN)}")
    seen_at = _time(path.name, told["seen_at"]) if told.get("seen_at") else None
    texts = (told.get(name, "") for name in ("media", "territory"))
    return Facts("folder", told.get("url", ""), seen_at, *texts)


def _time(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise FieldInvalid(f"{name}: seen_at", "must be a time as in RFC 3339") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
