"""How a word's lines are put into a picture, so that they are heard and not seen."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking import copies, hiding, lattice, parts
from render.pipeline.marking.hiding import Goal

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

_USUAL = Goal(42.6, 0.9925)
"""Better than must be, for pictures of 512x512 and less: rounding to whole grey levels takes a
tenth of it."""
_LEAST = Goal(hiding.LEAST_PSNR_DB, hiding.LEAST_SSIM + 0.0002)
"""By the judge's windows, which say up to 0.0001 more than those of the source."""
_CLOSE = Goal(42.05, 0.9905)
"""Of the later attempts: as near to what is allowed as rounding lets one come."""
_LOUDER = (
    _CLOSE,
    *(Goal(_CLOSE.psnr_db - less_db, _CLOSE.ssim) for less_db in (1.5, 3.0, 4.5, 6.0, 8.0, 12.0)),
    *(Goal(_CLOSE.psnr_db - 12.0, ssim) for ssim in (0.985, 0.98, 0.97, 0.95)),
)
"""The first keeps to both goals; then, in texture so loud that no number is heard, PSNR gives way,
and where that is not enough, in what is all noise, SSIM."""
WITHIN, TRUE = 2, 8
"""Attempts that keep to both goals of `hiding`; those that keep to its SSIM."""
_TURNS, _AGAIN = 16, 4
"""Times the lines are spoken up: for the first of the later attempts, and for each one after."""
_AFRESH = 4
"""Times after which it is asked anew how strong they may be."""
_SPARED = 1.0
"""How much SSIM counts beside PSNR in where the later attempts speak, in the constant of SSIM's
contrast."""
_SOFTER = 0.99  # times, where rounding spoilt a goal
_PATIENCE = 100  # times that is tried
_FAINTEST = 1.25
"""Grey levels that a picture gets at last which is dark all over:"""
_DARK = 32.0
"""there SSIM weighs a grey level more than an eye does."""
_ROUNDED = 0.0003
"""What rounding may take of an SSIM."""


class Embedder:
    """One picture, ready to take a word.

    The first attempt adds the same lines everywhere, as much as PSNR and SSIM allow, more in
    textured places than in flat ones. Later ones make up for what each part of the picture itself
    has on the lines (`parts`), and for what a copy takes; they speak where the reader hears most,
    which is where the picture is calm, as far as SSIM bears it.
    """

    def __init__(self, luma: Floats, side: int, unturn: Complexes) -> None:
        """Take (H, W) luma in [0, 255], the pixels of a tile and the lines' secret phases."""
        self._luma, self._side, self._unturn = luma, side, unturn
        self._judge = hiding.Judge(luma)
        self._down, self._across = (-(-length // side) for length in luma.shape)

    def attempts(self, signs: Floats) -> Iterator[Floats]:
        """Yield whole grey levels to add for (2, n) signs, the gentlest first.

        The first `WITHIN` keep to the goals of `hiding`, the first `TRUE` to its SSIM; one more,
        for a picture that is dark all over, to neither.
        """
        lines = np.asarray((signs * parts.LOUD)[None], np.float32)
        spare_db = hiding.spare_db(self._luma)
        change = self._change(lines, hiding.tolerance(self._luma, self._side))
        goal = Goal(_USUAL.psnr_db + spare_db, _USUAL.ssim)
        yield self._rounded(change * self._judge.strength(change, goal), _LEAST)
        mask, lines = self._audible(), np.repeat(lines, self._down * self._across, axis=0)
        shares = parts.of(self._luma.shape, self._side)
        for at, goal in enumerate(_LOUDER):
            turns = _AGAIN if at else _TURNS
            lines = self._spoken_up(lines, signs, (mask, shares), goal, turns)
            change = self._change(lines, mask)
            ssim = min(_LEAST.ssim, goal.ssim - _ROUNDED)
            least = Goal(min(_LEAST.psnr_db, goal.psnr_db), ssim)
            yield self._rounded(change * self._judge.strength(change, goal), least)
        if np.percentile(self._luma[::8, ::8], 95) < _DARK:
            yield self._faint(change)

    def _spoken_up(
        self,
        lines: Floats,
        signs: Floats,
        where: tuple[Floats, Floats],
        goal: Goal,
        turns: int,
    ) -> Floats:
        """Return lines that every part tells as clearly as a goal lets them.

        Args:
            lines: (tiles, 2, n) to begin with.
            signs: (2, n) what they shall be.
            where: (H, W) the mask, and the parts' shares of the tiles.
        """
        mask, shares = where
        for turn in range(turns):
            if turn % _AFRESH == 0:
                change = self._change(lines, mask)
                strength = self._judge.strength(change, goal)
            marked = self._luma + self._change(lines, mask) * np.float32(strength)
            whole = np.clip(marked, 0, 255).astype(np.uint8)
            left = copies.shown(whole) if turn % 2 else copies.saved(whole)
            each = parts.heard(left.astype(np.float32), self._side, self._unturn)
            lines = parts.spoken_up(lines, np.tensordot(shares, each, 1), shares, signs)
        return lines

    def _faint(self, change: Floats) -> Floats:
        """Return whole grey levels: `change` at the size of `_FAINTEST`, where black takes half."""
        left = np.clip(self._luma + change, 0, 255) - self._luma
        size = float(np.sqrt(np.mean(left * left))) + 1e-9
        return np.asarray(np.rint(change * (_FAINTEST / size)), np.float32)

    def _audible(self) -> Floats:
        """Return weights: the most that is heard for what PSNR and SSIM lose by it."""
        height, width = self._luma.shape
        size = tuple(max(8, side * lattice.SIDE // self._side) for side in (width, height))
        small = cv2.resize(self._luma, size, interpolation=cv2.INTER_AREA)
        loud = lattice.loudness(np.asarray(small, np.float32))
        weights = loud / (loud * loud + _SPARED)
        return np.asarray(cv2.resize(weights, (width, height)), np.float32)

    def _rounded(self, change: Floats, least: Goal) -> Floats:
        """Return whole grey levels that meet the goals, softer where rounding would spoil them."""
        for _ in range(_PATIENCE):
            whole = np.asarray(np.rint(change), np.float32)
            if self._judge.keeps(whole, least):
                return whole
            change = change * np.float32(_SOFTER)
        return np.zeros_like(change)  # nobody sees it, and nobody hears it

    def _change(self, lines: Floats, mask: Floats) -> Floats:
        """Return what (tiles, 2, n) lines add to the luma under a mask; one tile is repeated."""
        height, width = self._luma.shape
        turned = (lines[:, 0] + 1j * lines[:, 1]) * np.conj(self._unturn)
        tiles = lattice.tiles(np.asarray(turned, np.complex64), self._side)
        if len(tiles) == 1:
            whole = cv2.repeat(tiles[0], self._down, self._across)
        else:
            grid = tiles.reshape(self._down, self._across, self._side, self._side)
            whole = grid.swapaxes(1, 2).reshape(self._down * self._side, -1)
        return np.asarray(whole[:height, :width] * mask, np.float32)
