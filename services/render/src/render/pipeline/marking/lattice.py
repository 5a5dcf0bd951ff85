"""A pattern of equal tiles, found again after resizing, cropping, rotating and mirroring.

The spectrum of a tiled pattern stands on a lattice of lines. Scale and rotation are where that
lattice lies in the spectrum; folding all tiles onto one then gathers each line's phase from the
whole picture, and shifts and mirrorings are tried on the single tile.

Source: Kutter 1998, Watermarking resisting to translation, rotation and scaling; Reddy and
Chatterji 1996, An FFT-based technique for translation, rotation and scale-invariant image
registration.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]
Matrix = NDArray[np.float64]

SIDE = 48  # pixels of a tile when it is folded
INNER, OUTER = 3.5, 11.0  # cycles per tile: below marks would show, above JPEG takes them
_FINE = SIDE / 64  # pixels of a folded tile: what is coarser is left out
_SHARP = 0.6  # scale from which nothing is smoothed before a picture is laid out
_SMOOTHED = 0.4  # pixels of what is laid out: deviation of the blur before
_WORK = 1024**2  # pixels of the picture in which the lattice is looked for
_LONGEST = 2048
_STEP = 0.004  # of the logarithm of scale, and radians
_LOUDEST = 8.0  # times the background: a louder line is the picture's own
_RINGS = 6
_SHARES = (1 / 32, 1 / 13, 1 / 6.5, 1 / 1.5)  # of the picture: small, middle, large tiles
_EACH = 5  # candidates of each size
_SMALLEST = 16.0  # pixels of a tile


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
class Folded:
    """All tiles of a picture laid onto one.

    Attributes:
        spectrum: (SIDE, SIDE) complex64, in units of the residual's energy.
        weights: (COUNT,) float32 in (0, 1], how far each line can be trusted.
    """

    spectrum: Complexes
    weights: Floats

    def lines(self) -> Complexes:
        """Return (COUNT,) the lines as they stand."""
        return self.spectrum[DOWN, ACROSS]


def tile(lines: Complexes, side: int, passed: Floats | float = 1.0) -> Floats:
    """Return (side, side) one tile, of deviation 1, that has these (COUNT,) lines.

    Args:
        passed: (COUNT,) what is left of each line when a picture is laid out, as `passed` says.
    """
    spectrum = np.zeros((side, side), np.complex64)
    left = lines * passed
    spectrum[DOWN % side, ACROSS % side] = left
    spectrum[-DOWN % side, -ACROSS % side] = np.conj(left)
    deviation = np.sqrt(2) * np.linalg.norm(lines) / side**2
    return np.asarray(np.fft.ifft2(spectrum).real / deviation, np.float32)


def passed(side: float) -> Floats:
    """Return (COUNT,) what is left of lines when tiles of `side` pixels are laid out."""
    blurred = _SMOOTHED * RADIUS / SIDE if SIDE / side < _SHARP else np.zeros_like(RADIUS)
    return np.asarray(np.exp(-2 * (np.pi * blurred) ** 2), np.float32)


def work(luma: Floats) -> tuple[Floats, float]:
    """Return the picture at the size in which it is searched, and its scale."""
    height, width = luma.shape
    scale = scale_of(luma)
    if scale == 1.0:
        return luma, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.float32), scale


def scale_of(luma: Floats) -> float:
    """Return the scale of the size in which a picture is searched."""
    height, width = luma.shape
    return float(min(1.0, np.sqrt(_WORK / (height * width)), _LONGEST / max(height, width)))


def residual(luma: Floats, deviation: float) -> Floats:
    """Return what is fine in the picture, as loud in calm places as in busy ones."""
    fine, loud = _fine(luma, deviation)
    fine /= loud
    return np.asarray(np.clip(fine, -2, 2, out=fine), np.float32)


def loudness(luma: Floats) -> Floats:
    """Return how loud what is fine is in each place, in a picture with `SIDE` pixels a tile."""
    return _fine(luma, _FINE)[1]


def _fine(luma: Floats, deviation: float) -> tuple[Floats, Floats]:
    fine = np.asarray(luma - cv2.GaussianBlur(luma, (0, 0), deviation), np.float32)
    loud = np.asarray(cv2.GaussianBlur(fine * fine, (0, 0), 1.6 * deviation), np.float32)
    np.maximum(loud, 0, out=loud)
    np.sqrt(loud, out=loud)
    loud += np.float32(0.1)
    return fine, loud


def fold(luma: Floats, cycles: Matrix, origin: float = 0.0) -> Folded:
    """Lay all tiles onto one; the arguments are those of `lay`."""
    laid = lay(luma, cycles, origin)
    return fold_laid(laid.flat, laid.inside)


@dataclass(frozen=True, slots=True)
class Laid:
    """A picture turned and scaled so that its tiles are upright and `SIDE` pixels wide.

    Attributes:
        flat: (down * SIDE, across * SIDE) float32.
        inside: the same shape, 1 where there is picture and 0 where there is none.
    """

    flat: Floats
    inside: Floats


def lay(luma: Floats, cycles: Matrix, origin: float = 0.0) -> Laid:
    """Lay the tiles out; what is done is linear in `luma`.

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
    return Laid(np.asarray(flat, np.float32), np.asarray(inside, np.float32))


