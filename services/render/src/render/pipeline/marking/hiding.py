"""How much change a picture hides, and where."""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PSNR_DB = 42.6  # of 512x512 and less; rounding to whole grey levels takes a tenth of it
_MORE_DB = 3.0  # that large pictures can spare: 1 dB per doubling of the area
SSIM = 0.9925  # and a thousandth of this
_FAINTEST = 1.25  # grey levels that a picture gets which is dark all over:
_DARK = 32.0  # there SSIM weighs a grey level more than an eye does
_LUMINANCE = (0.01 * 255) ** 2  # the constants of SSIM
_CONTRAST = (0.03 * 255) ** 2
_LOUDEST = 4.0  # times _CONTRAST: beyond it texture hides no more
_FINE = 96  # pixels per tile at which texture is judged
_PATCH = 256


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
        small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = small - cv2.GaussianBlur(small, (0, 0), 1.5)
    texture = cv2.blur(fine * fine, (7, 7))  # a running mean: it may round below 0
    calmest = cv2.blur(cv2.erode(texture, np.ones((5, 5), np.uint8)), (5, 5))
    weights = np.sqrt(1 + np.clip(2 * calmest / _CONTRAST, 0, _LOUDEST - 1))
    large = cv2.resize(weights, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


def strength(
    luma: Floats, change: Floats, louder_db: float = 0.0, least_ssim: float = SSIM
) -> float:
    """Return the factor by which `change` may be added: PSNR and SSIM then meet their goals.

    PSNR may miss its goal by `louder_db`; SSIM keeps to `least_ssim`. Large pictures are judged by
    sixteen patches.

    Source: Wang et al. 2004, Image quality assessment: from error visibility to structural
    similarity; 11x11 Gaussian window of deviation 1.5.
    """
    spare = min(max(0.0, float(np.log2(luma.size / 512**2))), _MORE_DB)
    goal = 255 / 10 ** ((PSNR_DB + spare - louder_db) / 20)
    first = goal / _size(change)
    left = (np.clip(luma + first * change, 0, 255) - luma) / first  # white and black take half
    size = _size(left)
    loudest = goal / size
    parts = [_moments(luma[at], left[at]) for at in _patches(*luma.shape)]
    moments = np.concatenate(parts, axis=1)
    found = _largest(loudest, moments, least_ssim, light=True)
    if found < _FAINTEST / size and np.percentile(luma[::8, ::8], 95) < _DARK:
        found = min(_FAINTEST / size, _largest(loudest, moments, least_ssim, light=False))
    return found


def _size(change: Floats) -> float:
    return float(np.sqrt(np.mean(change * change))) + 1e-9


def _largest(loudest: float, moments: Floats, least: float, *, light: bool) -> float:
    """Return the largest factor up to `loudest` with which SSIM is at least `least`."""
    if _similarity(moments, loudest, light) >= least:
        return loudest
    low, high = 0.0, loudest
    for _ in range(12):
        middle = (low + high) / 2
        enough = _similarity(moments, middle, light) >= least
        low, high = (middle, high) if enough else (low, middle)
    return low


def _patches(height: int, width: int) -> list[tuple[slice, slice]]:
    if height * width <= 16 * _PATCH**2:
        return [(slice(0, height), slice(0, width))]
    tops = np.linspace(0, max(0, height - _PATCH), 4).astype(int)
    lefts = np.linspace(0, max(0, width - _PATCH), 4).astype(int)
    return [(slice(y, y + _PATCH), slice(x, x + _PATCH)) for y in tops for x in lefts]


def _moments(luma: Floats, change: Floats) -> Floats:
    """Return (5, n) local mean and variance of both and their covariance, every other place."""

    def mean(values: Floats) -> Floats:
        blurred = cv2.GaussianBlur(values, (11, 11), 1.5)
        return np.asarray(blurred[::2, ::2], np.float32).ravel()

    ours, theirs = mean(luma), mean(change)
    return np.stack(
        [
            ours,
            theirs,
            np.maximum(mean(luma * luma) - ours * ours, 0),
            np.maximum(mean(change * change) - theirs * theirs, 0),
            mean(luma * change) - ours * theirs,
        ]
    )


def _similarity(moments: Floats, factor: float, light: bool) -> float:
    """Return the mean SSIM between a picture and itself with `factor` times the change."""
    ours, theirs, variance, added, shared = moments
    common = 2 * (variance + factor * shared) + _CONTRAST
    alike = common / (common + factor * factor * added)
    if light:
        marked = ours + factor * theirs
        alike *= (2 * ours * marked + _LUMINANCE) / (ours * ours + marked * marked + _LUMINANCE)
    return float(np.mean(alike))
