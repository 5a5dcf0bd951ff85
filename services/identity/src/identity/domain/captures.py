"""Capture sets: photos of a talent, what each must be, and when they are enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit.errors import AlreadyExists, FailedPrecondition, FieldInvalid, InvalidArgument, NotFound

from identity.domain import fields

FRAMINGS = ("face", "three-quarter", "full")
ROLES = (
    "talent",
    "agency",
    "photographer",
    "stylist",
    "makeup_artist",
    "hair_artist",
    "retoucher",
    "creative_director",
)
NOT_CREW = ("talent", "agency")

MOST_BYTES = 12 * 2**20
MOST_PIXELS = 50_000_000
SHORTEST_SIDE = 256
FRONTAL_YAW = 40.0
"""Degrees. Measured on 320 photos of eight synthetic talents, three lights: the detector finds
every face up to here; from 41 to 48 degrees it misses some under hard side light."""
LEAST_SHARPNESS = 25.0
"""Variance of the Laplacian at 640 pixels. Measured: the least of 320 photos has 91; 80 of them
under a Gaussian blur of 2 pixels have 6 at most."""
SAME_PHOTO_BITS = 12
"""Bits of 256. Measured: re-encoded, resized or brightened 4 at most; other shots 30 or more."""
LEAST_PHOTOS = 10
LEAST_FRONTAL = 4
MOST_PHOTOS = 500


class CaptureSetNotFound(NotFound):
    """No such capture set, or none the caller may know of."""

    reason = "CAPTURE_SET_NOT_FOUND"


class CaptureSetClosed(FailedPrecondition):
    """The set takes no more photos."""

    reason = "CAPTURE_SET_CLOSED"


class CaptureSetInsufficient(FailedPrecondition):
    """The set is not yet good enough to train on."""

    reason = "CAPTURE_SET_INSUFFICIENT"


class PhotoUnreadable(InvalidArgument):
    """Not a whole JPEG, PNG or WebP."""

    reason = "PHOTO_UNREADABLE"
    field = "content"


class PhotoTooSmall(InvalidArgument):
    """Too few pixels."""

    reason = "PHOTO_TOO_SMALL"
    field = "content"


class PhotoTooLarge(InvalidArgument):
    """Too many bytes or pixels."""

    reason = "PHOTO_TOO_LARGE"
    field = "content"


class PhotoBlurred(InvalidArgument):
    """Not sharp enough."""

    reason = "PHOTO_BLURRED"
    field = "content"


class PhotoWithoutFace(InvalidArgument):
    """No face where one must be."""

    reason = "PHOTO_WITHOUT_FACE"
    field = "content"


class PhotoOfSeveral(InvalidArgument):
    """More than one face."""

    reason = "PHOTO_OF_SEVERAL"
    field = "content"


class PhotoDuplicate(AlreadyExists):
    """The set has this photo already."""

    reason = "PHOTO_DUPLICATE"
    field = "content"


class State(StrEnum):
    """Whether a set still takes photos."""

    OPEN = "open"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Mark:
    """A lasting mark on the talent's body."""

    name: str
    site: str
    radius_mm: float


