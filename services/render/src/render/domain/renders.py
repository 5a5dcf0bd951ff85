"""Renders: one picture each, from the queue to its release."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

from render.domain.bindings import Manifest
from render.domain.campaigns import Credit, Product, Shot
from render.domain.drift import Score
from render.domain.formats import MadeFormat

CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
LICENSE_REVOKED = "LICENSE_REVOKED"
TALENT_ERASED = "TALENT_ERASED"
TWIN_UNUSABLE = "TWIN_UNUSABLE"
BASE_UNUSABLE = "BASE_UNUSABLE"
OUT_OF_MEMORY = "OUT_OF_MEMORY"
PICTURE_UNMARKABLE = "PICTURE_UNMARKABLE"


class RenderNotFound(NotFound):
    """No such render or no such picture, or none the caller may know of."""

    reason = "RENDER_NOT_FOUND"


class RenderNotDraft(FailedPrecondition):
    """The render does not wait for a review."""

    reason = "RENDER_NOT_DRAFT"


class ReviewOverdue(FailedPrecondition):
    """The time for the director's word is over; another take may be asked for."""

    reason = "REVIEW_OVERDUE"


class RenderNotApproved(FailedPrecondition):
    """The creative director has not approved the render, or it is out already."""

    reason = "RENDER_NOT_APPROVED"


class State(StrEnum):
    """Where a render stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DRAFT = "draft"
    APPROVED = "approved"
    RETAKE = "retake"
    RELEASED = "released"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Basis:
    """What allows a render: the consent to rendering, and the one the twin was trained under."""

    consent_id: str
    consent_receipt_id: str
    twin_consent_id: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A marked picture: where it lies sealed, and what the registry remembers of it."""

    object_key: str
    object_sha256: str
    """Of the sealed bytes, hex."""
    sha256: str
    """Of the JPEG as it was signed, hex."""
    fingerprint: bytes
    keyed_fingerprint: bytes
    """Told to nobody; empty for pictures made before there was one."""
    outline: bytes = field(repr=False)
    """A small grey copy, in which a crop is found; told to nobody."""
    rights_digest: str
    watermark: str
    """Name of the codec that carries the asset number."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Made:
    """What an attempt ends with."""

    picture: Picture
    manifest: Manifest
    prompt: str
    score: Score | None = None
    """How near it is to the talent, where her twin's report says who she is."""
    formats: tuple[MadeFormat, ...] = ()


@dataclass(frozen=True, slots=True)
class Take:
    """Which take of its shot a render is, and what it is made from."""

    number: int
    answers: str
    """The render whose take was not it yet; empty where the brief asked for it."""
    note: str
    """What the director said when asking for it."""
    made_from: Shot
    brief_sha256: str
    """Of the brief with this shot in it: what the grant is for."""


@dataclass(frozen=True, slots=True)
class Render:
    """One picture on its way."""

    id: str
    brief_id: str
    campaign_id: str
    license_id: str
    talent_id: str
    brand_id: str
    twin_version_id: str
    shot: int
    seed: int
    basis: Basis
    credits: tuple[Credit, ...]
    asset_number: int
    state: State
    attempt: int
    reason: str
    """Why it failed or was cancelled, or the director's note."""
    prompt: str
    """Empty until it was made: the twin's own weights say what to call her."""
    created_at: datetime
    released_at: datetime | None = None
    picture: Picture | None = None
    take: Take | None = None
    is_chosen: bool = False
    """The director chose it among the takes of its shot."""
    review_by: datetime | None = None
    """Until when the director may approve it; None but for a draft."""


@dataclass(frozen=True, slots=True)
class ProductPhoto:
    """A real photo of a garment that a picture is made with."""

    title: str
    sha256: str
    """Of the JPEG as it lies in the store, hex."""


@dataclass(frozen=True, slots=True)
class Task:
    """A render in work, with everything its maker needs."""

    render: Render
    product: Product
    shot: Shot
    brief_sha256: str
    campaign: str
    """The campaign's name."""
    grant: str = field(repr=False)
    formats: tuple[str, ...] = ()
    """Those to make beside the whole picture."""
    photos: tuple[ProductPhoto, ...] = ()
    """Of the product, as they lay on the brief's moodboard when the work was taken up."""


@dataclass(frozen=True, slots=True)
class Order:
    """One picture to make of a twin whose weights lie open in memory."""

    twin: str
    adapter: bytes = field(repr=False)
    product: Product
    shot: Shot
    seed: int


@dataclass(frozen=True, slots=True)
class Review:
    """The creative director's word."""

    approve: bool
    note: str


@dataclass(frozen=True, slots=True)
class Remains:
    """What is still there of a talent; but for what was released nothing, once she was erased."""

    erased_at: datetime | None
    objects_deleted: int
    objects: int
    """Sealed objects that lie in the store now."""
    renders: int
    """Queued, at work, or waiting for a review."""
    released: int


def check_review(review: Review) -> Review:
    """Return a review tidied.

    Raises:
        FieldInvalid: a retake without a note, or too long a note.
    """
    if review.approve:
        note = fields.optional_text(review.note, "note", longest=1000)
    else:
        note = fields.text(review.note, "note", longest=1000)
    return Review(review.approve, note)


def check_draft(render: Render) -> None:
    """Check that a render waits for a review.

    Raises:
        RenderNotDraft: it does not.
    """
    if render.state is not State.DRAFT:
        raise RenderNotDraft(
            f"render {render.id} is {render.state}", renderId=render.id, state=render.state
        )


def check_in_time(render: Render, *, now: datetime) -> None:
    """Check that a draft may still be approved. Raises ReviewOverdue; the deadline is too late."""
    if render.review_by is not None and now >= render.review_by:
        raise ReviewOverdue(
            f"render {render.id} could be approved until {render.review_by}", renderId=render.id
        )


def check_approved(render: Render) -> Picture:
    """Return the picture of a render that may be released, as far as the director is concerned.

    Raises:
        RenderNotApproved: it is in any other state.
    """
    if render.state is not State.APPROVED or render.picture is None:
        raise RenderNotApproved(
            f"render {render.id} is {render.state}", renderId=render.id, state=render.state
        )
    return render.picture


def check_kind(kind: str) -> None:
    """Check which file of a picture is asked for.

    Raises:
        FieldInvalid: neither.
    """
    if kind not in ("draft", "clean"):
        raise FieldInvalid("kind", "must be draft or clean")
