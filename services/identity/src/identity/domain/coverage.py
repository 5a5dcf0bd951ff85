"""Coverage: which views in which lights photos show, which are lacking, what to shoot next."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LIGHTS = ("studio soft", "hard side", "golden hour", "overcast")
"""The lights briefs ask for; a set may have others beside them."""
UNNAMED = "unnamed"
FRAMINGS = ("face", "three-quarter", "full")
YAWS = (
    "right profile",
    "right half-profile",
    "front",
    "left half-profile",
    "left profile",
    "back",
)
"""Across the map; the talent's own left and right."""
PITCHES = ("above", "level", "below")
"""Down the map: where the camera stands."""

_YAW_EDGES = ((-110, "back"), (-65, YAWS[0]), (-25, YAWS[1]), (25, YAWS[2]), (65, YAWS[3]))
"""Degrees below which a view is the one named; from 65 to 110 it is the left profile. Between
the angles photographers set up (0, 45, 90), with more room for the front: of forty planned photos
39 fall into one view on all of eight sets; the one planned at 25 degrees falls into two."""
_LAST_YAW = 110
_TILTED = 10
"""Degrees. Handheld photos meant as level are up to 5.5 degrees off on the eight sets."""

_NOUNS = {"face": "", "three-quarter": "three-quarter-length ", "full": "full-body "}
_WHERE = {"above": " from above", "level": "", "below": " from below", "": ""}


@dataclass(frozen=True, slots=True)
class Shot:
    """What a photo shows, as its photographer says."""

    framing: str
    yaw: float
    pitch: float
    lighting: str

    @property
    def place(self) -> "Place":
        """Return its place on the map."""
        return Place(self.framing, light_of(self.lighting), yaw_of(self.yaw), pitch_of(self.pitch))


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the map."""

    framing: str
    lighting: str
    yaw: str
    pitch: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A place, how many photos it has, and whether one more would make the twin better."""

    framing: str
    lighting: str
    yaw: str
    pitch: str
    photos: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class Want:
    """A view a twin is asked for sooner or later.

    Attributes:
        pitch: empty: whichever.
        each: in each of `LIGHTS`; else one photo in whichever light will do.
        worth: how much its lack costs, against the others.
    """

    framing: str
    yaw: str
    pitch: str
    each: bool
    worth: int
    reason: str

    @property
    def words(self) -> str:
        """Name the view."""
        return name_view(self.framing, self.yaw, self.pitch)


_CLOSE = "close-ups from here are the most asked for, and light changes a face"
_SIDE = "nose, jaw and ear are seen from the side only, and light changes them"
_TILT = "a face changes most with the height of the camera"
_BODY = "garments are shown on the whole body"
_HALF = "garments are shown from here, in the light of the campaign"
_BACK = "garments are shown from behind"

WANTS = (
    Want("face", "front", "level", True, 10, _CLOSE),
    Want("face", "left half-profile", "level", True, 9, _CLOSE),
    Want("face", "right half-profile", "level", True, 9, _CLOSE),
    Want("face", "left profile", "level", True, 6, _SIDE),
    Want("face", "right profile", "level", True, 6, _SIDE),
    Want("face", "front", "above", False, 5, _TILT),
    Want("face", "front", "below", False, 5, _TILT),
    Want("face", "back", "", False, 2, "hair is seen from behind"),
    Want("three-quarter", "front", "", True, 4, _HALF),
    Want("three-quarter", "left half-profile", "", True, 3, _HALF),
    Want("three-quarter", "right half-profile", "", True, 3, _HALF),
    Want("full", "front", "", True, 4, _BODY),
    Want("full", "left half-profile", "", False, 3, _BODY),
    Want("full", "right half-profile", "", False, 3, _BODY),
    Want("full", "left profile", "", False, 2, _BODY),
    Want("full", "right profile", "", False, 2, _BODY),
    Want("full", "back", "", False, 2, _BACK),
)


@dataclass(frozen=True, slots=True)
class Need:
    """A view without which a set is refused; an empty yaw is whichever."""

    framing: str
    yaw: str
    reason: str


NEEDS = (
    Need("face", "front", "a twin without it looks like nobody"),
    Need("face", "left half-profile", "half of her face would be guessed"),
    Need("face", "right half-profile", "half of her face would be guessed"),
    Need("face", "left profile", "no two sides of a face are alike; this one would be guessed"),
    Need("face", "right profile", "no two sides of a face are alike; this one would be guessed"),
    Need("three-quarter", "", "her build would be guessed"),
    Need("full", "", "her build would be guessed"),
)
LEAST_LIGHTS = 2
"""Lights a face must be seen in: in one alone, its shadows cannot be told from its shape."""
LEAST_PHOTOS = 10
LEAST_FRONTAL = 4
"""With fewer no twin was ever trained here, so nothing is known of their likeness."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Something lacking, and the photo that fills it."""

    text: str
    required: bool
    shot: str
    reason: str
    worth: int


