"""How much each place of a picture counts while something is learned from it."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from imaging.pictures import Rgb
from torch import Tensor

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""

FACE_SEEN = 2.5
"""How much likelier a close-up is drawn where the detector sees a face (docs/adr/0010)."""
_FOREHEAD = 0.25
"""Of a detected box's height, above it: dlib's begins at the brows."""


def mask(rgb: Rgb, face: Box) -> Rgb:
    """Return a picture that is white on a detected face with its forehead, black elsewhere."""
    left, top, right, bottom = face
    top -= round(_FOREHEAD * (bottom - top))
    made = np.zeros_like(rgb)
    made[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 255
    return made


def share(masked: Rgb, grid: tuple[int, int]) -> Tensor:
    """Return how much of each cell of `grid` (h, w) is white, (h, w) float32 in [0, 1]."""
    cells = cv2.resize(masked[..., 0], (grid[1], grid[0]), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(cells.astype(np.float32) / 255)
