"""What is wrong with a photo beside the others of its set: thresholds and judgements.

Every threshold is here with its reason and what was measured for it: 320 photos, forty of each
of eight synthetic talents, in four lights. Faces were compared on 245 close-ups of 38 other
synthetic people as well, at half the size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import dist
from statistics import fmean, median

SOFT_BELOW = 80.0
"""Variance of the Laplacian at 640 pixels. Sharp photos: 91 at least, 343 in the middle. Under a
Gaussian blur of 0.8 pixels all 320 are below, of 0.6 pixels 23 %."""
DARK_FACE_BELOW = 30.0 / 255
"""Mean luminance of a face, so that a dark skin in hard light still counts: the least of 267
faces is 44.7 / 255."""
DARK_PICTURE_BELOW = 20.0 / 255
"""Mean luminance of a picture no face was found in: the least of 53 is 33.3 / 255."""
DARK_BESIDE_OTHERS = 0.55
"""Share of the middle luminance of the set's faces in the same light. The least of 267 faces is
0.64. Each of 320 photos alone with less light: one stop names 8, two 160, three 258 of them."""
BRIGHT_ABOVE = 0.05
"""Share of a face that is white to the camera: none on 267 faces; one stop too much light names
67 % of them, two stops 94 %. Not judged without a face: a white backdrop is meant."""
NEAR_BITS = 26
"""Bits of 256 in which perceptual hashes differ. Two shots of one set: 30 at least in 6,240
pairs. The same shot moved by 4 pixels: 90 % are below; turned by one degree: 85 %."""
ODD_FROM = 0.46
"""Euclidean distance of a face's vector to the middle of its set. The eight: own photos 0.26 in
the middle, 0.42 at most but for 1 of 267 (0.52, from above); photos of another of the eight 0.61
in the middle, 9 of 1,869 below. The 38: 0.8 % of close-ups turned by 50 degrees at most are above,
none of those turned by 35 at most; 1.2 % of another's are below. Mixed into a set, 1 to 14 photos
of another of the eight: at least one was above in all of 224 sets, 98 % of the photos were."""
SMALLEST_FACE = 40
"""Pixels of a face's side below which nobody is told by it. The eight made smaller: at 45 pixels
none of 86 own faces is above `ODD_FROM`, at 36 one in 84, at 30 5 %, at 25 18 %."""
FEWEST_FACES = 4
"""Faces without which nobody can say whose the set is."""
_SETTLED_AFTER = 4
"""Rounds in which the middle of a set finds its place; more changed nothing."""

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A photo as it is judged here.

    Attributes:
        luminance, highlights: of the face where there is a vector, else of the picture, from 0
            to 1; None: never measured.
        vector: of its face; None where no face was found.
    """

    id: str
    lighting: str
    sharpness: float
    luminance: float | None
    highlights: float | None
    perceptual_hash: bytes
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was found of a photo. `repeats` is the id of the photo it nearly is."""

    faults: tuple[str, ...]
    distance: float | None
    repeats: str


def judge(photos: Sequence[Candidate]) -> dict[str, Opinion]:
    """Return what is wrong with each photo, by id; photos in the order they came."""
    distances = measure_distances({one.id: one.vector for one in photos if one.vector})
    repeats = find_repeats(photos)
    usual = _usual_luminance(photos)
    found = {}
    for one in photos:
        distance = distances.get(one.id)
        odd = distance is not None and distance > ODD_FROM
        faults = {
            "another person": odd,
            "dark": _is_dark(one, {} if odd else usual),
            "bright": bool(one.vector and (one.highlights or 0) > BRIGHT_ABOVE),
            "soft": one.sharpness < SOFT_BELOW,
            "near-duplicate": one.id in repeats,
        }
        named = tuple(name for name, there in faults.items() if there)
        found[one.id] = Opinion(named, distance, repeats.get(one.id, ""))
    return found


def measure_distances(vectors: Mapping[str, Vector]) -> dict[str, float]:
    """Return how far each face is from the middle of the set's faces, by photo id.

    The middle is the mean of the faces near it, found from the face that most others are near
    to: so a second person shifts it little until half of the faces are hers. Measured on 200
    mixes of the eight talents it calls 0.3 % of own faces odd, the median coordinate by
    coordinate 0.9 %, each missing 1 % of another's. Nothing is said of fewer than `FEWEST_FACES`.
    """
    if len(vectors) < FEWEST_FACES:
        return {}
    faces = list(vectors.values())
    middle = min(faces, key=lambda face: median(dist(face, other) for other in faces))
    core: list[Vector] = []
    for _ in range(_SETTLED_AFTER):
        near = [face for face in faces if dist(face, middle) <= ODD_FROM]
        if near == core:
            break
        core = near
        middle = tuple(map(fmean, zip(*core, strict=True)))
    return {photo_id: dist(face, middle) for photo_id, face in vectors.items()}


def find_repeats(photos: Sequence[Candidate]) -> dict[str, str]:
    """Return photos that are nearly an earlier one: id -> id of that one."""
    hashes: list[tuple[str, int]] = []
    found = {}
    for one in photos:
        bits = int.from_bytes(one.perceptual_hash, "big")
        near = next((name for name, seen in hashes if (bits ^ seen).bit_count() <= NEAR_BITS), None)
        if near is None:
            hashes.append((one.id, bits))
        else:
            found[one.id] = near
    return found


def _usual_luminance(photos: Sequence[Candidate]) -> dict[str, float]:
    """Return the middle luminance of faces in each light that has three or more."""
    by_light: dict[str, list[float]] = {}
    for one in photos:
        if one.vector and one.luminance is not None:
            by_light.setdefault(one.lighting, []).append(one.luminance)
    return {light: median(seen) for light, seen in by_light.items() if len(seen) >= 3}


def _is_dark(one: Candidate, usual: Mapping[str, float]) -> bool:
    if one.luminance is None:
        return False
    if not one.vector:
        return one.luminance < DARK_PICTURE_BELOW
    beside = DARK_BESIDE_OTHERS * usual.get(one.lighting, 0.0)
    return one.luminance < max(DARK_FACE_BELOW, beside)
