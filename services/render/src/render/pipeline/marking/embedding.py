"""How a word's lines are put into a picture, so that they are heard and not seen."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking import hiding, lattice
from render.pipeline.marking.hiding import Goal

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

_USUAL = (Goal(42.6, 0.9925), Goal(42.1, 0.9925))
"""Better than must be, for pictures of 512x512 and less: rounding to whole grey levels takes a
tenth of it. The second where the first is hardly heard."""
_LEAST = Goal(hiding.LEAST_PSNR_DB, hiding.LEAST_SSIM + 0.0002)
"""By the judge's windows, which say up to 0.0001 more than those of the source."""
_CLOSE = Goal(42.05, 0.9905)
"""Of the later attempts: as near to what is allowed as rounding lets one come."""
_WAS = 0.7  # how much of the picture's own share in each line is made up for
_WAS_LOUD = 0.25  # as _WAS, in loud texture: making up for all of it would leave nothing to say
_SILENT = 0.15  # of a line's usual amplitude, at least: no line falls silent
_CLEAR = 1.5  # deviations by which lines must be right, or the mark is made louder
_SOFTER = 0.99  # times, where rounding spoilt a goal
_PATIENCE = 100  # times that is tried


@dataclass(frozen=True, slots=True)
class _Effort:
    """How hard it is tried.

    Attributes:
        made_up: how much of the picture's own share in each line is made up for.
        spared: how much SSIM counts beside PSNR where the mark goes by what is heard of it, in
            the constant of SSIM's contrast; None where it goes by what hides it.
    """

    goal: Goal
    made_up: float = _WAS
    spared: float | None = None


_LAST = (
    *(_Effort(_CLOSE, _WAS, spared) for spared in (4.0, 1.0, 16.0)),
    *(_Effort(_CLOSE, _WAS_LOUD, spared) for spared in (None, 4.0)),
    *(
        _Effort(Goal(_CLOSE.psnr_db - louder_db, _CLOSE.ssim), _WAS_LOUD)
        for louder_db in (2.0, 4.0, 6.0, 12.0)
    ),
    *(_Effort(Goal(_CLOSE.psnr_db - 12.0, ssim), _WAS_LOUD) for ssim in (0.985, 0.98, 0.97, 0.95)),
)
"""Five that keep to both goals; then, in texture so loud that no number is heard, PSNR gives way,
and where that is not enough, in what is all noise, SSIM."""


WITHIN, TRUE = 6, 10
"""Attempts that keep to both goals of `hiding`; those that keep to its SSIM."""
_FAINTEST = 1.25
"""Grey levels that a picture gets at last which is dark all over:"""
_DARK = 32.0
"""there SSIM weighs a grey level more than an eye does."""
_ROUNDED = 0.0003
"""What rounding may take of an SSIM."""


