"""Marks of some faces painted onto others, so that a finder of marks sees many more of them.

A mark is kept as what it does to the skin under it: the ratio of its pixels to those the skin
around it would have there. Laid over another face it takes that face's light and colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from imaging.pictures import Rgb
from imaging.pipeline.frame import LEFT, SIDE, SPAN, TOP
from imaging.pipeline.spots import Spot

from training.pipeline.fidelity.finding import Shown

Pixels = npt.NDArray[np.float32]
_SCALE = SIDE / SPAN
"""Pixels of a cut-out to a face width."""
_PAINTED = 0.6
"""Share of faces that get marks of others."""
_MOST = 3
_FAINTEST = 0.88
"""Ratio above which what a record calls a mark is not seen, so not worth painting."""
_DARKEST = 25
"""Mean of 255 below which skin shows no mark."""
_WHOLE, _SMALLEST_PX = 0.8, 1.2
"""Of a mark that is cut out: how much of it is visible, and its radius."""
_EDGE = 8.0
"""Added to pixels before they are divided: ratios of the dark are noise."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A mark without its face: (n, n, 3) ratios, n odd; radius in pixels of a cut-out."""

    ratio: Pixels
    radius_px: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """A varied face, (128, 128, 3) float32 in 0 to 255, and its marks as `Shown` has them."""

    face: Pixels
    marks: tuple[Spot, ...]
    hinted: tuple[Spot, ...]


class Painter:
    """Makes lessons of faces; the same generator makes the same."""

    def __init__(self, shown: Sequence[Shown], chance: np.random.Generator) -> None:
        self._shown, self._chance = shown, chance
        self.patches = [patch for one in shown for patch in _patches(one)]

    def lesson(self, place: int) -> Lesson:
        """Return one of the faces, perhaps with more marks, turned, lit and blurred anew."""
        one = self._shown[place]
        face, marks = one.cut.astype(np.float32), list(one.marks)
        if self.patches and self._chance.random() < _PAINTED:
            skin = _skin(one.cut)
            for _ in range(self._chance.integers(1, _MOST + 1)):
                made = self._paint(face, skin, [*marks, *one.hinted])
                marks += [made] if made is not None else []
        return self._vary(face, marks, one.hinted)

    def _paint(self, face: Pixels, skin: Pixels, there: Sequence[Spot]) -> Spot | None:
        """Lay a mark over a face, in place; None where it fell on what is no lit, bare skin."""
        chance = self._chance
        patch = self.patches[chance.integers(len(self.patches))]
        scale = float(np.exp(chance.uniform(-0.45, 0.35)))
        ratio = _turned(patch.ratio, chance.uniform(0, 360), scale) ** chance.uniform(0.7, 1.3)
        reach, core = ratio.shape[0] // 2, max(1, int(patch.radius_px * scale))
        column, row = _nearest(*chance.uniform((-0.42, -0.42), (0.42, 0.75)))
        if min(column, row) < reach or max(column, row) + reach >= SIDE:
            return None
        under = face[row - core : row + core + 1, column - core : column + core + 1].reshape(-1, 3)
        x, y = (column + 0.5) / _SCALE + LEFT, (row + 0.5) / _SCALE + TOP
        made = Spot(x, y, patch.radius_px * scale / _SCALE, 1.0)
        apart = [np.hypot(x - one.x, y - one.y) - one.radius for one in there]
        if not _is_bare(under, skin) or any(gap < made.radius + 0.04 for gap in apart):
            return None
        face[row - reach : row + reach + 1, column - reach : column + reach + 1] *= ratio
        return made

    def _vary(self, face: Pixels, marks: Sequence[Spot], hinted: Sequence[Spot]) -> Lesson:
        """Turn, shift and mirror a face with its marks; change light, sharpness and noise."""
        chance, middle = self._chance, SIDE / 2 - 0.5
        scale = float(np.exp(chance.uniform(-0.12, 0.12)))
        turn = cv2.getRotationMatrix2D((middle, middle), chance.uniform(-10, 10), scale)
        matrix = np.asarray(turn, np.float64)
        matrix[:, 2] += chance.uniform(-6, 6, 2)
        if chance.random() < 0.5:
            matrix = matrix @ np.array([[-1, 0, SIDE - 1], [0, 1, 0], [0, 0, 1.0]])
        seen: npt.NDArray[Any] = cv2.warpAffine(
            np.clip(face, 0, 255), matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
        )
        if chance.random() < 0.4:
            seen = cv2.GaussianBlur(seen, (0, 0), chance.uniform(0.4, 1.3))
        gain = chance.uniform(0.75, 1.25) * chance.uniform(0.9, 1.1, 3)
        seen = 255 * np.clip(seen / 255 * gain, 0, 1) ** chance.uniform(0.8, 1.25)
        seen = np.clip(seen + chance.normal(0, chance.uniform(1, 7), seen.shape), 0, 255)
        if chance.random() < 0.3:
            seen = _saved(seen, int(chance.integers(50, 95)))
        there = [[_moved(spot, matrix, scale) for spot in some] for some in (marks, hinted)]
        return Lesson(np.asarray(seen, np.float32), tuple(there[0]), tuple(there[1]))


