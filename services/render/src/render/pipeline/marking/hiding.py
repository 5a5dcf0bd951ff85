"""How much change a picture hides, and where."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking.lattice import halved

Floats = NDArray[np.float32]

LEAST_PSNR_DB = 42.0
"""Of a marked picture to the plain one, always."""
LEAST_SSIM = 0.99
"""Of their lumas, always."""
_SPARE_DB = 3.0  # that large pictures can spare: 1 dB per doubling of the area
_CLOSE = 2e-5  # of SSIM, to which a strength is found
_SURE = 5e-4  # of SSIM, by which a quarter of the places never errs
_TURNS = 10
_COARSE = 2
_LUMINANCE = (0.01 * 255) ** 2  # the constants of SSIM
_CONTRAST = (0.03 * 255) ** 2
_LOUDEST = 4.0  # times _CONTRAST: beyond it texture hides no more
_FINE = 64  # pixels per tile at which texture is judged
_PATCH = 256
_STRIP = 64


@dataclass(frozen=True, slots=True)
class Goal:
    """What a marked picture keeps to: PSNR in dB, SSIM of the luma."""

    psnr_db: float
    ssim: float


def spare_db(luma: Floats) -> float:
    """Return the dB by which a picture larger than 512 by 512 pixels can do better than a goal."""
    return min(max(0.0, float(np.log2(luma.size / 512**2))), _SPARE_DB)


def tolerance(luma: Floats, tile: int) -> Floats:
    """Return weights of at least 1 with the shape of `luma`: how much change each place hides.

    Only fine texture hides marks: a slope of light on skin does not, nor does a smooth place
    beside an edge, though a window over both looks busy; so each place takes the calmest window
    around it.
    """
    height, width = luma.shape
    small = luma
    if tile > _FINE:
        size = (max(8, width * _FINE // tile), max(8, height * _FINE // tile))
        small = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)
    fine = small - cv2.GaussianBlur(small, (0, 0), 1.5)
    texture = cv2.blur(fine * fine, (7, 7))  # a running mean: it may round below 0
    calmest = cv2.blur(cv2.erode(texture, np.ones((5, 5), np.uint8)), (5, 5))
    weights = np.sqrt(1 + np.clip(calmest * np.float32(2 / _CONTRAST), 0, _LOUDEST - 1))
    large = cv2.resize(weights, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


class Judge:
    """Says how much of a change one picture bears; what it needs to know of it is measured once.

    Large pictures are judged by sixteen patches.

    Source: Wang et al. 2004, Image quality assessment: from error visibility to structural
    similarity; the window is nearly their Gaussian of deviation 1.5, at every other place.
    """

    def __init__(self, luma: Floats) -> None:
        self._luma = luma
        self._at = _patches(*luma.shape)
        self._means = [_mean(luma[at]) for at in self._at]
        squares = [_mean(np.square(luma[at])) for at in self._at]
        self._variances = [
            np.maximum(square - np.square(mean), 0)
            for mean, square in zip(self._means, squares, strict=True)
        ]

    def strength(self, change: Floats, goal: Goal) -> float:
        """Return the largest factor by which `change` may be added, both goals being met."""
        most = _most(goal)
        first = most / _size(change)
        moments, size = self._moments(change, first, _COARSE)
        return float(first * _largest(most / size, moments, goal.ssim))

    def keeps(self, change: Floats, goal: Goal) -> bool:
        """Tell whether a change in whole grey levels meets both goals."""
        if _size(change) > _most(goal):
            return False
        if _similarity(self._moments(change, 1.0, _COARSE)[0], 1.0) >= goal.ssim + _SURE:
            return True
        return _similarity(self._moments(change, 1.0, 1)[0], 1.0) >= goal.ssim

    def _moments(self, change: Floats, times: float, step: int) -> tuple["_Moments", float]:
        """Return the moments of so many times a change, and its size as the picture takes it.

        Args:
            step: 1 for every place, 2 for every other along both axes.
        """
        parts, squares, pixels = [], 0.0, 0
        for at, ours, variance in zip(self._at, self._means, self._variances, strict=True):
            luma = self._luma[at]
            added = change[at] * np.float32(times)
            added += luma
            np.clip(added, 0, 255, out=added)  # white and black take half
            added -= luma
            square = added * added
            squares, pixels = squares + float(square.sum()), pixels + square.size
            each = (ours, variance, *map(_mean, (added, square, luma * added)))
            parts.append(np.stack([one[::step, ::step].ravel() for one in each]))
        ours, variance, theirs, square, product = np.concatenate(parts, axis=1)
        square -= np.square(theirs)
        product -= ours * theirs
        moments = _Moments(ours, theirs, variance, np.maximum(square, 0), product)
        return moments, float(squares / pixels) ** 0.5 + 1e-9


@dataclass(frozen=True, slots=True)
class _Moments:
    """(n,) each: local means of picture and change, their variances, what they share."""

    ours: Floats
    theirs: Floats
    variance: Floats
    added: Floats
    shared: Floats


def _most(goal: Goal) -> float:
    return float(255 / 10 ** (goal.psnr_db / 20))


def _size(change: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(change)))) + 1e-9


def _largest(loudest: float, moments: _Moments, least: float) -> float:
    """Return the largest factor up to `loudest` with which SSIM is at least `least`.

    What SSIM lacks grows nearly with the square of the factor, so few tries are needed.
    """
    low, high, tried = 0.0, loudest, loudest
    for _ in range(_TURNS):
        found = _similarity(moments, tried)
        if found >= least:
            low = tried
            if tried == loudest or found < least + _CLOSE:
                break
        else:
            high = tried
        tried *= ((1 - least - _CLOSE / 2) / max(1 - found, 1e-9)) ** 0.5
        if not low < tried < high:
            tried = (low + high) / 2
    return low


def _patches(height: int, width: int) -> list[tuple[slice, slice]]:
    """Return the places that are judged: all, in strips that a cache holds, or sixteen squares."""
    if height * width <= 16 * _PATCH**2:
        cuts = np.linspace(0, height, max(2, height // _STRIP + 1)).astype(int) // 2 * 2
        return [(slice(top, bottom), slice(0, width)) for top, bottom in pairwise(cuts)]
    tops = np.linspace(0, max(0, height - _PATCH), 4).astype(int)
    lefts = np.linspace(0, max(0, width - _PATCH), 4).astype(int)
    return [(slice(y, y + _PATCH), slice(x, x + _PATCH)) for y in tops for x in lefts]


def _mean(values: Floats) -> Floats:
    """Return local means at every other place: two by two pixels, and their neighbourhood."""
    return np.asarray(cv2.GaussianBlur(halved(values), (7, 7), 2**-0.5), np.float32)


def _similarity(moments: _Moments, factor: float) -> float:
    """Return the mean SSIM between a picture and itself with `factor` times the change."""
    times = np.float32(factor)
    common = moments.shared * times
    common += moments.variance
    common *= 2
    common += np.float32(_CONTRAST)
    alike = common / (common + times * times * moments.added)
    marked = moments.theirs * times
    marked += moments.ours
    light = 2 * moments.ours * marked
    light += np.float32(_LUMINANCE)
    alike *= light
    alike /= np.square(moments.ours) + np.square(marked) + np.float32(_LUMINANCE)
    return float(alike.mean(dtype=np.float64))
