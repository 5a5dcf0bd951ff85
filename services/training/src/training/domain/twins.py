"""Twin versions: what a run made, and how near it came."""

from dataclasses import dataclass
from datetime import datetime

from kit.errors import NotFound

from training.domain.runs import Consent


class TwinNotFound(NotFound):
    """No such twin, none the caller may know of, or one whose consent was withdrawn."""

    reason = "TWIN_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Likeness:
    """Distances of renders to photos by the face embedder; unitless, smaller is nearer."""

    own: float
    nearest_other: float
    faces: int
    renders: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file kept encrypted, and the SHA-256 of what was stored, hex."""

    object_key: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a twin was made of."""

    base_sha256: str
    dataset_sha256: str
    steps: int
    """Taken; fewer than asked for where more would not have helped."""
    final_loss: float
    seconds: float
    best_step: int
    """The step whose weights were kept."""
    ended: str
    """Why no more steps were taken, in words."""


@dataclass(frozen=True, slots=True)
class Twin:
    """One trained version of a talent's twin."""

    id: str
    talent_id: str
    run_id: str
    capture_set_id: str
    consent: Consent
    base: str
    facts: Facts
    adapter: Sealed
    sheet: Sealed
    likeness: Likeness
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Remains:
    """What is still there of a talent; nothing, once she was erased."""

    erased_at: datetime | None
    objects_deleted: int
    objects: int
    """Sealed objects that lie in the store now."""
    twins: int
    """Versions that may be used."""
    runs: int
    """Queued or at work."""
