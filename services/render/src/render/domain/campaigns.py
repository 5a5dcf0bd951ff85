"""Campaigns and their briefs: what each must say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

from render.domain import words

DIRECTOR = "creative_director"
ROLES = ("photographer", "stylist", "makeup_artist", "hair_artist", "retoucher", DIRECTOR)
FRAMINGS = ("face", "three-quarter", "full")
VIEWS = ("front", "three-quarter", "profile", "back")

MOST_CREDITS = 50
MOST_PRODUCTS = 20
MOST_SHOTS = 100
LARGEST_SEED = 2**53 - 1
"""The largest whole number every JSON reader keeps."""
_WORDS = 60


class CampaignNotFound(NotFound):
    """No such campaign, or none the caller may know of."""

    reason = "CAMPAIGN_NOT_FOUND"


class BriefNotFound(NotFound):
    """No such brief, or none the caller may know of."""

    reason = "BRIEF_NOT_FOUND"


class TwinOfAnotherTalent(FailedPrecondition):
    """The twin is not of the talent whom the license names."""

    reason = "TWIN_OF_ANOTHER_TALENT"


@dataclass(frozen=True, slots=True)
class Credit:
    """Someone who took part, and as what; the name travels with the picture."""

    party_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """A brand's campaign under one license."""

    id: str
    brand_id: str
    license_id: str
    talent_id: str
    name: str
    credits: tuple[Credit, ...]
    created_at: datetime
    starts_at: datetime | None = None
    """When it runs, half-open; the license's term where nobody said."""
    ends_at: datetime | None = None

    @property
    def director_id(self) -> str:
        """The party whose word makes a draft more than that."""
        return next(credit.party_id for credit in self.credits if credit.role == DIRECTOR)


@dataclass(frozen=True, slots=True)
class Product:
    """A garment to be shown."""

    name: str
    garment: str
    colour: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture a brief asks for; `product` is an index."""

    product: int
    framing: str
    pose: str
    view: str
    lighting: str
    seed: int


@dataclass(frozen=True, slots=True)
class Brief:
    """What is to be shown, and how."""

    id: str
    campaign_id: str
    twin_version_id: str
    products: tuple[Product, ...]
    shots: tuple[Shot, ...]
    sha256: str
    """Of twin version, products and shots: what is made."""
    created_at: datetime
    deadline: datetime | None = None
    """When the pictures are wanted by."""
    media: tuple[str, ...] = ()
    """Of the license; empty for all of its."""
    formats: tuple[str, ...] = ()
    """Beside the whole picture; empty for all there are."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """A brand lets a creative director open campaigns under one of its licenses."""

    license_id: str
    brand_id: str
    talent_id: str
    director_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NamedTwin:
    """A twin version a brief may name."""

    id: str
    at: datetime
    usable: bool
    """It is near enough to its talent, or she accepted it."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a brief of a campaign may name."""

    twins: tuple[NamedTwin, ...]
    media: tuple[str, ...]
    formats: tuple[str, ...]
    latest_deadline: datetime
    prohibited_contexts: tuple[str, ...]


def check_credits(credits: Sequence[Credit]) -> None:
    """Check who is said to make a campaign.

    Raises:
        FieldInvalid: an unknown role, somebody twice in one role, or not exactly one creative
            director.
    """
    if len(credits) > MOST_CREDITS:
        raise FieldInvalid("credits", f"must be at most {MOST_CREDITS}")
    seen: set[tuple[str, str]] = set()
    for index, credit in enumerate(credits):
        at = f"credits[{index}]"
        fields.check_id("pty", credit.party_id, f"{at}.party_id", what="a party")
        if credit.role not in ROLES:
            raise FieldInvalid(f"{at}.role", f"must be one of {', '.join(ROLES)}")
        if (credit.party_id, credit.role) in seen:
            raise FieldInvalid(at, "must not repeat an earlier one")
        seen.add((credit.party_id, credit.role))
    if sum(credit.role == DIRECTOR for credit in credits) != 1:
        raise FieldInvalid("credits", "must have exactly one creative_director")


