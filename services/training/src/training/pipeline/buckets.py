"""Shapes of pictures: a photo keeps its own where the base knows others than squares."""

from __future__ import annotations

import math

import cv2
import numpy as np
from imaging.pictures import Rgb

Size = tuple[int, int]
"""Height and width, pixels."""

_WIDEST = 2.0
"""Longest side to shortest; what bases were trained on hardly goes beyond."""


def sizes(side: int, grain: int) -> list[Size]:
    """Return every size of at most side * side pixels whose sides are multiples of `grain`."""
    found = []
    for height in range(grain, 2 * side + 1, grain):
        width = side * side // height // grain * grain
        if width and max(height, width) / min(height, width) <= _WIDEST:
            found.append((height, width))
    return found or [(side, side)]


def nearest(shapes: list[Size], height: int, width: int) -> Size:
    """Return the size whose ratio is nearest to a picture's; of equals the larger."""
    ratio = math.log(height / width)
    return min(
        shapes, key=lambda size: (round(abs(math.log(size[0] / size[1]) - ratio), 3), -size[0])
    )


def fill(rgb: Rgb, size: Size) -> Rgb:
    """Return `rgb` scaled and cut to `size`, about its middle; little is cut if ratios agree."""
    height, width = rgb.shape[:2]
    scale = max(size[0] / height, size[1] / width)
    tall, wide = max(size[0], round(height * scale)), max(size[1], round(width * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
    scaled = cv2.resize(rgb, (wide, tall), interpolation=way)
    top, left = (tall - size[0]) // 2, (wide - size[1]) // 2
    return np.ascontiguousarray(scaled[top : top + size[0], left : left + size[1]], np.uint8)
