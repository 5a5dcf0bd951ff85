"""A picture's parts, each of which is to tell the number by itself.

What a picture has on a mark's lines is made up for where a mark is put in (informed embedding).
Made up for in the sum over the picture alone, it comes back in a crop, which lacks some tiles and
what they were to make up for. So lines differ from tile to tile, as little as will do for every
part that may be cut out.

Source: Malvar and Florencio 2003, Improved spread spectrum; that it is done for parts is our own.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking.lattice import COUNT, RADIUS, Complexes, levelled, lines_of_tiles

Floats = NDArray[np.float32]

LARGE, SMALL = 0.8, 0.5
"""Shares of the area that are cut out."""
_PLACES = 3  # of a part, along either axis
LOUD = RADIUS**-0.5 / np.sqrt(np.mean(1 / RADIUS))
"""(n,) how loud each line is where a picture says nothing: low ones live longest."""


def of(shape: tuple[int, ...], side: int) -> Floats:
    """Return (parts, tiles) how much of each tile of `side` pixels lies in each part of (H, W).

    The first is the picture whole, then come nine of `LARGE` and nine of `SMALL`.
    """
    height, width = shape
    rows = [_share(0, height, height, side)[:, None] * _share(0, width, width, side)]
    for area in (LARGE, SMALL):
        kept = area**0.5
        begins = np.linspace(0, 1 - kept, _PLACES)
        for top, left in product(begins * height, begins * width):
            down = _share(top, top + kept * height, height, side)
            across = _share(left, left + kept * width, width, side)
            rows.append(down[:, None] * across)
    return np.stack([row.ravel() for row in rows]).astype(np.float32)


def _share(begin: float, end: float, length: int, side: int) -> NDArray[np.float64]:
    """Return how much of each tile lies between two places along an axis."""
    first = np.arange(-(-length // side)) * side
    inside = np.minimum(first + side, min(end, length)) - np.maximum(first, begin)
    return np.asarray(np.clip(inside, 0, side) / side, np.float64)


def heard(luma: Floats, side: int, unturn: Complexes) -> Floats:
    """Return (tiles, 2, n) what a reader hears of each tile of `side` pixels, real and imaginary,
    without the lines' secret phases."""
    down, across = (-(-length // side) for length in luma.shape)
    each = lines_of_tiles(luma, side)[:down, :across].reshape(-1, COUNT) * unturn
    return np.stack([each.real, each.imag], axis=1)


def told(heard: Floats, signs: Floats) -> Floats:
    """Return (parts,) the correlation of what is heard of each with (2, n) signs, 0 for no line."""
    wanted = signs.ravel() / (np.linalg.norm(signs) + 1e-9)
    each = levelled(heard.reshape(len(heard), -1)[:, wanted != 0])
    loud = np.linalg.norm(each, axis=1) + 1e-9
    return np.asarray(each @ wanted[wanted != 0] / loud, np.float32)


def spoken_up(lines: Floats, heard: Floats, shares: Floats, signs: Floats) -> Floats:
    """Return tiles' lines that are clearer in the parts in which some are not, of the same energy.

    Args:
        lines: (tiles, 2, n) amplitudes.
        heard: (parts, 2, n) what is heard of them with the picture.
        shares: as `of` returns them.
        signs: (2, n) what each shall be; 0 for what a line of known phase shall not have.
    """
    loud = np.sqrt(np.square(heard[:, signs != 0]).mean(axis=1))[:, None, None] + 1e-9
    wanted = np.sign(signs)
    lack = np.maximum(np.abs(signs) - heard / loud * wanted, 0) * wanted
    lack = np.where(wanted != 0, lack, -heard / loud)
    more = np.tensordot((shares / shares.sum(axis=1, keepdims=True)).T, lack, 1)
    found = lines + more * LOUD
    found *= np.sqrt(np.square(lines).sum() / np.square(found).sum())
    return np.asarray(found, np.float32)
