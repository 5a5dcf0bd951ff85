"""The words of licenses as people say them. licensing knows the codes and what they mean."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

HOUSE_ZONE = "Europe/Stockholm"
"""Where days are days where no license says otherwise."""
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
CATEGORIES = (
    "apparel",
    "footwear",
    "accessories",
    "jewellery",
    "beauty",
    "home",
    "food_and_drink",
    "electronics",
    "mobility",
    "travel",
    "health",
    "services",
    "toys",
    "charity",
)
"""The widest categories of products a form offers; tobacco and gambling are named by hand."""
TAKE_WORDS = {
    1: "asked for another take",
    2: "chose it",
    3: "put it back",
    4: "approved it",
    5: "set it aside",
    6: "said no to it",
    7: "let the time go by: that is a no",
    8: "said nothing in time: that is a no",
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


def listing(words: Iterable[str], last: str = "") -> str:
    """Write a list as a sentence does: "a, b and c"."""
    names = list(words)
    if not last or len(names) < 2:
        return ", ".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def medium(code: str) -> str:
    """Write a medium as words."""
    return MEDIA.get(code, code.replace("_", " "))


def until(stamp: Any) -> str:
    """Write a moment to the minute, in UTC."""
    return f"{datetime.fromtimestamp(stamp.seconds, UTC):%-d %B, %H:%M} UTC"


def due(stamp: Any) -> str:
    """Write how long it is until a deadline, in its largest unit: "due in 5 hours"."""
    ahead = _ahead(stamp)
    return f"due in {ahead}" if ahead else "overdue"


def _ahead(stamp: Any) -> str:
    seconds = stamp.seconds - datetime.now(UTC).timestamp()
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count != 1 else ''}"
    return "" if seconds <= 0 else "less than a minute"


def is_soon(stamp: Any) -> bool:
    """Tell whether a deadline is within a day."""
    return bool(stamp.seconds - datetime.now(UTC).timestamp() < 86_400)


def span(starts_at: Any, ends_at: Any) -> str:
    """Write the days of a campaign, in the house's zone; the last is the last full one."""
    zone = ZoneInfo(HOUSE_ZONE)
    first = datetime.fromtimestamp(starts_at.seconds, zone)
    last = datetime.fromtimestamp(ends_at.seconds, zone) - timedelta(seconds=1)
    shown = f"{first:%-d %B}" if first.year == last.year else f"{first:%-d %B %Y}"
    return f"{shown} to {last:%-d %B %Y}"


def wanted_by(stamp: Any) -> str:
    """Write the last day before a moment, in the house's zone: 30 November 2026."""
    last = datetime.fromtimestamp(stamp.seconds, ZoneInfo(HOUSE_ZONE)) - timedelta(seconds=1)
    return f"{last:%-d %B %Y}"


def iso_day(stamp: Any) -> str:
    """Write the same day as a form has it: 2026-11-30."""
    last = datetime.fromtimestamp(stamp.seconds, ZoneInfo(HOUSE_ZONE)) - timedelta(seconds=1)
    return last.date().isoformat()


def amount(money: Any) -> str:
    """Write an amount as a form takes it: 1234.56."""
    return f"{money.amount_minor // 100}.{money.amount_minor % 100:02d}"


def spoken(code: str) -> str:
    """Write a code as words: "makeup_artist" is "make-up artist"."""
    return _SPOKEN.get(code, code.replace("_", " ").lower())


def zone_of(name: str) -> tzinfo:
    """Return a zone; UTC where there is none of that name."""
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
ROLES = {
    "photographer": "photographer",
    "stylist": "stylist",
    "makeup_artist": "make-up artist",
    "hair_artist": "hair",
    "retoucher": "retoucher",
    "creative_director": "creative director",
}
"""What people of a campaign are credited as."""
FILTERS = {
    "medium": medium,
    "until": until,
    "listed": listing,
    "due": due,
    "is_soon": is_soon,
    "span": span,
    "wanted_by": wanted_by,
    "iso_day": iso_day,
    "amount": amount,
    "spoken": spoken,
    "render_state": lambda state: RENDER_STATES.get(state, ""),
    "take_word": lambda word: TAKE_WORDS.get(word, ""),
}