def _patches(one: Shown) -> list[Patch]:
    """Return the marks of a face that are whole and seen in it."""
    found = []
    for mark in one.marks:
        radius = mark.radius * _SCALE
        column, row = _nearest(mark.x, mark.y)
        reach = int(np.ceil(radius * 2.2 + 2))
        whole = min(column, row) >= reach and max(column, row) + reach < SIDE
        if not whole or mark.confidence < _WHOLE or radius < _SMALLEST_PX:
            continue
        hole = np.zeros((SIDE, SIDE), np.uint8)
        cv2.circle(hole, (column, row), round(1.5 * radius + 1), 255, -1)
        skin = cv2.inpaint(one.cut, hole, 3, cv2.INPAINT_TELEA)
        window = np.s_[row - reach : row + reach + 1, column - reach : column + reach + 1]
        ratio = (one.cut[window] + _EDGE) / (skin[window] + _EDGE)
        core = max(1, int(radius * 0.6))
        inner = ratio[reach - core : reach + core + 1, reach - core : reach + core + 1]
        if inner.mean() <= _FAINTEST:
            found.append(Patch(np.clip(ratio, 0.2, 1.6).astype(np.float32), radius))
    return found


def _pixel(x: float, y: float) -> tuple[float, float]:
    """Return face widths as pixels of a cut-out."""
    return (x - LEFT) * _SCALE - 0.5, (y - TOP) * _SCALE - 0.5


def _nearest(x: float, y: float) -> tuple[int, int]:
    """Return the pixel of a place, column and row."""
    column, row = _pixel(x, y)
    return round(column), round(row)


def _moved(spot: Spot, matrix: npt.NDArray[np.float64], scale: float) -> Spot:
    column, row = matrix @ np.array([*_pixel(spot.x, spot.y), 1.0])
    x, y = (column + 0.5) / _SCALE + LEFT, (row + 0.5) / _SCALE + TOP
    return Spot(float(x), float(y), spot.radius * scale, spot.confidence)


def _turned(ratio: Pixels, degrees: float, scale: float) -> Pixels:
    """Return a patch turned and scaled, with an odd side."""
    side = max(5, round(ratio.shape[0] * scale)) | 1
    middle = (ratio.shape[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, scale)
    matrix[:, 2] += (side - ratio.shape[0]) / 2
    how = cv2.INTER_LINEAR if scale > 0.8 else cv2.INTER_AREA
    turned = cv2.warpAffine(ratio, matrix, (side, side), flags=how, borderValue=(1, 1, 1))
    return np.asarray(turned, np.float32)


def _skin(cut: Rgb) -> Pixels:
    """Return the colour of a face below its eyes, (3,)."""
    (left, top), (right, bottom) = _pixel(-0.2, 0.1), _pixel(0.2, 0.3)
    middle = cut[int(top) : int(bottom), int(left) : int(right)].reshape(-1, 3)
    return np.asarray(np.median(middle, axis=0), np.float32)


def _is_bare(under: Pixels, skin: Pixels) -> bool:
    """Tell whether pixels, (N, 3), are lit, even and of the colour of skin."""
    mean = under.mean(0)
    tint = mean / max(1.0, mean.sum()) - skin / max(1.0, skin.sum())
    light = float(mean.mean())
    even = under.std(0).mean() <= 0.25 * light + 4
    return bool(light >= _DARKEST and even and np.abs(tint).max() <= 0.05)


def _saved(seen: npt.NDArray[Any], quality: int) -> Pixels:
    """Return a picture as a JPEG keeps it."""
    _, data = cv2.imencode(".jpg", seen.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.float32)
