"""A pattern of equal tiles, found again after resizing, cropping, rotating and mirroring.

The spectrum of a tiled pattern stands on a lattice of lines. Scale and rotation are where that
lattice lies in the spectrum; folding all tiles onto one then gathers each line's phase from the
whole picture, and shifts and mirrorings are tried on the single tile.

Source: Kutter 1998, Watermarking resisting to translation, rotation and scaling.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]
Matrix = NDArray[np.float64]
Values = TypeVar("Values", Floats, Complexes)

SIDE = 48  # pixels of a tile when it is folded
INNER, OUTER = 3.5, 11.4  # cycles per tile: below marks would show, above JPEG takes them
FINE = SIDE / 64  # pixels of a folded tile: what is coarser is left out
_SHARP = 0.6  # scale from which nothing is smoothed before a picture is laid out
_SMOOTHED = 0.4  # pixels of what is laid out: deviation of the blur before
_WORK = 1024**2  # pixels of the picture in which the lattice is looked for
_LONGEST = 2048
_CALM = 3.0  # grey levels of what is fine: a place as loud as this counts half
_LOUDEST = 1.5  # times the median
_RINGS = 6


def _lines() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the whole cycles per tile, across and down, of every line in half the plane."""
    down, across = np.mgrid[-SIDE // 2 + 1 : SIDE // 2, -SIDE // 2 + 1 : SIDE // 2]
    radius = np.hypot(across, down)
    half = (down > 0) | ((down == 0) & (across > 0))
    keep = (radius >= INNER) & (radius < OUTER) & half
    return across[keep], down[keep]


ACROSS, DOWN = _lines()
RADIUS: Floats = np.hypot(ACROSS, DOWN).astype(np.float32)
COUNT = ACROSS.size


@dataclass(frozen=True, slots=True)
class Heard:
    """All tiles of a picture in sum.

    Attributes:
        lines: (COUNT,) complex64, wherever the tiles begin.
        weights: (COUNT,) float32 in (0, 1], how far each line can be trusted.
    """

    lines: Complexes
    weights: Floats


@dataclass(frozen=True, slots=True)
class Folded:
    """All tiles of a picture laid onto one.

    Attributes:
        spectrum: (SIDE, SIDE) complex64.
        weights: (COUNT,) float32 in (0, 1], how far each line can be trusted.
    """

    spectrum: Complexes
    weights: Floats

    def heard(self) -> Heard:
        """Return the lines as they stand."""
        return Heard(self.spectrum[DOWN, ACROSS], self.weights)

    def turned(self) -> Iterator[Heard]:
        """Yield the lines as they stand, of the tile by quarter turns, and the same mirrored."""
        back = -np.arange(SIDE) % SIDE
        for start in (self.spectrum, self.spectrum[:, back]):
            now = start
            for _ in range(4):
                yield Heard(now[DOWN, ACROSS], self.weights)
                now = now.T[:, back]


def tiles(lines: Complexes, side: int) -> Floats:
    """Return (n, side, side) tiles that have these (n, COUNT) lines, in proportion to them."""
    spectrum = np.zeros((len(lines), side, side // 2 + 1), np.complex64)
    away = ACROSS < 0  # the other half of the plane holds the same, conjugated
    spectrum[:, DOWN[~away], ACROSS[~away]] = lines[:, ~away]
    spectrum[:, -DOWN[away] % side, -ACROSS[away]] = np.conj(lines[:, away])
    flat = ACROSS == 0
    spectrum[:, -DOWN[flat] % side, 0] = np.conj(lines[:, flat])
    return np.asarray(np.fft.irfft2(spectrum, (side, side)) * side, np.float32)


def lines_of_tiles(luma: Floats, side: int) -> Complexes:
    """Return (down, across, COUNT) each tile's lines as `fold` hears them in sum.

    Args:
        luma: (H, W) a picture where its tiles, of `side` pixels, were put.
    """
    small, scale = work(luma)
    fine = lay(small, upright(side * scale), (scale - 1) / 2)  # pixels' centres are half-way
    down, across = (length // SIDE for length in fine.shape)
    each = fine.reshape(down, SIDE, across, SIDE).swapaxes(1, 2)
    away = ACROSS < 0
    spectrum = np.fft.rfft2(each)
    heard = spectrum[..., np.where(away, -DOWN, DOWN) % SIDE, np.abs(ACROSS)]
    return np.asarray(np.where(away, np.conj(heard), heard), np.complex64)


def work(luma: Floats) -> tuple[Floats, float]:
    """Return the picture at the size in which it is searched, and its scale."""
    height, width = luma.shape
    scale = float(min(1.0, np.sqrt(_WORK / (height * width)), _LONGEST / max(height, width)))
    if scale == 1.0:
        return luma, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.float32), scale


def residual(luma: Floats, deviation: float) -> Floats:
    """Return what is fine in the picture, by how far a mark can be heard in each place.

    Where the picture is loud a mark is drowned, and what is heard there counts less: by its noise,
    and once more, since marks are fainter there for the noise they stand in.
    """
    fine, loud = _fine(luma, deviation)
    fine /= loud
    np.clip(fine, -2, 2, out=fine)
    loud += np.float32(_CALM)
    fine /= loud
    return fine


def loudness(luma: Floats) -> Floats:
    """Return how loud what is fine is in each place, in a picture with `SIDE` pixels a tile."""
    return _fine(luma, FINE)[1]


def _fine(luma: Floats, deviation: float) -> tuple[Floats, Floats]:
    fine = np.asarray(luma - cv2.GaussianBlur(luma, (0, 0), deviation), np.float32)
    loud = np.asarray(cv2.GaussianBlur(fine * fine, (0, 0), 1.6 * deviation), np.float32)
    np.maximum(loud, 0, out=loud)
    np.sqrt(loud, out=loud)
    loud += np.float32(0.1)
    return fine, loud


def fold(luma: Floats, cycles: Matrix, origin: float = 0.0) -> Folded:
    """Lay all tiles onto one; the arguments are those of `lay`."""
    return _spectrum_of_one(lay(luma, cycles, origin))


def lay(luma: Floats, cycles: Matrix, origin: float = 0.0) -> Floats:
    """Return (down * SIDE, across * SIDE) the residual of a picture that was turned and scaled so
    that its tiles are upright and `SIDE` pixels wide; 0 where there is no picture.

    Args:
        luma: (H, W) float32.
        cycles: (2, 2) the lattice: cycles per pixel, x and y, of one cycle across and down.
        origin: where a tile begins, in pixels along both axes.
    """
    height, width = luma.shape
    grid = SIDE * cycles.T  # from pixels to places in tiles
    corners = grid @ (np.array([[0, width, 0, width], [0, 0, height, height]]) - origin)
    first = np.floor(corners.min(axis=1) / SIDE) * SIDE
    size = (np.ceil(corners.max(axis=1) / SIDE) * SIDE - first).astype(int)
    shape = (int(size[0]), int(size[1]))
    sharp, grid, origin = _smoothed(luma, grid, origin)
    matrix = np.hstack([grid, (-first - grid.sum(axis=1) * origin)[:, None]])
    flat = cv2.warpAffine(
        sharp, matrix, shape, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    ones = np.ones_like(sharp)
    inside = cv2.warpAffine(ones, matrix, shape, flags=cv2.INTER_LINEAR)
    fine = residual(np.asarray(flat, np.float32), FINE)
    fine *= np.asarray(inside, np.float32)
    return fine


def _smoothed(luma: Floats, grid: Matrix, origin: float) -> tuple[Floats, Matrix, float]:
    """Return the picture without what would alias, and where its tiles lie in it.

    One much too large is halved first: the rest of the blur then costs a quarter.
    """
    scale = float(np.sqrt(abs(np.linalg.det(grid))))
    if scale >= _SHARP:
        return luma, grid, origin
    deviation = _SMOOTHED / scale
    if scale >= 0.5 or min(luma.shape) < 2 * SIDE:
        return np.asarray(cv2.GaussianBlur(luma, (0, 0), deviation), np.float32), grid, origin
    rest = float(np.sqrt(deviation**2 - 0.25)) / 2  # two pixels' mean has a variance of a quarter
    half = cv2.GaussianBlur(halved(luma), (0, 0), rest)
    return np.asarray(half, np.float32), 2 * grid, (origin - 0.5) / 2


def halved(values: Floats) -> Floats:
    """Return the means of two by two pixels; an odd last row or column is left out."""
    height, width = (length // 2 for length in values.shape)
    even = values[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _spectrum_of_one(fine: Floats) -> Folded:
    """Sum the tiles; the noise is what stands half-way between the lines."""
    down, across = (length // SIDE for length in fine.shape)
    flips = np.float32(-1) ** np.arange(max(down, across), dtype=np.float32)
    rows = np.stack([np.ones(down, np.float32), flips[:down]]) @ fine.reshape(down, -1)
    equal, turning = rows.reshape(2, SIDE, across, SIDE)
    energy = np.float32(np.linalg.norm(fine.ravel()) + 1e-6)
    spectrum = np.fft.fft2(equal.sum(axis=1) / energy).astype(np.complex64)
    between = flips[:across] @ turning
    turn = np.exp(-1j * np.pi * np.arange(SIDE) / SIDE).astype(np.complex64)
    noise = np.abs(np.fft.fft2(between / energy * turn[:, None] * turn)) ** 2
    around = [noise[DOWN - y, ACROSS - x] for y in (0, 1) for x in (0, 1)]
    return Folded(spectrum, trust(np.abs(spectrum[DOWN, ACROSS]) ** 2, np.mean(around, axis=0)))


def trust(power: Floats, noise: Floats) -> Floats:
    """Return each line's weight, its amplitude over its noise, by rings of frequencies."""
    ring = np.minimum((RADIUS - INNER) / (OUTER - INNER) * _RINGS, _RINGS - 1).astype(np.intp)
    counts = np.bincount(ring, minlength=_RINGS)
    heard = np.bincount(ring, power, _RINGS) / counts
    floor = np.bincount(ring, noise, _RINGS) / counts + 1e-9
    kernel = np.array([1, 1, 1]) / 3
    signal = np.maximum(heard - floor, 0.05 * floor)
    smooth = [np.convolve(np.pad(values, 1, "edge"), kernel, "valid") for values in (signal, floor)]
    weights = (np.sqrt(smooth[0]) / smooth[1])[ring]
    return np.asarray(weights / weights.max(), np.float32)


def levelled(values: Values) -> Values:
    """Return what was heard so that no value along the last axis is far louder than most: a
    picture's own loud lines would outvote all others."""
    loud = np.abs(values)
    most = _LOUDEST * np.median(loud, axis=-1, keepdims=True)
    levels = np.minimum(1, most / (loud + 1e-12)).astype(np.float32)
    return values * levels


def upright(side: float) -> Matrix:
    """Return the lattice of tiles of `side` pixels that are not rotated."""
    return np.eye(2) / side
