"""Is each mark of her map on the renders, where it should be, and is none invented?

Where a mark should be comes from her photos alone: the finder's spots on all of them, of which
those that stay in one place of the turning head, near the site the map names, are the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from training.pipeline.fidelity.spots import Sighting, Spot

NEAR = 0.12
"""Face widths within which a find is the mark."""
SIZES = (0.5, 2.0)
"""Ratios to the mark's own radius that count as the right size."""
_TRACK = 0.07
"""Face widths a spot may be off its track."""
_AROUND = 0.3
"""Face widths from the middle of the named site in which a mark may be."""
_LEAST = 3
"""Photos that must agree."""
_TURNED_ALIKE = 0.08
_SITES = (
    ("temple", (0.36, -0.06)), ("forehead", (0.0, -0.26)), ("brow", (0.2, -0.12)),
    ("cheek", (0.27, 0.32)), ("jaw", (0.3, 0.6)), ("lip", (0.09, 0.42)), ("chin", (0.0, 0.68)),
    ("nose", (0.0, 0.22)), ("eye", (0.22, 0.05)), ("neck", (0.0, 0.95)),
)  # fmt: skip
"""Middles of sites on her left in face widths, from the front; the first word found counts."""

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

    def off(self, spot: Spot, sighting: Sighting) -> float:
        """Return how far a spot is from it, in face widths."""
        place = self.at(sighting)
        return float(np.hypot(spot.x - place[0], spot.y - place[1]))

    def nearest(self, sighting: Sighting) -> Spot | None:
        """Return the spot that is the mark; None where none is near enough."""
        near = [spot for spot in sighting.spots if self.off(spot, sighting) <= NEAR]
        return min(near, key=lambda spot: self.off(spot, sighting), default=None)

    def is_due(self, sighting: Sighting) -> bool:
        """Tell whether photos of a head turned alike show the mark."""
        alike = np.abs(self.turns - sighting.frame.turn) < _TURNED_ALIKE
        if not alike.any():
            alike = np.abs(self.turns - sighting.frame.turn).argsort() < 2
        return bool(self.shown[alike].mean() >= 0.5)


@dataclass(frozen=True, slots=True)
class MarkFigure:
    """One mark of the map on the renders.

    Attributes:
        name, site: as the map names it.
        known: whether her photos tell where it is; a mark off the face is not.
        due: renders of a face turned so that it must be seen.
        found: of these, renders that have it.
        sized: of those found, how many in the right size.
        error: mean distance from where it should be, in face widths.
    """

    name: str
    site: str
    known: bool
    due: int
    found: int
    sized: int
    error: float


@dataclass(frozen=True, slots=True)
class Marks:
    """All marks on the renders; `invented` are spots that are on no map, per picture."""

    pictures: int
    figures: tuple[MarkFigure, ...]
    invented: float

    @property
    def recall(self) -> float:
        """Return found of due, over the known marks; 0 where none was due."""
        due = sum(one.due for one in self.figures)
        return sum(one.found for one in self.figures) / due if due else 0.0

    @property
    def error(self) -> float:
        """Return the mean position error of the marks found, in face widths."""
        found = sum(one.found for one in self.figures)
        return sum(one.error * one.found for one in self.figures) / found if found else 0.0


def site_of(words: str) -> Points | None:
    """Return where a site is on a face from the front; None for one that is not on a face.

    Her left is the picture's right.
    """
    text = words.lower()
    if any(part in text for part in ("arm", "wrist", "hand", "leg", "back", "chest")):
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


def measure(
    marks: Sequence[Mapped], photos: Sequence[Sighting], renders: Sequence[Sighting]
) -> Marks:
    """Hold the spots on renders against the tracks that her photos tell."""
    tracks = [(mark, follow(mark, photos)) for mark in marks]
    figures = tuple(_figure(mark, track, renders) for mark, track in tracks)
    known = [track for _, track in tracks if track is not None]
    invented = sum(_is_invented(spot, one, known) for one in renders for spot in one.spots)
    return Marks(len(renders), figures, invented / len(renders) if renders else 0.0)


def _figure(mark: Mapped, track: Track | None, renders: Sequence[Sighting]) -> MarkFigure:
    if track is None:
        return MarkFigure(mark.name, mark.site, False, 0, 0, 0, 0.0)
    due, errors, sized = 0, list[float](), 0
    for one in renders:
        if not track.is_due(one):
            continue
        due += 1
        nearest = track.nearest(one)
        if nearest is not None:
            errors.append(track.off(nearest, one))
            sized += SIZES[0] <= nearest.radius / track.radius <= SIZES[1]
    error = float(np.mean(errors)) if errors else 0.0
    return MarkFigure(mark.name, mark.site, True, due, len(errors), sized, error)


def _is_invented(spot: Spot, sighting: Sighting, tracks: Sequence[Track]) -> bool:
    return all(track.off(spot, sighting) > NEAR for track in tracks)
