"""Where a mark of her map is as her head turns, told by her photos alone.

The finder's spots on all of them, of which those that stay in one place of the turning head, near
the site the map names, are the mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from imaging.pipeline.spots import Sighting, Spot

NEAR = 0.12
"""Face widths within which a find is the mark."""
_TRACK = 0.07
"""Face widths a spot may be off its track."""
_AROUND = 0.3
"""Face widths from the middle of the named site in which a mark may be."""
_LEAST = 3
"""Photos that must agree."""
_SITES = (
    ("temple", (0.36, -0.06)), ("forehead", (0.0, -0.26)), ("brow", (0.2, -0.12)),
    ("cheek", (0.27, 0.32)), ("jaw", (0.3, 0.6)), ("lip", (0.09, 0.42)), ("chin", (0.0, 0.68)),
    ("nose", (0.0, 0.22)), ("nostril", (0.08, 0.28)), ("mouth", (0.09, 0.42)),
    ("eye", (0.22, 0.05)), ("neck", (0.0, 0.95)), ("throat", (0.0, 0.95)),
)  # fmt: skip
"""Middles of sites on her left in face widths, from the front; the first word found counts."""
_BODY = (
    "arm", "wrist", "hand", "finger", "elbow", "shoulder", "collarbone", "chest", "breast",
    "back", "belly", "stomach", "abdomen", "navel", "torso", "rib", "waist", "hip", "buttock",
    "leg", "thigh", "knee", "shin", "calf", "ankle", "foot", "feet", "heel", "toe", "thumb", "palm",
    "nape",
)  # fmt: skip
_MOST_FLAWS = 0.5
"""Flaws a photo of hers may have on average: where it has more, her marks are not known."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mark as the map names it."""

    name: str
    site: str


