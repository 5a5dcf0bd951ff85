"""Draw a picture of somebody again where it does not look like her, and keep the likest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from imaging.faces import Embedder
from imaging.pictures import Rgb
from imaging.pipeline.generate import Shot
from imaging.pipeline.reference import Reference

TRIES = 8
"""Pictures drawn of one shot at most; a twin that is very like her needs one."""
_APART = 0x9E3779B97F4A7C15
_SEEDS = 1 << 63


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture, and how often it was drawn until it was taken."""

    pixels: Rgb
    tries: int
    distance: float
    """Of its surest face to the reference; infinite without a face, NaN where nobody looked."""


def draw(
    make: Callable[[Sequence[Shot]], list[Rgb]],
    shots: Sequence[Shot],
    references: Sequence[Reference | None],
    faces: Embedder,
    *,
    tries: int = TRIES,
) -> list[Drawn]:
    """Make one picture per shot; those that do not look like her are drawn again, together.

    Rejection sampling: other noise, the same words, until a picture is near enough or was drawn
    `tries` times; then the nearest of all counts. The same shots give the same pictures.

    Args:
        make: draws shots in one batch.
        shots: one per picture.
        references: whom each shall look like; None where no face is to be seen, or nobody knows.
        faces: tells how near a picture is.
        tries: pictures drawn of a shot at most, at least 1.
    """
    kept = [
        Drawn(one, 1, _distance(faces, one, wanted))
        for one, wanted in zip(make(shots), references, strict=True)
    ]
    for number in range(1, tries):
        left = [place for place, one in enumerate(kept) if not _is_near(one, references[place])]
        if not left:
            break
        again = make([_other(shots[place], number) for place in left])
        for place, pixels in zip(left, again, strict=True):
            before, distance = kept[place], _distance(faces, pixels, references[place])
            better = distance < before.distance
            kept[place] = (
                Drawn(pixels, number + 1, distance) if better else replace(before, tries=number + 1)
            )
    return kept


def _other(shot: Shot, number: int) -> Shot:
    """Return the same shot with the seed of its `number`th repetition."""
    return replace(shot, seed=(shot.seed + number * _APART) % _SEEDS)


def _distance(faces: Embedder, pixels: Rgb, wanted: Reference | None) -> float:
    if wanted is None:
        return math.nan
    seen = faces.find(pixels, upsample=0)
    if not seen:
        return math.inf
    return float(np.linalg.norm(faces.embed(pixels, seen[0]) - wanted.vector))


def _is_near(one: Drawn, wanted: Reference | None) -> bool:
    return wanted is None or one.distance < wanted.near
