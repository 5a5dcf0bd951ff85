"""Lines of known phase, by which is found where tiles begin."""

import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking import lattice
from render.pipeline.marking.lattice import Complexes, Floats

PLACES = 2 * lattice.SIDE
"""Beginnings that are tried along each axis of a tile."""


class Sync:
    """Which lines have a phase that is known, and what their phases are."""

    def __init__(self, which: NDArray[np.intp], unturn: Complexes) -> None:
        """Take (k,) the lines by number and (COUNT,) what turns the phases of all back."""
        self.which, self._unturn = which, unturn[which]
        self._at = lattice.ACROSS[which] % PLACES, lattice.DOWN[which]
        self._twice = np.where(lattice.DOWN[which] == 0, 2, 1).astype(np.float32)

    def match(self, heard: Complexes) -> Floats:
        """Tell how well lines agree for every beginning of a tile.

        Args:
            heard: (..., k) the known lines as they were heard.

        Returns:
            (..., PLACES, PLACES) deviations of chance, by places across and down.
        """
        lines = lattice.levelled(np.asarray(heard * self._unturn, np.complex64))
        known = np.zeros((*heard.shape[:-1], PLACES, lattice.SIDE + 1), np.complex64)
        known[..., *self._at] = lines * self._twice
        found = np.fft.irfft2(known, (PLACES, PLACES))
        loud = np.sqrt(np.square(np.abs(lines)).sum(axis=-1) / 2) + 1e-9
        found *= (PLACES**2 / 2 / loud)[..., None, None]
        return np.asarray(found, np.float32)

    def best(self, heard: Complexes) -> Floats:
        """Return (...) the best agreement of any beginning, as `match` tells it."""
        return np.asarray(self.match(heard).max(axis=(-2, -1)), np.float32)
