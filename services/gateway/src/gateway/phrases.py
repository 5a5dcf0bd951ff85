"""The words of licenses as people say them. licensing knows the codes and what they mean."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.places import COUNTRIES, REGIONS

MEDIA = {
    "ecommerce": "a product page",
    "web": "a web site",
    "display": "an advertisement online",
    "social": "social media",
    "video": "an online video",
    "email": "a newsletter",
    "app": "an app",
    "billboard": "a billboard",
    "transit": "public transport",
    "pos": "a shop",
    "print": "a newspaper or magazine advertisement",
    "catalogue": "a catalogue",
    "brochure": "a brochure",
    "packaging": "a package",
    "tv": "television",
    "cinema": "the cinema",
    "event": "a fair or on a stage",
    "editorial": "a magazine's own pages",
    "internal": "a company's own papers",
}
"""Where pictures are seen, in words a visitor uses."""
LICENSE_STATES = {
    1: "offered",
    2: "signed",
    3: "declined",
    4: "ended early",
    5: "answered with another offer",
    6: "over",
}
TAKE_WORDS = {
    1: "asked for another take",
    2: "chose it",
    3: "put it back",
    4: "approved it",
    5: "set it aside",
    6: "said no to it",
    7: "let the time go by: that is a no",
}
RENDER_STATES = {
    1: "waits for a machine",
    2: "is being made",
    3: "waits for the director",
    4: "approved",
    5: "set aside",
    6: "released",
    7: "could not be made",
    8: "cancelled",
}
_MOST_NAMED = 8


def places(codes: Iterable[str]) -> str:
    """Write countries and regions as words."""
    listed = list(codes)
    names = [REGIONS.get(code) or COUNTRIES.get(code, code) for code in listed]
    if len(names) > _MOST_NAMED:
        return f"{listing(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more countries"
    return listing(names, "and")


def listing(words: Iterable[str], last: str = "") -> str:
    """Write a list as a sentence does: "a, b and c"."""
    names = list(words)
    if not last or len(names) < 2:
        return ", ".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def medium(code: str) -> str:
    """Write a medium as words."""
    return MEDIA.get(code, code.replace("_", " "))


def term(use: Any) -> str:
    """Write the days of a use in the zone they were agreed in; the last is the last full one."""
    zone = _zone(use.zone)
    first = datetime.fromtimestamp(use.starts_at.seconds, zone)
    last = datetime.fromtimestamp(use.ends_at.seconds, zone) - timedelta(seconds=1)
    shown = f"{first:%-d %B}" if first.year == last.year else f"{first:%-d %B %Y}"
    return f"{shown} to {last:%-d %B %Y}"


def uses(listed: Iterable[Any]) -> str:
    """Write uses as words, those of one place and term together."""
    media: dict[str, list[str]] = {}
    for use in listed:
        media.setdefault(f"in {places(use.territories)}, {term(use)}", []).append(medium(use.media))
    return "; ".join(f"{listing(names, 'and')} {where}" for where, names in media.items())


def until(stamp: Any) -> str:
    """Write a moment to the minute, in UTC."""
    return f"{datetime.fromtimestamp(stamp.seconds, UTC):%-d %B, %H:%M} UTC"


def left(stamp: Any) -> str:
    """Write how long it is until a moment, in its largest unit."""
    seconds = stamp.seconds - datetime.now(UTC).timestamp()
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count != 1 else ''} left"
    return "over" if seconds <= 0 else "less than a minute left"


def amount(money: Any) -> str:
    """Write an amount as a form takes it: 1234.56."""
    return f"{money.amount_minor // 100}.{money.amount_minor % 100:02d}"


def spoken(code: str) -> str:
    """Write a code as words: "makeup_artist" is "make-up artist"."""
    return _SPOKEN.get(code, code.replace("_", " ").lower())


def _zone(name: str) -> Any:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        return UTC


_SPOKEN = {
    "makeup_artist": "make-up artist",
    "hair_artist": "hair",
    "t_shirts": "T-shirts",
    "license_fee": "fee",
    "picture_release": "picture",
}
FILTERS = {
    "places": places,
    "medium": medium,
    "term": term,
    "uses": uses,
    "until": until,
    "left": left,
    "amount": amount,
    "spoken": spoken,
    "license_state": lambda state: LICENSE_STATES.get(state, ""),
    "render_state": lambda state: RENDER_STATES.get(state, ""),
    "take_word": lambda word: TAKE_WORDS.get(word, ""),
}
