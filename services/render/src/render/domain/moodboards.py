"""Moodboards: pictures a brief refers to. Nothing is ever made of them."""

from dataclasses import dataclass, field
from datetime import datetime

from kit import fields
from kit.errors import NotFound, ResourceExhausted

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
    """Of the JPEG as it lies in the store, hex."""
    width: int
    height: int
    added_by: str
    created_at: datetime


def check_facts(facts: Facts) -> Facts:
    """Return the facts tidied.

    Raises:
        FieldInvalid: one is missing or too long; the field is named as in the request.
    """
    return Facts(
        fields.text(facts.title, "facts.title", longest=120, lines=False),
        fields.text(facts.credit, "facts.credit", longest=120, lines=False),
        fields.text(facts.rights, "facts.rights", longest=500),
    )


def check_room(count: int) -> None:
    """Check that a moodboard takes one more. Raises MoodboardFull."""
    if count >= MOST_REFERENCES:
        raise MoodboardFull(
            f"a moodboard has at most {MOST_REFERENCES} pictures", pictures=MOST_REFERENCES
        )
