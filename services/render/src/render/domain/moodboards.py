"""Moodboards: pictures a brief refers to, and photos of its products, which are ingredients."""

from dataclasses import dataclass, field
from datetime import datetime

from kit import fields
from kit.errors import FieldInvalid, NotFound, ResourceExhausted

MOST_REFERENCES = 24
"""On one moodboard."""
LONGEST_SIDE = 2048
"""Pixels; larger ones are kept reduced."""


class ReferenceNotFound(NotFound):
    """No such reference picture, or none the caller may know of."""

    reason = "REFERENCE_NOT_FOUND"


class MoodboardFull(ResourceExhausted):
    """The moodboard has as many pictures as one may have."""

    reason = "MOODBOARD_FULL"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said of a reference picture."""

    title: str
    credit: str
    """Who made it."""
    rights: str
    """Why it may lie here."""
    shows: str = ""
    """A talent of the house whom it shows; empty for the campaign's, or none."""
    product: int | None = None
    """Which of the brief's products it is a photo of, from 0; None where of none."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture decoded, reduced and written anew, without metadata."""

    content: bytes = field(repr=False)
    """JPEG."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture on a brief's moodboard."""

    id: str
    brief_id: str
    title: str
    credit: str
    rights: str
    object_key: str
    sha256: str
    """Of the JPEG in the clear, hex."""
    width: int
    height: int
    added_by: str
    created_at: datetime
    talent_id: str = ""
    """With whose key it lies sealed; empty where it lies in the clear, as those of old do."""
    object_sha256: str = ""
    """Of the sealed bytes, hex."""
    product: int | None = None
    """As in `Facts`."""


def check_facts(facts: Facts, products: int) -> Facts:
    """Return the facts tidied.

    Args:
        facts: as they were given.
        products: how many the brief has.

    Raises:
        FieldInvalid: one is missing or too long, or there is no such product; the field is named
            as in the request.
    """
    if facts.product is not None and not 0 <= facts.product < products:
        raise FieldInvalid("facts.product", f"must be from 0 to {products - 1}")
    return Facts(
        fields.text(facts.title, "facts.title", longest=120, lines=False),
        fields.text(facts.credit, "facts.credit", longest=120, lines=False),
        fields.text(facts.rights, "facts.rights", longest=500),
        facts.shows,
        facts.product,
    )


def check_room(count: int) -> None:
    """Check that a moodboard takes one more. Raises MoodboardFull."""
    if count >= MOST_REFERENCES:
        raise MoodboardFull(
            f"a moodboard has at most {MOST_REFERENCES} pictures", pictures=MOST_REFERENCES
        )
