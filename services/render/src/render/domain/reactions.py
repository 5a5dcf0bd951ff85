"""What people say of released pictures, and the rules it is held to."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from kit import fields
from kit.errors import FieldInvalid, ResourceExhausted

WORST, BEST = 1, 5
_WORD = re.compile(r"\w+")


class ReactionsSpent(ResourceExhausted):
    """The address, or everybody, has said as much today as may be said."""

    reason = "REACTIONS_SPENT"


@dataclass(frozen=True, slots=True)
class Rules:
    """How much may be said, and what may not; read from moderation.json.

    Attributes:
        links: parts of a text by which it is taken for a link or an address.
        words: nobody is called that here; compared in lower case and without accents.
    """

    most_characters: int
    an_address_a_day: int
    an_address_a_day_on_a_picture: int
    a_picture_an_hour: int
    same_text_a_day_on_a_picture: int
    longest_run_of_a_letter: int
    links: tuple[str, ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody said; `address_hash` is not told."""

    id: str
    render_id: str
    day: date
    address_hash: bytes
    score: int
    text: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """How many gave each score on one day, worst first."""

    day: date
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """How much has been said already.

    Attributes:
        by_address: today, on any picture.
        by_address_here: today, on this picture.
        here: in the last hour, on this picture.
        same_text: today, the same text on this picture.
        same_text_elsewhere: the same text by this address today, on another picture.
    """

    by_address: int
    by_address_here: int
    here: int
    same_text: int
    same_text_elsewhere: int


def hash_address(key: bytes, day: date, address: str) -> bytes:
    """Return 32 bytes that stand for an address on one day: nothing links two days."""
    of_day = hmac.digest(key, f"sosia reactions {day.isoformat()}".encode(), hashlib.sha256)
    return hmac.digest(of_day, address.encode(), hashlib.sha256)


def fold(text: str) -> str:
    """Return a text as it is compared: lower case, no accents, single blanks."""
    bare = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(c for c in bare if not unicodedata.combining(c)).split())


def check(score: int, text: str, rules: Rules) -> str:
    """Return a text that may be said, without blanks around it.

    Raises:
        FieldInvalid: the score is none, or the text breaks a rule, which is named.
    """
    fields.within(score, "score", WORST, BEST)
    text = fields.optional_text(text, "text", longest=rules.most_characters, lines=False)
    folded = fold(text)
    if any(link in folded for link in rules.links):
        raise FieldInvalid("text", "must hold no links and no addresses", reason="TEXT_HAS_LINK")
    words = _WORD.findall(folded)
    if not rules.words.isdisjoint(words):
        raise FieldInvalid("text", "must insult nobody", reason="TEXT_INSULTS")
    _check_repeats(folded, words, rules)
    return text


def check_room(said: Said, rules: Rules) -> None:
    """See that there is room for one more.

    Raises:
        ReactionsSpent: the address has said enough today, or the picture's hour is full.
        FieldInvalid: the same text was said often enough.
    """
    if (
        said.by_address_here >= rules.an_address_a_day_on_a_picture
        or said.by_address >= rules.an_address_a_day
    ):
        raise ReactionsSpent("no more is taken from this address today")
    if said.here >= rules.a_picture_an_hour:
        raise ReactionsSpent("no more is taken about this picture this hour")
    if said.same_text_elsewhere or said.same_text >= rules.same_text_a_day_on_a_picture:
        raise FieldInvalid(
            "text", "must not be what was said again and again", reason="TEXT_SAID_OFTEN"
        )


def _check_repeats(folded: str, words: Sequence[str], rules: Rules) -> None:
    run = re.search(rf"(\S)\1{{{rules.longest_run_of_a_letter},}}", folded)
    most = max((words.count(word) for word in words), default=0)
    if run or (len(words) >= 4 and most > len(words) / 2):
        raise FieldInvalid(
            "text", "must not repeat a letter or a word again and again", reason="TEXT_REPEATS"
        )
