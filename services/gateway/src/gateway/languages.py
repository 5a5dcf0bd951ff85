"""The languages of the public pages, each a file of strings in texts/."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from starlette.requests import Request

DEFAULT = "en"
CODES = ("en", "sv", "de", "fr", "it")
"""In the order in which they are offered. Italian, for Milan is where fashion works; RFC 5646."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language's strings, nested as in its file.

    Attributes:
        code: RFC 5646, as "sv".
    """

    code: str
    words: Mapping[str, Any]

    def __getitem__(self, section: str) -> Any:
        """Return a section, or a string at the top. Raises KeyError."""
        return self.words[section]

    def day(self, stamp: Any) -> str:
        """Write a protobuf time as its day in UTC."""
        if not stamp.seconds:
            return "—"
        at = datetime.fromtimestamp(stamp.seconds, UTC)
        month: Sequence[str] = self.words["months"]
        return str(self.words["date"]).format(day=at.day, month=month[at.month - 1], year=at.year)


@cache
def load(code: str) -> Language:
    """Read a language of `CODES`."""
    text = (resources.files("gateway") / "texts" / f"{code}.json").read_text("utf-8")
    return Language(code, json.loads(text))


def choose(request: Request) -> Language:
    """Return the language a page is asked for in: `lang` of the URL, else Accept-Language."""
    asked = request.query_params.get("lang", "")
    if asked not in CODES:
        asked = negotiate(request.headers.get("accept-language", ""))
    return load(asked)


def negotiate(header: str) -> str:
    """Return the language of ours a visitor likes best, by RFC 9110's Accept-Language.

    A malformed part counts for nothing; without a match it is English.
    """
    best, liked = DEFAULT, 0.0
    for part in header[:1_000].split(","):
        tag, _, weight = part.partition(";")
        code = tag.strip().lower().split("-")[0]
        quality = _quality(weight)
        if code in CODES and quality > liked:
            best, liked = code, quality
    return best


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        found = float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
    return found if 0.0 <= found <= 1.0 else 0.0