@dataclass(frozen=True, slots=True)
class Credit:
    """Someone who took part, and as what."""

    party_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class CaptureSet:
    """Photos of one talent, taken together."""

    id: str
    talent_id: str
    state: State
    marks: tuple[Mark, ...]
    credits: tuple[Credit, ...]
    opened_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the photographer says of a photo."""

    framing: str
    yaw: float
    pitch: float
    lighting: str
    pose: str
    caption: str

    @property
    def frontal(self) -> bool:
        """Tell whether exactly one face must be found in it."""
        return self.framing == "face" and abs(_turned(self.yaw)) <= FRONTAL_YAW


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of a photo."""

    width: int
    height: int
    sharpness: float
    faces: int


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo that passed its checks, and where it lies encrypted."""

    id: str
    capture_set_id: str
    filename: str
    facts: Facts
    measures: Measures
    perceptual_hash: bytes
    object_key: str
    sha256: str
    added_at: datetime


def _turned(yaw: float) -> float:
    """Return the angle from -180 to 180 degrees."""
    return (yaw + 180) % 360 - 180


def check_facts(facts: Facts) -> Facts:
    """Return the facts tidied.

    Raises:
        FieldInvalid: a framing we do not know, an angle out of range, or too long a text.
    """
    if facts.framing not in FRAMINGS:
        raise FieldInvalid("facts.framing", f"must be one of {', '.join(FRAMINGS)}")
    return Facts(
        facts.framing,
        fields.within(facts.yaw, "facts.yaw", -180, 360),
        fields.within(facts.pitch, "facts.pitch", -90, 90),
        fields.optional_text(facts.lighting, "facts.lighting", longest=80),
        fields.optional_text(facts.pose, "facts.pose", longest=80),
        fields.optional_text(facts.caption, "facts.caption", longest=500),
    )


def check_filename(name: str) -> str:
    """Return a file name fit to be shown; no file is ever made of it.

    Raises:
        FieldInvalid: empty, too long, or a path.
    """
    tidy = fields.text(name, "filename", longest=200)
    if any(letter in tidy for letter in "/\\\n"):
        raise FieldInvalid("filename", "must be a name without folders")
    return tidy


def check_marks(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return the marks tidied.

    Raises:
        FieldInvalid: one has no name or site, or a size no mark has.
    """
    if len(marks) > 100:
        raise FieldInvalid("marks", "must be at most 100")
    return tuple(
        Mark(
            fields.text(mark.name, f"marks[{index}].name", longest=80),
            fields.text(mark.site, f"marks[{index}].site", longest=80),
            fields.within(mark.radius_mm, f"marks[{index}].radius_mm", 0.1, 1000),
        )
        for index, mark in enumerate(marks)
    )


def check_size(size_bytes: int) -> None:
    """Check what a photo weighs before it is decoded.

    Raises:
        PhotoTooLarge: more than 12 MiB.
    """
    if size_bytes > MOST_BYTES:
        raise PhotoTooLarge(f"photo has {size_bytes} bytes, at most {MOST_BYTES}", bytes=size_bytes)


def check_measures(facts: Facts, measured: Measures) -> None:
    """Judge one photo by its measures.

    Raises:
        PhotoTooSmall, PhotoBlurred, PhotoOfSeveral, PhotoWithoutFace: in this order.
    """
    side = min(measured.width, measured.height)
    if side < SHORTEST_SIDE:
        raise PhotoTooSmall(
            f"shorter side has {side} pixels, at least {SHORTEST_SIDE}", pixels=side
        )
    if measured.sharpness < LEAST_SHARPNESS:
        raise PhotoBlurred(
            f"sharpness is {measured.sharpness:.0f}, at least {LEAST_SHARPNESS:.0f}",
            sharpness=round(measured.sharpness, 1),
        )
    if measured.faces > 1:
        raise PhotoOfSeveral(f"{measured.faces} faces, one is allowed", faces=measured.faces)
    if facts.frontal and measured.faces == 0:
        raise PhotoWithoutFace("no face found in a frontal photo of a face")


def check_set(photos: Sequence[Photo]) -> None:
    """Judge whether photos are enough to train on.

    Raises:
        CaptureSetInsufficient: too few, or too few that show the face from the front.
    """
    frontal = sum(photo.facts.frontal for photo in photos)
    if len(photos) < LEAST_PHOTOS or frontal < LEAST_FRONTAL:
        raise CaptureSetInsufficient(
            f"{len(photos)} photos, {frontal} of the face from the front; at least "
            f"{LEAST_PHOTOS} and {LEAST_FRONTAL}",
            photos=len(photos),
            frontal=frontal,
        )


def crew(sets: Sequence[CaptureSet]) -> list[Credit]:
    """Return the crew of some sets, each party once, by party id."""
    found = {
        credit.party_id: credit
        for capture_set in reversed(sets)
        for credit in reversed(capture_set.credits)
        if credit.role not in NOT_CREW
    }
    return [found[party_id] for party_id in sorted(found)]
