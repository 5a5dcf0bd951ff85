"""The faces a finder of marks learns from, and what is to be found on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from imaging.faces import Faces
from imaging.pictures import Rgb
from imaging.pipeline.frame import Frame, frame_of, to_cell
from imaging.pipeline.spots import CELLS, Spot

from training.pipeline.base_training import corpus

_MOST_YAW = 75.0
"""Degrees; a face turned further is not found by the landmarks."""
SEEN, HINTED = 0.5, 0.05
"""Of a mark: from here on it is to be found; between the two nobody is asked."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An upright face and its true marks, in face widths; those `hinted` are barely visible."""

    cut: Rgb
    marks: tuple[Spot, ...]
    hinted: tuple[Spot, ...]
    person: str


def faces_of(found: corpus.Corpus, faces: Faces) -> list[Shown]:
    """Return the upright faces of a corpus' close-ups in which exactly one is found."""
    shown = []
    for pixels, record in zip(found.pictures, found.records, strict=True):
        camera = record.get("camera", {})
        if camera.get("framing") != "face" or abs(camera["yaw"]) > _MOST_YAW:
            continue
        seen = faces.find(pixels)
        if len(seen) == 1:
            frame = frame_of(faces.landmarks(pixels, seen[0]))
            shown.append(show(pixels, frame, record))
    return shown


def show(pixels: Rgb, frame: Frame, record: Mapping[str, Any]) -> Shown:
    """Place a record's marks in the frame of its face."""
    marks: list[Spot] = []
    hinted: list[Spot] = []
    for mark in record["marks"]:
        seen = mark.get("visible_fraction", mark.get("visible", 0.0))
        if mark["in_frame"] and seen > HINTED:
            x, y = frame.place(np.array([mark["px"]], dtype=np.float64))[0]
            spot = Spot(float(x), float(y), mark["radius_px"] / frame.width_px, seen)
            (marks if seen >= SEEN else hinted).append(spot)
    inside = [spot for spot in marks if is_inside(spot)]
    return Shown(frame.cut(pixels), tuple(inside), tuple(hinted), str(record.get("person", "")))


def is_inside(spot: Spot) -> bool:
    """Tell whether a finder can be asked for it: its middle is well within the cut-out."""
    cell = to_cell(np.array([[spot.x, spot.y]]), CELLS)[0]
    return bool((cell > 1).all() and (cell < CELLS - 2).all())