def fold_laid(flat: Floats, inside: Floats) -> Folded:
    """Sum the tiles of a picture whose tiles were laid out."""
    fine = residual(flat, _FINE)
    fine *= inside
    return _spectrum_of_one(fine)


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
    return Folded(spectrum, _trust(np.abs(spectrum[DOWN, ACROSS]) ** 2, np.mean(around, axis=0)))


def _trust(power: Floats, noise: Floats) -> Floats:
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


def turned(spectrum: Complexes) -> Iterator[Complexes]:
    """Yield the tile as it stands, by quarter turns, and the same mirrored."""
    back = -np.arange(SIDE) % SIDE
    for start in (spectrum, spectrum[:, back]):
        now = start
        for _ in range(4):
            yield now
            now = now.T[:, back]


def upright(side: float) -> Matrix:
    """Return the lattice of tiles of `side` pixels that are not rotated."""
    return np.eye(2) / side


class Search:
    """The lattices that may lie in a picture, the likeliest first."""

    def __init__(self, luma: Floats) -> None:
        height, width = luma.shape
        self._side = float(np.sqrt(height * width))
        self._length = _fast(1.3 * max(height, width))
        self._power = self._whitened(residual(luma, max(2.5, self._side / 128)))

    def candidates(self) -> Iterator[Matrix]:
        """Yield (2, 2) lattices for `fold`."""
        found = []
        smallest, *limits = (max(share * self._side, _SMALLEST) for share in _SHARES)
        scores, start = self._scores(smallest, limits[-1])
        sides = INNER / (start * np.exp(np.arange(len(scores)) * _STEP))
        for low, high in zip((smallest, *limits[:-1]), limits, strict=True):
            rows = np.flatnonzero((sides >= low) & (sides < high))
            found += _peaks(scores[rows], sides[rows]) if rows.size else []
        for _, side, angle in sorted(found, reverse=True):
            yield self._refined(side, angle)

    def _whitened(self, fine: Floats) -> Floats:
        """Return (N, N / 2 + 1) power over its neighbourhood; row N / 2 is frequency 0."""
        length = self._length
        ramps = [np.minimum(np.arange(n) + 1, n - np.arange(n)) / (0.08 * n) for n in fine.shape]
        window = np.minimum(ramps[0], 1)[:, None] * np.minimum(ramps[1], 1)
        spectrum = np.fft.rfft2(fine * window.astype(np.float32), (length, length))
        power = np.fft.fftshift(spectrum.real**2 + spectrum.imag**2, axes=0).astype(np.float32)
        around = max(9, length // 24 | 1)
        background = np.exp(cv2.blur(np.log(power + 1e-9), (around, around)) + 0.58)
        return np.asarray(np.minimum(power / background, _LOUDEST), np.float32)

    def _scores(self, smallest: float, largest: float) -> tuple[Floats, float]:
        """Correlate the spectrum with the lattice over logarithm of scale and angle.

        Returns:
            (scales, angles) scores in deviations of their row, angles over a quarter turn, and
            the frequency of the innermost line at scale 0, in cycles per pixel.
        """
        start = INNER / largest
        rows = int(np.log(0.5 / start) / _STEP)
        columns = round(np.pi / 2 / _STEP)
        radius = start * np.exp(np.arange(rows) * _STEP)[:, None] * self._length
        angle = np.arange(columns) * (np.pi / 2 / columns)
        x = (radius * np.cos(angle)).astype(np.float32)
        y = (radius * np.sin(angle)).astype(np.float32)
        middle = self._length // 2
        here = cv2.remap(self._power, x, y + middle, cv2.INTER_LINEAR)
        back = cv2.remap(self._power, y, middle - x, cv2.INTER_LINEAR)  # by a quarter turn
        both = np.asarray(here + back, np.float32)
        spectrum = np.fft.rfft2(both - cv2.blur(both, (31, 31)), (2 * rows, columns))
        spectrum *= np.conj(np.fft.rfft2(_template(rows, columns), (2 * rows, columns)))
        scores = np.fft.irfft2(spectrum, (2 * rows, columns))
        scores = scores[: int(np.log(largest / smallest) / _STEP)]
        scores /= np.sqrt(np.mean(scores**2, axis=1, keepdims=True)) + 1e-9
        return scores.astype(np.float32), start

    def _refined(self, side: float, angle: float) -> Matrix:
        """Climb to the lattice nearby that gathers most power, stretched and sheared a little."""
        cosine, sine = np.cos(angle), np.sin(angle)
        best = np.array([[cosine, -sine], [sine, cosine]]) / side
        top = self._gathered(best[None])[0]
        for step in (0.003, 0.0015, 0.0008, 0.0004):
            for way in 2 * _WAYS:
                tried = np.stack([best + times * step * way @ best for times in (-2, -1, 1, 2)])
                gathered = self._gathered(tried)
                if gathered.max() > top:
                    top, best = gathered.max(), tried[gathered.argmax()]
        return best

    def _gathered(self, lattices: Matrix) -> Floats:
        """Return (n,) the power on the lines of (n, 2, 2) lattices."""
        at = lattices @ np.stack([ACROSS, DOWN]) * self._length
        at *= np.where(at[:, :1] < 0, -1, 1)
        x, y = at[:, 0].astype(np.float32), (at[:, 1] + self._length // 2).astype(np.float32)
        power = cv2.remap(self._power, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(power.sum(axis=1), np.float32)


_WAYS = [np.array(way, np.float64).reshape(2, 2) for way in ([1, 0, 0, 1], [0, -1, 1, 0])]
_WAYS += [np.array(way, np.float64).reshape(2, 2) for way in ([1, 0, 0, -1], [0, 1, 1, 0])]


def _peaks(scores: Floats, sides: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    """Return the highest scores with their tile's side and angle, no two close together."""
    left = scores.copy()
    columns = left.shape[1]
    found = []
    for _ in range(_EACH):
        row, column = (int(n) for n in np.unravel_index(left.argmax(), left.shape))
        found.append((float(left[row, column]), float(sides[row]), column * np.pi / 2 / columns))
        near = np.arange(column - 6, column + 7) % columns
        left[max(0, row - 6) : row + 7, near] = -np.inf
    return found


def _template(rows: int, columns: int) -> Floats:
    """Draw the lattice's lines over logarithm of radius and angle, each a small spot."""
    drawn = np.zeros((rows + 2, columns + 1), np.float32)
    across, down = np.concatenate([ACROSS, -DOWN]), np.concatenate([DOWN, ACROSS])
    angle = np.arctan2(down, across) % np.pi
    first = angle < np.pi / 2
    row = np.log(np.tile(RADIUS, 2)[first] / INNER) / _STEP
    column = angle[first] / (np.pi / 2) * columns
    top, left = row.astype(np.intp), column.astype(np.intp)
    for y in (0, 1):
        for x in (0, 1):
            share = (1 - np.abs(row - top - y)) * (1 - np.abs(column - left - x))
            np.add.at(drawn, (top + y, left + x), share)
    drawn[:, 0] += drawn[:, columns]
    wrapped = cv2.copyMakeBorder(drawn[:rows, :columns], 4, 4, 4, 4, cv2.BORDER_WRAP)
    return np.asarray(cv2.GaussianBlur(wrapped, (0, 0), 1.0)[4:-4, 4:-4], np.float32)


def _fast(at_least: float) -> int:
    """Return the smallest 2^n or 3 * 2^n that is large enough for a fast transform."""
    lengths = [times << power for times in (2, 3) for power in range(4, 13)]
    return min(length for length in lengths if length >= at_least)