def credit(campaign: Campaign, more: Sequence[Credit]) -> Campaign:
    """Return a campaign with more people who make it.

    Raises:
        FieldInvalid: nobody is named, an unknown role or a second creative director, or somebody
            who is there in that role.
    """
    if not more:
        raise FieldInvalid("credits", "must name somebody")
    there = {(one.party_id, one.role) for one in campaign.credits}
    for index, one in enumerate(more):
        if one.role == DIRECTOR:
            raise FieldInvalid(f"credits[{index}].role", "must not be a second creative_director")
        if (one.party_id, one.role) in there:
            raise FieldInvalid(f"credits[{index}]", "must not be there in that role already")
    check_credits([*more, *(one for one in campaign.credits if one.role == DIRECTOR)])
    if len(more) + len(campaign.credits) > MOST_CREDITS:
        raise FieldInvalid("credits", f"must be at most {MOST_CREDITS}, those there counted")
    return replace(campaign, credits=(*campaign.credits, *more))


def credited(campaign: Campaign, on_picture: Sequence[Credit]) -> tuple[Credit, ...]:
    """Return who of a campaign is credited on a picture: whoever came later is not on it."""
    there = {(one.party_id, one.role) for one in on_picture}
    return tuple(one for one in campaign.credits if (one.party_id, one.role) in there)


def check_name(name: str) -> str:
    """Return a campaign's name tidied, or raise FieldInvalid."""
    return fields.text(name, "name", longest=120, lines=False)


def check_dates(
    starts_at: datetime | None, ends_at: datetime | None, term: tuple[datetime, datetime]
) -> None:
    """Check when a campaign runs.

    Args:
        starts_at, ends_at: half-open; None for both where nobody said.
        term: of the license, half-open.

    Raises:
        FieldInvalid: one without the other, the end not after the start, or outside the term.
    """
    if starts_at is None and ends_at is None:
        return
    if starts_at is None:
        raise FieldInvalid("starts_at", "must be given where the end is")
    if ends_at is None or ends_at <= starts_at:
        raise FieldInvalid("ends_at", "must be after the start")
    if starts_at < term[0]:
        raise FieldInvalid(
            "starts_at", f"must not be before the license's term, {term[0]:%d %B %Y}"
        )
    if ends_at > term[1]:
        raise FieldInvalid("ends_at", f"must not be after the license's term, {term[1]:%d %B %Y}")


def check_deadline(deadline: datetime | None, ends_at: datetime, *, now: datetime) -> None:
    """Check when pictures are wanted by. Raises FieldInvalid: it is over, or the campaign is."""
    if deadline is None:
        return
    if deadline <= now:
        raise FieldInvalid("deadline", "must be to come")
    if deadline > ends_at:
        raise FieldInvalid("deadline", f"must be before the campaign ends, {ends_at:%d %B %Y}")


def check_some(chosen: Sequence[str], there: Sequence[str], field: str) -> tuple[str, ...]:
    """Return what was chosen of what there is, each once and in its order; nothing for all.

    Raises:
        FieldInvalid: one is not there; the rule says what is.
    """
    for index, one in enumerate(chosen):
        if one not in there:
            raise FieldInvalid(f"{field}[{index}]", f"must be one of {', '.join(there)}")
    return tuple(one for one in there if one in chosen)


def check_products(products: Sequence[Product]) -> tuple[Product, ...]:
    """Return the products tidied.

    Raises:
        FieldInvalid: none, too many, or one without name, garment or colour.
    """
    if not 0 < len(products) <= MOST_PRODUCTS:
        raise FieldInvalid("products", f"must be 1 to {MOST_PRODUCTS}")
    return tuple(_product(product, f"products[{i}]") for i, product in enumerate(products))


