"""Capture sets: photos of a talent, and what each must be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit import fields
from kit.errors import AlreadyExists, FailedPrecondition, FieldInvalid, InvalidArgument, NotFound

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
MOST_PHOTOS = 500
MOST_MARKS = 100


class CaptureSetNotFound(NotFound):
    """No such capture set, or none the caller may know of."""

    reason = "CAPTURE_SET_NOT_FOUND"


class PhotoNotFound(NotFound):
    """The set has no such photo."""

    reason = "PHOTO_NOT_FOUND"


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
class SeenMark:
    """Where a photo shows a mark: from the left and the top, 0 to 1, of the picture upright."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What the photographer says of a photo."""

    framing: str
    yaw: float
    pitch: float
    lighting: str
    pose: str
    caption: str
    marks: tuple[SeenMark, ...] = ()

    @property
    def frontal(self) -> bool:
        """Tell whether exactly one face must be found in it."""
        return self.framing == "face" and abs(_turned(self.yaw)) <= FRONTAL_YAW


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of a photo.

    Attributes:
        luminance: mean, 0 to 1, of the face where one was found to compare, else of the picture;
            None: of before it was measured. So are `shadows` and `highlights`, the shares of it
            that are black or white to the camera.
    """

    width: int
    height: int
    sharpness: float
    faces: int
    luminance: float | None = None
    shadows: float | None = None
    highlights: float | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where something lies encrypted, and the SHA-256 of what lies there; empty: nowhere."""

    object_key: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo that passed its checks, and where it and the vector of its face lie encrypted."""

    id: str
    capture_set_id: str
    filename: str
    facts: Facts
    measures: Measures
    perceptual_hash: bytes
    object_key: str
    sha256: str
    added_at: datetime
    face: Sealed = Sealed()


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
        _check_seen(facts.marks),
    )


def _check_seen(marks: Sequence[SeenMark]) -> tuple[SeenMark, ...]:
    if len(marks) > MOST_MARKS:
        raise FieldInvalid("facts.marks", f"must be at most {MOST_MARKS}")
    return tuple(
        SeenMark(
            fields.text(mark.name, f"facts.marks[{index}].name", longest=80),
            fields.within(mark.x, f"facts.marks[{index}].x", 0, 1),
            fields.within(mark.y, f"facts.marks[{index}].y", 0, 1),
        )
        for index, mark in enumerate(marks)
    )


def check_named(facts: Facts, marks: Sequence[Mark]) -> None:
    """Check that a photo shows only marks of the set's map.

    Raises:
        FieldInvalid: one has another name.
    """
    known = {mark.name for mark in marks}
    for index, seen in enumerate(facts.marks):
        if seen.name not in known:
            raise FieldInvalid(f"facts.marks[{index}].name", "must be on the set's map of marks")


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
    if len(marks) > MOST_MARKS:
        raise FieldInvalid("marks", f"must be at most {MOST_MARKS}")
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


def crew(sets: Sequence[CaptureSet]) -> list[Credit]:
    """Return the crew of some sets, each party once, by party id."""
    found = {
        credit.party_id: credit
        for capture_set in reversed(sets)
        for credit in reversed(capture_set.credits)
        if credit.role not in NOT_CREW
    }
    return [found[party_id] for party_id in sorted(found)]
