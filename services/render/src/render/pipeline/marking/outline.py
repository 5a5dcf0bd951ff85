"""A small grey copy of a picture, in which any part of it is found again.

A number alone proves nothing: its marks can be copied from one picture to another. A crop does not
look like its record as a whole, but the whole of it is there, in the record.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking.request import Pixels

Floats = NDArray[np.float32]

SIDE = 96
"""Of the longer side of an outline, in pixels."""
SAME_PART = 0.82
"""Least correlation at which a picture is a part of another: see the module's test."""
_SHARES = np.geomspace(0.3, 1.0, 40)
"""How much of the record's longer side a part may take; narrower ones are too small to tell."""
_LEAST = 14
"""Pixels of an outline that the shorter side of a part must take."""
_FLAT = 3.0
"""Standard deviation below which a part shows nothing, of 255 grey levels."""
_BAR = 4.0
"""The same of a row or column, at and below which it belongs to a bar: JPEG leaves some noise."""


def outline(pixels: Pixels) -> bytes:
    """Return the outline of a picture: its height and width, a byte each, then its grey."""
    grey = _grey(pixels)
    height, width = _fit(grey.shape, SIDE)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return bytes((height, width)) + small.astype(np.uint8).tobytes()


def is_part(pixels: Pixels, whole: bytes) -> bool:
    """Tell whether a picture is a part of the one an outline was taken of.

    All of it, or what is left without plain bars around it, as a screenshot has them.
    """
    if likeness(pixels, whole) >= SAME_PART:
        return True
    inside = _without_bars(pixels)
    return inside.shape != pixels.shape and likeness(inside, whole) >= SAME_PART


def likeness(pixels: Pixels, whole: bytes) -> float:
    """Return the best correlation, in [-1, 1], of a picture with any part of an outline."""
    if len(whole) < 2 or len(whole) != 2 + whole[0] * whole[1]:
        return -1.0
    record = _detail(np.frombuffer(whole, np.uint8, offset=2).reshape(whole[0], whole[1]))
    grey = _grey(pixels)
    best = -1.0
    for view in (grey, grey[:, ::-1]):
        for share in _SHARES:
            best = max(best, _match(record, view, share))
    return best


def _without_bars(pixels: Pixels) -> Pixels:
    """Return a picture without the rows and columns at its edges that are of one grey."""
    grey = _grey(pixels)
    down = np.flatnonzero(grey.std(axis=1) > _BAR)
    if down.size == 0:
        return pixels
    across = np.flatnonzero(grey[down[0] : down[-1] + 1].std(axis=0) > _BAR)
    if across.size == 0:
        return pixels
    return pixels[down[0] : down[-1] + 1, across[0] : across[-1] + 1]


def _match(record: Floats, view: NDArray[np.uint8], share: float) -> float:
    height, width = _fit(view.shape, round(share * max(record.shape)))
    if height > record.shape[0] or width > record.shape[1] or min(height, width) < _LEAST:
        return -1.0
    part = _detail(cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA))
    if part.std() < _FLAT:
        return -1.0
    return float(cv2.matchTemplate(record, part, cv2.TM_CCOEFF_NORMED).max())


def _grey(pixels: Pixels) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY))


def _fit(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """Return height and width with that longest side, one pixel at least."""
    scale = longest / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _detail(grey: NDArray[Any]) -> Floats:
    """Leave out the slow light of a backdrop, which looks alike everywhere."""
    plain = np.asarray(grey, np.float32)
    return np.asarray(plain - cv2.GaussianBlur(plain, (0, 0), 8.0), np.float32)