class Embedder:
    """One picture, ready to take a word.

    The embedder makes up for what the picture itself has on the lines (informed embedding) and
    adds as much as PSNR and SSIM allow, more in textured places than in flat ones. Where loud
    texture drowns it, later attempts put the same energy where the reader hears most of it, which
    is where the picture is calm, as far as SSIM bears it.

    Source: Malvar and Florencio 2003, Improved spread spectrum.
    """

    def __init__(self, luma: Floats, side: int, unturn: Complexes) -> None:
        """Take (H, W) luma in [0, 255], the pixels of a tile and the lines' secret phases."""
        self._luma, self._side, self._unturn = luma, side, unturn
        self._judge = hiding.Judge(luma)
        self._mask = hiding.tolerance(luma, side)
        self._laid = self._lay(luma)
        scale = lattice.scale_of(luma)
        self._passed = lattice.passed(side * scale)
        self._host = self._heard(self._laid.flat)

    def attempts(self, signs: Floats) -> Iterator[Floats]:
        """Yield whole grey levels to add for (2, n) signs, the gentlest first.

        The first `WITHIN` keep to the goals of `hiding`, the first `TRUE` to its SSIM; one more,
        for a picture that is dark all over, to neither.
        """
        spare_db, clear = hiding.spare_db(self._luma), 0.0
        for goal in _USUAL:
            before = clear
            effort = _Effort(Goal(goal.psnr_db + spare_db, goal.ssim))
            change, clear = self._marking(signs, effort)
            if clear >= _CLEAR or clear < 1.05 * before:  # SSIM allows no more
                break
        yield self._rounded(change, _LEAST)
        for effort in _LAST:
            asked = effort.goal
            ssim = min(_LEAST.ssim, asked.ssim - _ROUNDED)
            least = Goal(min(_LEAST.psnr_db, asked.psnr_db), ssim)
            yield self._rounded(self._marking(signs, effort)[0], least)
        if np.percentile(self._luma[::8, ::8], 95) < _DARK:
            yield self._faint(self._marking(signs, _LAST[-1])[0])

    def _faint(self, change: Floats) -> Floats:
        """Return whole grey levels: `change` at the size of `_FAINTEST`, where black takes half."""
        left = np.clip(self._luma + change, 0, 255) - self._luma
        size = float(np.sqrt(np.mean(left * left))) + 1e-9
        return np.asarray(np.rint(change * (_FAINTEST / size)), np.float32)

    def _marking(self, signs: Floats, effort: _Effort) -> tuple[Floats, float]:
        """Return what to add to the luma, and how clearly it is heard: 1 is just enough."""
        usual = np.abs(signs) * lattice.RADIUS**-0.5 / np.sqrt(np.square(signs).sum(axis=0))
        mask = self._mask if effort.spared is None else self._audible(effort.spared)
        laid = self._lay(mask).flat
        strength = self._judge.strength(self._change(usual * signs, mask), effort.goal)
        amplitudes, heard = usual, self._heard_with(usual * signs, laid * strength)
        for _ in range(2):  # with the same energy in the same places, so of the same strength
            gain = ((heard - self._host) * signs).sum() / amplitudes.sum()
            amplitudes = _informed(usual, self._host * signs / gain, effort.made_up)
            heard = self._heard_with(amplitudes * signs, laid * strength)
        right = (heard * signs)[signs != 0]
        change = self._change(amplitudes * signs, mask * np.float32(strength))
        return change, float(right.mean() / (right.std() + 1e-9))

    def _audible(self, spared: float) -> Floats:
        """Return weights: the most that is heard for what PSNR and SSIM lose by it."""
        height, width = self._luma.shape
        size = tuple(max(8, side * lattice.SIDE // self._side) for side in (width, height))
        small = cv2.resize(self._luma, size, interpolation=cv2.INTER_AREA)
        loud = lattice.loudness(np.asarray(small, np.float32))
        weights = loud / (loud * loud + spared)
        return np.asarray(cv2.resize(weights, (width, height)), np.float32)

    def _rounded(self, change: Floats, least: Goal) -> Floats:
        """Return whole grey levels that meet the goals, softer where rounding would spoil them."""
        for _ in range(_PATIENCE):
            whole = np.asarray(np.rint(change), np.float32)
            if self._judge.keeps(whole, least):
                return whole
            change = change * np.float32(_SOFTER)
        return np.zeros_like(change)  # nobody sees it, and nobody hears it

    def _lay(self, luma: Floats) -> lattice.Laid:
        small, scale = lattice.work(luma)
        origin = (scale - 1) / 2  # pixels have their centres half-way
        return lattice.lay(small, lattice.upright(self._side * scale), origin)

    def _heard(self, flat: Floats) -> Floats:
        """Return (2, n) what the reader would hear, real and imaginary, without the phases."""
        heard = lattice.fold_laid(flat, self._laid.inside).lines() * self._unturn
        return np.stack([heard.real, heard.imag])

    def _heard_with(self, parts: Floats, mask: Floats) -> Floats:
        """Return what would be heard with these (2, n) lines, under a mask that was laid out.

        They are drawn where the picture lies laid out: a ninth of the pixels, and no blur.
        """
        tile = lattice.tile(self._lines(parts), lattice.SIDE, self._passed)
        down, across = (length // lattice.SIDE for length in mask.shape)
        flat = np.asarray(cv2.repeat(tile, down, across), np.float32)
        flat *= mask
        flat += self._laid.flat
        return self._heard(np.clip(flat, 0, 255, out=flat))

    def _change(self, parts: Floats, mask: Floats) -> Floats:
        """Return what these (2, n) lines add to the luma under a mask."""
        height, width = self._luma.shape
        times = (-(-height // self._side), -(-width // self._side))
        tile = lattice.tile(self._lines(parts), self._side)
        return np.asarray(cv2.repeat(tile, *times)[:height, :width] * mask, np.float32)

    def _lines(self, parts: Floats) -> Complexes:
        return np.asarray((parts[0] + 1j * parts[1]) * np.conj(self._unturn), np.complex64)


def _informed(usual: Floats, host: Floats, made_up: float) -> Floats:
    """Return (2, n) amplitudes of the energy of `usual`: more where the picture contradicts.

    Args:
        usual: (2, n) amplitudes without regard to the picture, 0 where none is wanted.
        host: (2, n) what the picture has itself, in the direction that is wanted.
        made_up: how much of it is made up for, in [0, 1].
    """
    energy = np.square(usual).sum()
    low, high = 0.0, 6.0
    for _ in range(20):
        level = (low + high) / 2
        found = np.maximum(_SILENT * usual, level * usual - made_up * host) * (usual > 0)
        low, high = (level, high) if np.square(found).sum() < energy else (low, level)
    return np.asarray(found, np.float32)
