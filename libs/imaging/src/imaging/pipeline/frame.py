"""A face-relative frame, so that a mark has one place however the head is held.

Lengths are in face widths: 1 is the width of a face between the cheekbones, about 140 mm. The
origin is between the eyes, x grows to the picture's right, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imaging.pictures import Rgb

SIDE = 128
"""Pixels of a cut-out face."""
SPAN = 1.5
"""Face widths that a cut-out spans."""
TOP, LEFT = -0.6, -0.75
"""Where a cut-out begins."""
_SHAPE = np.array([[0.32, 0], [0.115, 0], [-0.32, 0], [-0.115, 0], [0, 0.33]], dtype=np.float64)
"""The five landmarks of a face from the front: corners of the eyes 90 and 32 mm apart, the base
of the nose 46 mm below, of 140 mm (mean adult proportions)."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a face is in a picture.

    Attributes:
        matrix: (2, 3), pixels to face widths.
        turn: how far the nose is off the middle, in face widths: grows with the head's yaw.
        tilt: how far the nose is below its place from the front: grows with its pitch.
    """

    matrix: Points
    turn: float
    tilt: float

    def place(self, pixels: Points) -> Points:
        """Return (N, 2) pixels as face widths."""
        placed: Points = pixels @ self.matrix[:, :2].T + self.matrix[:, 2]
        return placed

    @property
    def width_px(self) -> float:
        """Return how many pixels a face width is."""
        return 1 / float(np.hypot(*self.matrix[:, 0]))

    def cut(self, rgb: Rgb) -> Rgb:
        """Return the face upright, (128, 128, 3)."""
        scale = SIDE / SPAN
        matrix = self.matrix.copy() * scale
        matrix[:, 2] -= np.array([LEFT, TOP]) * scale
        shrinking = self.width_px * SPAN > SIDE * 1.5
        if shrinking:  # without, fine patterns would come out as spots
            sigma = 0.35 * self.width_px * SPAN / SIDE
            rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), dtype=np.uint8)
        flags = cv2.INTER_LINEAR if shrinking else cv2.INTER_CUBIC
        size, edge = (SIDE, SIDE), cv2.BORDER_REPLICATE
        cut = cv2.warpAffine(rgb, matrix, size, flags=flags, borderMode=edge)
        return np.asarray(cut, dtype=np.uint8)


def frame_of(landmarks: npt.NDArray[np.float32]) -> Frame:
    """Return the frame of five landmarks, in the order of `Faces.landmarks`.

    The similarity that fits them best to a face from the front (Umeyama 1991).
    """
    points = landmarks.astype(np.float64)
    centre, target = points.mean(0), _SHAPE.mean(0)
    here, there = points - centre, _SHAPE - target
    one, other = here[:, 0] + 1j * here[:, 1], there[:, 0] + 1j * there[:, 1]
    turn = (np.conj(one) @ other) / (np.conj(one) @ one).real  # rotation and scale in one number
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    matrix = np.column_stack([linear, target - linear @ centre])
    placed = points @ linear.T + matrix[:, 2]
    eyes = placed[:4].mean(0)
    return Frame(matrix, float(placed[4, 0] - eyes[0]), float(placed[4, 1] - eyes[1] - 0.33))


def to_cell(places: Points, cells: int) -> Points:
    """Return face widths as rows of a grid of `cells` over a cut-out, x and y."""
    scaled: Points = (places - np.array([LEFT, TOP])) / SPAN * cells - 0.5
    return scaled


def from_cell(cell: Points, cells: int) -> Points:
    """Return places in a grid of `cells` over a cut-out as face widths."""
    placed: Points = (cell + 0.5) / cells * SPAN + np.array([LEFT, TOP])
    return placed
