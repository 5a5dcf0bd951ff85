"""What a brand asks for: uses of media x territory x term, and what goes with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kit import fields
from kit.errors import FieldInvalid

from licensing.domain.vocabulary import Vocabulary

MOST_USES = 50
MOST_TERRITORIES = 300
MOST_CONTEXTS = 100
MOST_IMAGES = 1_000_000
_TERM_INVALID = "TERM_INVALID"


@dataclass(frozen=True, slots=True)
class UseAsked:
    """A use as somebody asked for it; None or empty where nothing was said."""

    media: str
    territories: tuple[str, ...]
    starts_at: datetime | None
    ends_at: datetime | None
    zone: str


@dataclass(frozen=True, slots=True)
class Use:
    """A way of using pictures."""

    media: str
    territories: tuple[str, ...]
    """As they were asked for."""
    countries: tuple[str, ...]
    """What they meant on the day of the quote; this is what is licensed."""
    starts_at: datetime
    ends_at: datetime
    """Half-open: the term ends just before."""
    zone: str
    """IANA zone the term was agreed in; its days are counted there."""

    @property
    def days(self) -> int:
        """Return the term in days of its zone, a begun day as a whole one.

        Days are counted on the calendar: a change of the clocks makes no day more.
        """
        zone = ZoneInfo(self.zone)
        starts, ends = (
            time.astimezone(zone).replace(tzinfo=None) for time in (self.starts_at, self.ends_at)
        )
        elapsed = ends - starts
        return max(1, -(-elapsed // timedelta(days=1)))


@dataclass(frozen=True, slots=True)
class Asked:
    """Terms as somebody sent them."""

    brand_id: str
    talent_id: str
    purpose: str
    uses: tuple[UseAsked, ...]
    category: str
    exclusive: bool
    image_cap: int
    approval_required: bool
    prohibited_contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a license that lack nothing."""

    brand_id: str
    talent_id: str
    purpose: str
    uses: tuple[Use, ...]
    category: str
    exclusive: bool
    image_cap: int
    approval_required: bool
    prohibited_contexts: tuple[str, ...] = ()
    """What pictures must not show nor stand beside, on top of the talent's standing list."""

    @property
    def starts_at(self) -> datetime:
        """Return when the first use begins."""
        return min(use.starts_at for use in self.uses)

    @property
    def ends_at(self) -> datetime:
        """Return when the last use ends."""
        return max(use.ends_at for use in self.uses)


def check_terms(asked: Asked, vocabulary: Vocabulary, *, now: datetime) -> Terms:
    """Return the terms somebody asked for, tidied, their territories expanded.

    Raises:
        FieldInvalid: a field is missing or malformed; with reason MEDIA_UNKNOWN,
            TERRITORY_UNKNOWN, CATEGORY_UNKNOWN or TERM_INVALID where one of these is wrong.
    """
    fields.check_id("pty", asked.brand_id, "terms.brand_id", what="a brand")
    fields.check_id("pty", asked.talent_id, "terms.talent_id", what="a talent")
    purpose = fields.text(asked.purpose, "terms.purpose", longest=500)
    if not 0 < len(asked.uses) <= MOST_USES:
        raise FieldInvalid("terms.uses", f"must be from 1 to {MOST_USES} uses")
    uses = tuple(
        _check_use(use, f"terms.uses[{index}]", vocabulary, now=now)
        for index, use in enumerate(asked.uses)
    )
    _check_disjoint(uses)
    return Terms(
        asked.brand_id,
        asked.talent_id,
        purpose,
        uses,
        vocabulary.check_category(asked.category, "terms.category"),
        asked.exclusive,
        fields.within(asked.image_cap, "terms.image_cap", 1, MOST_IMAGES),
        asked.approval_required,
        _check_contexts(asked.prohibited_contexts),
    )


