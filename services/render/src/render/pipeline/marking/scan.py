"""How large the tiles are in a picture that stands upright: by the lines whose phase is known.

Crops, screenshots and copies of another size stand upright, so only the size of a tile is asked
for. The lines of known phase are summed for each size and each beginning of a tile. That hears
marks which are far too faint for the power on their lines to stand out (`search`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking import lattice
from render.pipeline.marking.lattice import Complexes, Floats, Heard
from render.pipeline.marking.sync import Sync

_STEP = 0.005  # of the logarithm of a tile's side: a quarter of a cycle at the picture's edge
_BAND = 1.35  # times a side over which one size of the picture will do
_SMALLEST = 14.0  # pixels of a tile, and
_LEAST, _MOST = 1 / 26, 1 / 1.5  # of the picture's short side
_PADDED = 3.0  # times the picture: what lies between two frequencies is hardly lost
_TRIED = 10  # sizes, the likeliest first
_APART = 2.2 * _STEP
_STRETCHES = np.arange(-0.005, 0.006, 0.001)  # of a side, to find it more closely
_BESIDE = (0.0, -0.003, 0.003)  # the same, of the sides that are tried
_LIKELY = 4  # sizes of which all of them are


def candidates(luma: Floats, sync: Sync) -> Iterator[Heard]:
    """Yield what is heard in upright tiles of the likeliest sizes, the likeliest first."""
    short = min(luma.shape)
    low, high = max(_SMALLEST, _LEAST * short), _MOST * short
    if low >= high:
        return
    found: list[tuple[float, float, _Spectrum]] = []
    edges = low * np.exp(np.linspace(0, np.log(high / low), _bands(low, high) + 1))
    for at, side in enumerate(edges[:-1]):
        sides = side * np.exp(np.arange(0, np.log(edges[at + 1] / side), _STEP))
        spectrum = _Spectrum.of(luma, float(np.sqrt(side * edges[at + 1])))
        scores = sync.best(spectrum.known(sync, sides))
        found += [(float(s), float(one), spectrum) for s, one in zip(scores, sides, strict=True)]
    refined = [(*_refined(sync, side, spectrum), spectrum) for side, spectrum in _apart(found)]
    for at, (_, side, spectrum) in enumerate(sorted(refined, key=lambda one: -one[0])):
        for stretch in _BESIDE if at < _LIKELY else _BESIDE[:1]:
            yield spectrum.heard(side * (1 + stretch))


def _bands(low: float, high: float) -> int:
    return max(1, int(np.ceil(np.log(high / low) / np.log(_BAND))))


def _apart(
    found: "list[tuple[float, float, _Spectrum]]",
) -> "Iterator[tuple[float, _Spectrum]]":
    """Yield the sides of the highest scores, no two of them neighbours."""
    taken: list[float] = []
    for _, side, spectrum in sorted(found, key=lambda one: -one[0]):
        if all(abs(np.log(side / other)) > _APART for other in taken):
            taken.append(side)
            yield side, spectrum
        if len(taken) == _TRIED:
            return


def _refined(sync: Sync, side: float, spectrum: "_Spectrum") -> tuple[float, float]:
    """Return the best score near a side with its side."""
    sides = side * (1 + _STRETCHES)
    scores = sync.best(spectrum.known(sync, sides))
    best = int(scores.argmax())
    return float(scores[best]), float(sides[best])


@dataclass(frozen=True, slots=True)
class _Spectrum:
    """The spectrum of a picture's residual about its middle, where phases change slowly.

    Attributes:
        values: (N + 2, N / 2 + 1, 2) real and imaginary parts; the first two rows come again.
        scale: of the picture it was taken of.
    """

    values: Floats
    scale: float

    @classmethod
    def of(cls, luma: Floats, side: float) -> "_Spectrum":
        """Take the spectrum at the size at which tiles of `side` pixels are folded, or less."""
        scale, small = min(1.0, lattice.SIDE / side), luma
        if scale < 1:
            size = tuple(max(1, round(length * scale)) for length in luma.shape[::-1])
            small = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)
        fine = lattice.residual(small, lattice.FINE / lattice.SIDE * side * scale)
        length = cv2.getOptimalDFTSize(int(_PADDED * max(fine.shape)))
        padded = np.zeros((length, length), np.float32)
        padded[: fine.shape[0], : fine.shape[1]] = fine
        middle = tuple(-(one // 2) for one in fine.shape)
        spectrum = np.fft.rfft2(np.roll(padded, middle, (0, 1))).astype(np.complex64)
        values = np.stack([spectrum.real, spectrum.imag], axis=-1)
        return cls(np.concatenate([values, values[:2]]), scale)

    def known(self, sync: Sync, sides: NDArray[np.float64]) -> Complexes:
        """Return (n, k) the known lines of tiles of (n,) sides, in pixels of the picture."""
        return self._at(sides, lattice.ACROSS[sync.which], lattice.DOWN[sync.which])

    def heard(self, side: float) -> Heard:
        """Return all lines of tiles of one side."""
        sides = np.array([side])
        (lines,) = self._at(sides, lattice.ACROSS, lattice.DOWN)
        around = [
            np.abs(self._at(sides, lattice.ACROSS + x, lattice.DOWN + y)[0]) ** 2
            for x, y in product((-0.5, 0.5), repeat=2)
        ]
        return Heard(lines, lattice.trust(np.abs(lines) ** 2, np.mean(around, axis=0)))

    def _at(
        self, sides: NDArray[np.float64], across: NDArray[Any], down: NDArray[Any]
    ) -> Complexes:
        length = len(self.values) - 2
        cycles = length / (sides * self.scale)
        x, y = np.outer(cycles, across), np.outer(cycles, down)
        back = x < 0
        x, y = np.where(back, -x, x), np.where(back, -y, y) % length
        parts = cv2.remap(self.values, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
        heard = parts[..., 0] + 1j * parts[..., 1]
        return np.asarray(np.where(back, np.conj(heard), heard), np.complex64)
