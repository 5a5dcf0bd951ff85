"""Where a lattice of tiles may lie in a picture that was turned: by the power on its lines.

The power stands on the lattice wherever tiles begin, so scale and rotation are looked for together
and without the phases; `scan` hears fainter marks, in pictures that stand upright.

Source: Reddy and Chatterji 1996, An FFT-based technique for translation, rotation and
scale-invariant image registration.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking import lattice

_STEP = 0.004  # of the logarithm of scale, and radians
_LOUDEST = 8.0  # times the background: a louder line is the picture's own
_SHARES = (1 / 32, 1 / 13, 1 / 6.5, 1 / 1.5)  # of the picture: small, middle, large tiles
_EACH = 5  # candidates of each size
_SMALLEST = 16.0  # pixels of a tile


class Search:
    """The lattices that may lie in a picture, the likeliest first."""

    def __init__(self, luma: lattice.Floats) -> None:
        height, width = luma.shape
        self._side = float(np.sqrt(height * width))
        self._length = _fast(1.3 * max(height, width))
        self._power = self._whitened(lattice.residual(luma, max(2.5, self._side / 128)))

    def candidates(self) -> Iterator[lattice.Matrix]:
        """Yield (2, 2) lattices for `fold`."""
        found = []
        smallest, *limits = (max(share * self._side, _SMALLEST) for share in _SHARES)
        scores, start = self._scores(smallest, limits[-1])
        sides = lattice.INNER / (start * np.exp(np.arange(len(scores)) * _STEP))
        for low, high in zip((smallest, *limits[:-1]), limits, strict=True):
            rows = np.flatnonzero((sides >= low) & (sides < high))
            found += _peaks(scores[rows], sides[rows]) if rows.size else []
        for _, side, angle in sorted(found, reverse=True):
            yield self._refined(side, angle)

    def _whitened(self, fine: lattice.Floats) -> lattice.Floats:
        """Return (N, N / 2 + 1) power over its neighbourhood; row N / 2 is frequency 0."""
        length = self._length
        ramps = [np.minimum(np.arange(n) + 1, n - np.arange(n)) / (0.08 * n) for n in fine.shape]
        window = np.minimum(ramps[0], 1)[:, None] * np.minimum(ramps[1], 1)
        spectrum = np.fft.rfft2(fine * window.astype(np.float32), (length, length))
        power = np.fft.fftshift(spectrum.real**2 + spectrum.imag**2, axes=0).astype(np.float32)
        around = max(9, length // 24 | 1)
        background = np.exp(cv2.blur(np.log(power + 1e-9), (around, around)) + 0.58)
        return np.asarray(np.minimum(power / background, _LOUDEST), np.float32)

    def _scores(self, smallest: float, largest: float) -> tuple[lattice.Floats, float]:
        """Correlate the spectrum with the lattice over logarithm of scale and angle.

        Returns:
            (scales, angles) scores in deviations of their row, angles over a quarter turn, and
            the frequency of the innermost line at scale 0, in cycles per pixel.
        """
        start = lattice.INNER / largest
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

    def _refined(self, side: float, angle: float) -> lattice.Matrix:
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

    def _gathered(self, lattices: lattice.Matrix) -> lattice.Floats:
        """Return (n,) the power on the lines of (n, 2, 2) lattices."""
        at = lattices @ np.stack([lattice.ACROSS, lattice.DOWN]) * self._length
        at *= np.where(at[:, :1] < 0, -1, 1)
        x, y = at[:, 0].astype(np.float32), (at[:, 1] + self._length // 2).astype(np.float32)
        power = cv2.remap(self._power, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(power.sum(axis=1), np.float32)


_WAYS = [np.array(way, np.float64).reshape(2, 2) for way in ([1, 0, 0, 1], [0, -1, 1, 0])]
_WAYS += [np.array(way, np.float64).reshape(2, 2) for way in ([1, 0, 0, -1], [0, 1, 1, 0])]


def _peaks(scores: lattice.Floats, sides: NDArray[np.float64]) -> list[tuple[float, float, float]]:
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


def _template(rows: int, columns: int) -> lattice.Floats:
    """Draw the lattice's lines over logarithm of radius and angle, each a small spot."""
    drawn = np.zeros((rows + 2, columns + 1), np.float32)
    across, down = (
        np.concatenate([lattice.ACROSS, -lattice.DOWN]),
        np.concatenate([lattice.DOWN, lattice.ACROSS]),
    )
    angle = np.arctan2(down, across) % np.pi
    first = angle < np.pi / 2
    row = np.log(np.tile(lattice.RADIUS, 2)[first] / lattice.INNER) / _STEP
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
