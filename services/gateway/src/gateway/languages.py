"""The languages of the pages, each a file of strings in texts/."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.requests import Request

from gateway import phrases, places

DEFAULT = "en"
CODES = ("en", "sv", "de", "fr", "it")
"""In the order in which they are offered. Italian, for Milan is where fashion works; RFC 5646."""
_MOST_NAMED = 8
_UNITS = {"day": 86_400, "hour": 3_600, "minute": 60}


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
        return self._date(datetime.fromtimestamp(stamp.seconds, UTC)) if stamp.seconds else "—"

    def date(self, iso: str) -> str:
        """Write an ISO date, "2026-01-31"."""
        at = datetime.fromisoformat(iso).replace(tzinfo=UTC)
        return self.day(Timestamp(seconds=int(at.timestamp())))

    def last_day(self, stamp: Any) -> str:
        """Write the last full day before a protobuf time at midnight."""
        return self.day(Timestamp(seconds=stamp.seconds - 1))

    def moment(self, stamp: Any) -> str:
        """Write a protobuf time to the minute, in UTC."""
        return f"{self.day(stamp)}, {datetime.fromtimestamp(stamp.seconds, UTC):%H:%M} UTC"

    def left(self, stamp: Any) -> str:
        """Write how long it is until a protobuf time, in its largest unit: "5 hours left"."""
        words = self.words["time"]
        seconds = stamp.seconds - datetime.now(UTC).timestamp()
        if seconds <= 0:
            return str(words["over"])
        unit = next((one for one in _UNITS if seconds >= _UNITS[one]), "")
        count = int(seconds // _UNITS[unit]) if unit else 0
        name = {0: "moment", 1: unit}.get(count, f"{unit}s")
        return str(words["left"]).format(time=words[name].format(count=count))

    def places(self, codes: Iterable[str]) -> str:
        """Write countries and regions as words, the first eight of them."""
        names, listed = places.load(self.code), list(codes)
        shown = ", ".join(names.get(code, code) for code in listed[:_MOST_NAMED])
        more = len(listed) - _MOST_NAMED
        pattern = str(self.words["uses"]["more"]) if more > 0 else "{places}"
        return pattern.format(places=shown, count=more)

    def uses(self, listed: Iterable[Any]) -> list[str]:
        """Write where and when a license lets pictures be seen, those of one place together.

        Days are days in the zone they were agreed in; the last is the last full one.
        """
        media: dict[tuple[str, str, str], list[str]] = {}
        for use in listed:
            zone = phrases.zone_of(use.zone)
            first = datetime.fromtimestamp(use.starts_at.seconds, zone)
            last = datetime.fromtimestamp(use.ends_at.seconds, zone) - timedelta(seconds=1)
            where = (self.places(use.territories), self._date(first), self._date(last))
            media.setdefault(where, []).append(self.words["media"].get(use.media, use.media))
        pattern = str(self.words["uses"]["one"])
        return [
            pattern.format(media=", ".join(names), places=where, first=first, last=last)
            for (where, first, last), names in media.items()
        ]

    def _date(self, at: datetime) -> str:
        month: Sequence[str] = self.words["months"]
        return str(self.words["date"]).format(day=at.day, month=month[at.month - 1], year=at.year)


@cache
def load(code: str) -> Language:
    """Read a language of `CODES`."""
    text = (resources.files("gateway") / "texts" / f"{code}.json").read_text("utf-8")
    return Language(code, json.loads(text))


def speak(tag: str) -> Language:
    """Return the language of an RFC 5646 tag, as "sv-SE"; English where we do not have it."""
    code = tag.partition("-")[0].lower()
    return load(code if code in CODES else DEFAULT)


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
