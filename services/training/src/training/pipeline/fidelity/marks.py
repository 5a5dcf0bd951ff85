"""Is each mark of her map on the renders, where it should be, and is none invented?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from imaging.pipeline.spots import Sighting
from imaging.pipeline.tracks import Mapped, Track, follow, is_invented

SIZES = (0.5, 2.0)
"""Ratios to the mark's own radius that count as the right size."""


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


def measure(
    marks: Sequence[Mapped], photos: Sequence[Sighting], renders: Sequence[Sighting]
) -> Marks:
    """Hold the spots on renders against the tracks that her photos tell."""
    tracks = [(mark, follow(mark, photos)) for mark in marks]
    figures = tuple(_figure(mark, track, renders) for mark, track in tracks)
    known = [track for _, track in tracks if track is not None]
    invented = sum(is_invented(spot, one, known) for one in renders for spot in one.spots)
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