def yaw_of(degrees: float) -> str:
    """Name the view an angle is; positive: camera towards the talent's own left."""
    turned = (degrees + 180) % 360 - 180
    for edge, name in _YAW_EDGES:
        if turned < edge:
            return name
    return "left profile" if turned < _LAST_YAW else "back"


def pitch_of(degrees: float) -> str:
    """Name where the camera stands; positive: above her."""
    if degrees > _TILTED:
        return "above"
    return "below" if degrees < -_TILTED else "level"


def light_of(text: str) -> str:
    """Return the light a photographer names, however it is written."""
    tidy = " ".join(text.lower().split()).removesuffix(" light")
    return tidy or UNNAMED


def name_view(framing: str, yaw: str, pitch: str = "") -> str:
    """Write a view as people say it: "left profile", "full-body front view from below"."""
    view = yaw if yaw.endswith("profile") else f"{yaw} view".strip()
    return f"{_NOUNS[framing]}{view}{_WHERE[pitch]}"


def map_cells(shots: Iterable[Shot]) -> tuple[Cell, ...]:
    """Return every place of the map: framing, light, pitch, yaw, in this order.

    A light nobody photographed in is there when briefs ask for it.
    """
    counts = Counter(shot.place for shot in shots)
    others = sorted({place.lighting for place in counts} - set(LIGHTS))
    wanted = _find_wanted(counts)
    places = [
        Place(framing, light, yaw, pitch)
        for framing in FRAMINGS
        for light in (*LIGHTS, *others)
        for pitch in PITCHES
        for yaw in YAWS
    ]
    return tuple(
        Cell(one.framing, one.lighting, one.yaw, one.pitch, counts[one], one in wanted)
        for one in places
    )


def _find_wanted(counts: Counter[Place]) -> set[Place]:
    return {
        Place(want.framing, light, want.yaw, want.pitch or "level")
        for want in WANTS
        for light in _find_missing(want, counts)
    }


def _find_missing(want: Want, counts: Counter[Place]) -> list[str]:
    """Return the lights a view lacks; of a view that any light will do for, all or none."""
    found = {
        place.lighting
        for place in counts
        if (place.framing, place.yaw) == (want.framing, want.yaw)
        and want.pitch in ("", place.pitch)
    }
    if not want.each:
        return [] if found else list(LIGHTS)
    return [light for light in LIGHTS if light not in found]


def find_holes(shots: Sequence[Shot]) -> list[Hole]:
    """Return what is lacking, most useful to fill first: what is required, then by worth."""
    counts = Counter(shot.place for shot in shots)
    required = _required_holes(counts)
    named = {hole.text.removesuffix(" in any light") for hole in required}
    advised = [
        hole
        for want in WANTS
        if (hole := _advised_hole(want, counts))
        and hole.text.removesuffix(" in any light") not in named
    ]
    return required + sorted(advised, key=lambda hole: -hole.worth)


def _required_holes(counts: Counter[Place]) -> list[Hole]:
    seen = {(place.framing, yaw) for place in counts for yaw in (place.yaw, "")}
    holes = []
    for need in NEEDS:
        if (need.framing, need.yaw) not in seen:
            view = name_view(need.framing, need.yaw)
            text = f"no {view} in any light"
            holes.append(Hole(text, True, f"a {view}", need.reason, 100))
    lights = {place.lighting for place in counts if place.framing == "face"}
    if counts and len(lights) < LEAST_LIGHTS:
        only = ", ".join(sorted(lights)) or "no"
        other = next(light for light in LIGHTS if light not in lights)
        holes.append(
            Hole(
                f"the face in {only} light only",
                True,
                f"the face from the front and both sides in {other} light",
                "in one light, shadows cannot be told from the shape of a face",
                90,
            )
        )
    return holes


def _advised_hole(want: Want, counts: Counter[Place]) -> Hole | None:
    missing = _find_missing(want, counts)
    if not missing:
        return None
    everywhere = len(missing) == len(LIGHTS)
    where = "in any light" if everywhere else f"in {join(missing, 'or')} light"
    lights = f" in {join(missing, 'and')} light" if want.each else ""
    return Hole(
        f"no {want.words} {where}",
        False,
        f"a {want.words}{lights}",
        want.reason,
        want.worth * len(missing) if want.each else want.worth * 2,
    )


def join(words: Sequence[str], last: str) -> str:
    """Write a list as people say it: "a, b and c"."""
    head, tail = ", ".join(words[:-1]), words[-1]
    return f"{head} {last} {tail}" if head else tail