def _check_contexts(contexts: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is prohibited, tidied, each once."""
    if len(contexts) > MOST_CONTEXTS:
        raise FieldInvalid("terms.prohibited_contexts", f"must be at most {MOST_CONTEXTS}")
    tidy = [
        fields.text(context, f"terms.prohibited_contexts[{index}]", longest=80)
        for index, context in enumerate(contexts)
    ]
    return tuple(dict.fromkeys(map(tidy_context, tidy)))


def tidy_context(context: str) -> str:
    """Return a context as it is compared: lower case, single blanks."""
    return " ".join(context.lower().split())


def _check_use(asked: UseAsked, field: str, vocabulary: Vocabulary, *, now: datetime) -> Use:
    media = vocabulary.check_media(asked.media, f"{field}.media")
    if not 0 < len(asked.territories) <= MOST_TERRITORIES:
        rule = f"must be from 1 to {MOST_TERRITORIES} territories"
        raise FieldInvalid(f"{field}.territories", rule)
    territories = tuple(dict.fromkeys(asked.territories))
    countries: set[str] = set()
    for index, code in enumerate(asked.territories):
        countries |= vocabulary.check_territory(code, f"{field}.territories[{index}]")
    starts_at, ends_at = _check_term(asked, field, now=now)
    zone = _check_zone(asked.zone or "UTC", f"{field}.zone")
    return Use(media, territories, tuple(sorted(countries)), starts_at, ends_at, zone)


def _check_term(asked: UseAsked, field: str, *, now: datetime) -> tuple[datetime, datetime]:
    if asked.starts_at is None:
        raise FieldInvalid(f"{field}.starts_at", "must say when it begins")
    if asked.ends_at is None:
        raise FieldInvalid(f"{field}.ends_at", "must say when it ends")
    if asked.ends_at <= asked.starts_at:
        raise FieldInvalid(f"{field}.ends_at", "must be after the start", reason=_TERM_INVALID)
    if asked.ends_at <= now:
        raise FieldInvalid(f"{field}.ends_at", "must lie ahead", reason=_TERM_INVALID)
    if asked.starts_at.year < 1900 or asked.ends_at.year > 9000:
        rule = "must be from the year 1900 to 9000"
        raise FieldInvalid(f"{field}.ends_at", rule, reason=_TERM_INVALID)
    return asked.starts_at, asked.ends_at


def _check_zone(zone: str, field: str) -> str:
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FieldInvalid(field, 'must be an IANA zone such as "Europe/Stockholm"') from error


def _check_disjoint(uses: tuple[Use, ...]) -> None:
    """See that no medium is asked for twice in one place at one time: it would be paid twice."""
    for later, use in enumerate(uses):
        for earlier, other in enumerate(uses[:later]):
            together = (
                use.media == other.media
                and max(use.starts_at, other.starts_at) < min(use.ends_at, other.ends_at)
                and not set(use.countries).isdisjoint(other.countries)
            )
            if together:
                rule = f"must not overlap uses[{earlier}] in media, territory and term"
                raise FieldInvalid(f"terms.uses[{later}]", rule)


def say_terms(terms: Terms) -> dict[str, Any]:
    """Return terms as plain JSON values but for times, for a statement."""
    return {
        "brand_id": terms.brand_id,
        "talent_id": terms.talent_id,
        "purpose": terms.purpose,
        "uses": [say_use(use) for use in terms.uses],
        "category": terms.category,
        "exclusive": terms.exclusive,
        "image_cap": terms.image_cap,
        "approval_required": terms.approval_required,
        "prohibited_contexts": list(terms.prohibited_contexts),
    }


def say_use(use: Use) -> dict[str, Any]:
    """Return a use as plain JSON values; times as RFC 3339 in UTC."""
    return {
        "media": use.media,
        "territories": list(use.territories),
        "countries": list(use.countries),
        "starts_at": _say_time(use.starts_at),
        "ends_at": _say_time(use.ends_at),
        "zone": use.zone,
    }


def read_use(said: dict[str, Any]) -> Use:
    """Return the use `say_use` wrote."""
    return Use(
        said["media"],
        tuple(said["territories"]),
        tuple(said["countries"]),
        datetime.fromisoformat(said["starts_at"]),
        datetime.fromisoformat(said["ends_at"]),
        said["zone"],
    )


def find_reserved(terms: Terms) -> Iterator[tuple[str, datetime, datetime]]:
    """Yield each country and term the license takes, each once."""
    rows = {
        (country, use.starts_at, use.ends_at) for use in terms.uses for country in use.countries
    }
    yield from sorted(rows)


def _say_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