def _product(product: Product, at: str) -> Product:
    pattern = product.pattern.strip()
    return Product(
        fields.text(product.name, f"{at}.name", longest=120, lines=False),
        words.check(product.garment, f"{at}.garment", longest=_WORDS),
        words.check(product.colour, f"{at}.colour", longest=_WORDS),
        words.check(pattern, f"{at}.pattern", longest=_WORDS) if pattern else "",
    )


def check_shots(shots: Sequence[Shot], *, products: int) -> tuple[Shot, ...]:
    """Return the shots tidied.

    Raises:
        FieldInvalid: none, too many, or one that names no product, framing, view, pose or light.
    """
    if not 0 < len(shots) <= MOST_SHOTS:
        raise FieldInvalid("shots", f"must be 1 to {MOST_SHOTS}")
    return tuple(
        check_shot(shot, f"shots[{i}].", products=products) for i, shot in enumerate(shots)
    )


def check_shot(shot: Shot, at: str = "", *, products: int) -> Shot:
    """Return a shot tidied; `at` is how its fields' names begin.

    Raises:
        FieldInvalid: it names no product, framing, view, pose or light.
    """
    if not 0 <= shot.product < products:
        raise FieldInvalid(f"{at}product", "must be the index of a product of the brief")
    if shot.framing not in FRAMINGS:
        raise FieldInvalid(f"{at}framing", f"must be one of {', '.join(FRAMINGS)}")
    if shot.view not in VIEWS:
        raise FieldInvalid(f"{at}view", f"must be one of {', '.join(VIEWS)}")
    return Shot(
        shot.product,
        shot.framing,
        words.check(shot.pose, f"{at}pose", longest=_WORDS),
        shot.view,
        words.check(shot.lighting, f"{at}lighting", longest=_WORDS),
        fields.within(shot.seed, f"{at}seed", 0, LARGEST_SEED),
    )


def check_contexts(
    products: Sequence[Product], shots: Sequence[Shot], prohibited: Sequence[str]
) -> None:
    """Check that a brief stays out of the contexts a talent is never shown in.

    Only the very words are found; what a picture shows is another matter.

    Raises:
        FieldInvalid: a text names one of them; the rule says which.
    """
    for i, product in enumerate(products):
        names = ("name", "garment", "colour", "pattern")
        _check_words(((f"products[{i}].{one}", getattr(product, one)) for one in names), prohibited)
    for i, shot in enumerate(shots):
        check_shot_contexts(shot, prohibited, f"shots[{i}].")


def check_shot_contexts(shot: Shot, prohibited: Sequence[str], at: str = "") -> None:
    """Check the same of one shot; `at` is how its fields' names begin. Raises FieldInvalid."""
    _check_words(((f"{at}{one}", getattr(shot, one)) for one in ("pose", "lighting")), prohibited)


def _check_words(texts: Iterable[tuple[str, str]], prohibited: Sequence[str]) -> None:
    for field, text in texts:
        for context in prohibited:
            if context.strip() and _plain(context) in _plain(text):
                raise FieldInvalid(
                    field, f"must not name {context.strip()}, where the talent is never shown"
                )


def _plain(text: str) -> str:
    """Return letters and digits in lower case, one blank between words and around them."""
    letters = (letter if letter.isalnum() else " " for letter in text.casefold())
    return f" {' '.join(''.join(letters).split())} "


def content(brief: Brief) -> dict[str, Any]:
    """Return what a brief's hash is taken of."""
    return {
        "twin_version_id": brief.twin_version_id,
        "products": [
            {name: getattr(product, name) for name in Product.__slots__}
            for product in brief.products
        ],
        "shots": [{name: getattr(shot, name) for name in Shot.__slots__} for shot in brief.shots],
    }


def merge(*crews: Sequence[Credit]) -> tuple[Credit, ...]:
    """Return the credits of several crews in order, nobody twice in one role."""
    found = {(one.party_id, one.role): one for crew in reversed(crews) for one in reversed(crew)}
    ordered = dict.fromkeys((one.party_id, one.role) for crew in crews for one in crew)
    return tuple(found[key] for key in ordered)
