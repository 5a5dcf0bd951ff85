"""The finder of marks measured on real photos, where a capture folder knows the exact places."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from imaging.pipeline.spots import Sighting, Spotter
from imaging.pipeline.tracks import NEAR

from training.pipeline.fidelity.captures import Captured
from training.pipeline.fidelity.finding import HINTED, SEEN
from training.pipeline.fidelity.holding import shows_face

_REACH = 0.7
"""Face widths from the middle of the face beyond which a cut-out does not reach."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How well the finder sees on photos; lengths in face widths."""

    photos: int
    marks: int
    recall: float
    error: float
    size_ratio: float
    false_per_photo: float


def check(spotter: Spotter, captured: Captured) -> dict[str, Any] | None:
    """Compare what is found on close-ups with the exact places; None where nobody knows them."""
    photos, asked, false = 0, 0, 0
    errors: list[float] = []
    ratios: list[float] = []
    for photo, row in zip(captured.photos, captured.rows, strict=True):
        if not shows_face(photo.caption):
            continue
        if "marks" not in row:
            return None
        seen = spotter.look(photo.pixels)
        if seen is None:
            continue
        photos += 1
        due, wrong = _compare(seen, row["marks"], errors, ratios)
        asked, false = asked + due, false + wrong
    found = Detection(
        photos=photos,
        marks=asked,
        recall=len(errors) / asked if asked else 0.0,
        error=float(np.mean(errors)) if errors else 0.0,
        size_ratio=float(np.median(ratios)) if ratios else 0.0,
        false_per_photo=false / photos if photos else 0.0,
    )
    return asdict(found)


def _compare(
    seen: Sighting, marks: list[dict[str, Any]], errors: list[float], ratios: list[float]
) -> tuple[int, int]:
    """Note what one photo shows; return the marks due and the spots that are none."""
    places = seen.frame.place(np.array([mark["px"] for mark in marks], dtype=np.float64))
    due, left = 0, list(seen.spots)
    for mark, place in zip(marks, places, strict=True):
        if mark["visible"] < HINTED or not mark["in_frame"] or np.abs(place).max() > _REACH:
            continue
        apart = [float(np.hypot(one.x - place[0], one.y - place[1])) for one in left]
        nearest = int(np.argmin(apart)) if apart else -1
        hit = nearest >= 0 and apart[nearest] <= NEAR
        if mark["visible"] >= SEEN:
            due += 1
            if hit:
                errors.append(apart[nearest])
                ratios.append(left[nearest].radius * seen.frame.width_px / mark["radius_px"])
        if hit:
            left.pop(nearest)
    return due, len(left)