@dataclass(frozen=True, slots=True)
class Track:
    """Where a mark is as the head turns and nods.

    Attributes:
        line: (3, 2), place = (1, turn, tilt) @ line.
        radius: median, in face widths.
        turns: of each photo with a face, (N,).
        shown: whether the mark was found in it, (N,).
    """

    line: Points
    radius: float
    turns: Points
    shown: npt.NDArray[np.bool_]

    def at(self, sighting: Sighting) -> Points:
        """Return the place in the frame of a face, (2,)."""
        place: Points = _row(sighting) @ self.line
        return place

    def pack(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "line": [[round(float(x), 5) for x in row] for row in self.line],
            "radius": round(self.radius, 5),
            "turns": [round(float(turn), 5) for turn in self.turns],
            "shown": [bool(one) for one in self.shown],
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> Track:
        """Read what `pack` wrote.

        Raises:
            ValueError: it is no track.
        """
        try:
            line = np.array(packed["line"], np.float64)
            turns, shown = np.array(packed["turns"], np.float64), np.array(packed["shown"], bool)
            radius = float(packed["radius"])
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError("a mark's track lacks something") from error
        whole = line.shape == (3, 2) and turns.ndim == 1 and turns.shape == shown.shape
        finite = np.isfinite(line).all() and np.isfinite(turns).all() and 0 < radius < np.inf
        if not (whole and len(turns) and finite):
            raise ValueError("a mark's track is not whole")
        return cls(line, radius, turns, shown)

    def off(self, spot: Spot, sighting: Sighting) -> float:
        """Return how far a spot is from it, in face widths."""
        place = self.at(sighting)
        return float(np.hypot(spot.x - place[0], spot.y - place[1]))

    def nearest(self, sighting: Sighting) -> Spot | None:
        """Return the spot that is the mark; None where none is near enough."""
        near = [spot for spot in sighting.spots if self.off(spot, sighting) <= NEAR]
        return min(near, key=lambda spot: self.off(spot, sighting), default=None)

    def is_due(self, sighting: Sighting) -> bool:
        """Tell whether both photos of a head turned most alike show the mark.

        Of 15 photos held out that do not show theirs 4 are said to have to, and 6 of 29 that do
        are not (all photos within 0.08: 12 and 2).
        """
        alike = np.abs(self.turns - sighting.frame.turn).argsort(kind="stable")[:2]
        return bool(self.shown[alike].all())


def is_off_face(words: str) -> bool:
    """Tell whether a site is surely not on a face."""
    return any(part in words.lower() for part in _BODY)


def site_of(words: str) -> Points | None:
    """Return where a site is on a face from the front; None for one that is not on a face, or
    not known to be.

    Her left is the picture's right.
    """
    text = words.lower()
    if is_off_face(text):
        return None
    place = next((middle for name, middle in _SITES if name in text), None)
    if place is None:
        return None
    side = -1.0 if "right" in text else 1.0
    return np.array([place[0] * side, place[1]])


def follow(mark: Mapped, photos: Sequence[Sighting]) -> Track | None:
    """Return the track of a mark over her photos, or None if they do not agree on one.

    Every pair of spots proposes a line over the head's turn; the one most photos agree with
    wins (RANSAC, Fischler and Bolles 1981, over all pairs as there are few).
    """
    middle = site_of(mark.site)
    if middle is None:
        return None
    seen = [(number, spot) for number, one in enumerate(photos) for spot in one.spots]
    best: list[tuple[int, Spot]] = []
    for one, other in combinations(seen, 2):
        line = _through((photos[one[0]], one[1]), (photos[other[0]], other[1]))
        if line is None or np.hypot(*(line[0] - middle)) > _AROUND:
            continue
        agreeing = _agreeing(line, photos, seen)
        if len(agreeing) > len(best):
            best = agreeing
    if len(best) < _LEAST:
        return None
    line = _fit(best, photos)
    best = _agreeing(line, photos, seen)
    if len(best) < _LEAST:
        return None
    numbers = {number for number, _ in best}
    return Track(
        line=line,
        radius=float(np.median([spot.radius for _, spot in best])),
        turns=np.array([one.frame.turn for one in photos]),
        shown=np.array([number in numbers for number in range(len(photos))]),
    )


def _row(sighting: Sighting) -> Points:
    return np.array([1.0, sighting.frame.turn, sighting.frame.tilt])


def _through(one: tuple[Sighting, Spot], other: tuple[Sighting, Spot]) -> Points | None:
    """Return the track of two spots: along the turn between them, or standing still."""
    (first, a), (second, b) = one, other
    if first is second:
        return None
    apart = second.frame.turn - first.frame.turn
    start, end = np.array([a.x, a.y]), np.array([b.x, b.y])
    if abs(apart) < 0.03:
        slope = np.zeros(2) if np.hypot(*(end - start)) < _TRACK else None
    else:
        slope = (end - start) / apart
    if slope is None or np.hypot(*slope) > 2:
        return None
    return np.stack([start - slope * first.frame.turn, slope, np.zeros(2)])


def _agreeing(
    line: Points, photos: Sequence[Sighting], seen: Sequence[tuple[int, Spot]]
) -> list[tuple[int, Spot]]:
    """Return the spot of each photo that lies on a track."""
    nearest: dict[int, tuple[float, Spot]] = {}
    for number, spot in seen:
        place = _row(photos[number]) @ line
        apart = float(np.hypot(spot.x - place[0], spot.y - place[1]))
        if apart < _TRACK and apart < nearest.get(number, (_TRACK, spot))[0]:
            nearest[number] = (apart, spot)
    return [(number, spot) for number, (_, spot) in nearest.items()]


def _fit(best: Sequence[tuple[int, Spot]], photos: Sequence[Sighting]) -> Points:
    """Return the line nearest to spots, held back where few of them speak (ridge)."""
    rows = np.stack([_row(photos[number]) for number, _ in best])
    places = np.array([[spot.x, spot.y] for _, spot in best])
    hold = np.diag([1e-6, 1e-3, 1e-2])
    line: Points = np.linalg.solve(rows.T @ rows + hold, rows.T @ places)
    return line


def is_invented(spot: Spot, sighting: Sighting, tracks: Sequence[Track]) -> bool:
    """Tell whether a spot is none of these marks."""
    return all(track.off(spot, sighting) > NEAR for track in tracks)


def flaws(sighting: Sighting, tracks: Sequence[Track]) -> int:
    """Return how many of these marks should be there and are not, and spots that are none."""
    missing = [one for one in tracks if one.is_due(sighting) and one.nearest(sighting) is None]
    invented = [spot for spot in sighting.spots if is_invented(spot, sighting, tracks)]
    return len(missing) + len(invented)


def follow_map(mapped: Sequence[Mapped], photos: Sequence[Sighting]) -> tuple[Track, ...] | None:
    """Return the track of every mark on her face; () where her map has marks elsewhere only.

    None where marks cannot be spoken of: no map, a site nobody here understands, one her photos
    do not show in one place, two that cannot be told apart, or photos of her own that would not
    pass.
    """
    on_face = [mark for mark in mapped if not is_off_face(mark.site)]
    found = [follow(mark, photos) for mark in on_face]
    tracks = tuple(track for track in found if track is not None)
    if not mapped or len(tracks) < len(on_face):
        return None
    pairs = combinations(tracks, 2)
    if any(np.hypot(*(a.at(one) - b.at(one))) < NEAR for a, b in pairs for one in photos):
        return None
    own = [flaws(one, tracks) for one in photos]
    return None if own and np.mean(own) > _MOST_FLAWS else tracks
