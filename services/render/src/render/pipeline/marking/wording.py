"""What a label says, by market and language: rows of `labels.json`, the strictest market first."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

DEGREES = ("basic", "full", "partial")
"""How much of a picture is generated: "basic" says only that some is."""

_EVERYWHERE = "*"
_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Wording:
    """One row: what is drawn.

    Attributes:
        icon: a name in the table's icons; empty for none.
        height_share: least height of the text, of the picture's shortest side.
    """

    market: str
    language: str
    degree: str
    text: str
    icon: str
    height_share: float


@dataclass(frozen=True, slots=True)
class Icon:
    """A drawing on a square of 100 by 100, our own: letters in a frame that is partly filled.

    Attributes:
        strokes: polylines of the letters.
        filled: how much of the frame is filled from the left, in percent.
    """

    corner: int
    stroke: int
    strokes: tuple[tuple[tuple[int, int], ...], ...]
    filled: int


@cache
def rows() -> tuple[Wording, ...]:
    """Return every row of the table, those of the strictest market first."""
    return tuple(
        Wording(
            market=market["market"],
            language=language,
            degree=degree,
            text=text,
            icon=market["icons"][degree],
            height_share=market["height_share"],
        )
        for market in _table()["markets"]
        for degree, texts in market["wording"].items()
        for language, text in texts.items()
    )


def choose(territories: Iterable[str], degree: str = "full", language: str = "") -> Wording:
    """Return what a picture's label says where its license lets it be shown.

    The strictest market that any of the territories belongs to decides. Its language is the one
    asked for; else the one that all of the territories speak; else English.

    Args:
        territories: ISO 3166 codes and regions, as the license has them.
        degree: one of DEGREES.
        language: ISO 639-1; empty lets the territories decide.

    Raises:
        KeyError: no row of that degree.
    """
    where = frozenset(territories)
    market = next(one["market"] for one in _table()["markets"] if _applies(one, where))
    found = {row.language: row for row in rows() if (row.market, row.degree) == (market, degree)}
    if not found:
        raise KeyError(f"no wording of degree {degree!r} for {market}")
    return found.get(language or _spoken(where), found[_LANGUAGE])


@cache
def icon(name: str) -> Icon:
    """Return an icon of the table.

    Raises:
        KeyError: there is none of that name.
    """
    drawn = _table()["icons"]
    strokes = tuple(tuple((x, y) for x, y in line) for line in drawn["letters"])
    return Icon(drawn["corner"], drawn["stroke"], strokes, drawn["filled"][name])


@cache
def markets() -> dict[str, frozenset[str]]:
    """Return the territories of every market, the strictest first; "*" stands for any."""
    return {one["market"]: frozenset(one["territories"]) for one in _table()["markets"]}


def _applies(market: dict[str, Any], where: frozenset[str]) -> bool:
    return _EVERYWHERE in market["territories"] or not where.isdisjoint(market["territories"])


def _spoken(where: frozenset[str]) -> str:
    for language, territories in _table()["languages"].items():
        if where and where <= set(territories):
            return str(language)
    return _LANGUAGE


@cache
def _table() -> dict[str, Any]:
    text = (resources.files(__package__) / "labels.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
