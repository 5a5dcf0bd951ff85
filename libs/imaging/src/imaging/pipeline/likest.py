"""Draw a picture of somebody again where it does not look like her, and keep the likest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from diffusers import DiffusionPipeline

from imaging.pictures import Rgb
from imaging.pipeline import families, generate
from imaging.pipeline.generate import Shot
from imaging.pipeline.recognition import Seen
from imaging.pipeline.reference import Reference

TRIES = 16
"""Pictures drawn of one shot at most; a twin that is very like her needs one."""
_APART = 0x9E3779B97F4A7C15
_SEEDS = 1 << 63


class Eye(Protocol):
    """Tells how near a picture is to somebody; `imaging.pipeline.recognition` has one."""

    def see(self, rgb: Rgb, wanted: Reference) -> Seen:
        """Return how far it is from her, and how many flaws it has."""


@dataclass(frozen=True, slots=True)
class Sampler:
    """How the noise is taken out: steps, and the guidance scale (1 turns it off).

    What is None is as suits the base's family.
    """

    steps: int | None = None
    guidance: float | None = None
    tries: int = TRIES
    """Pictures drawn of a shot at most, until one is hers; at least 1."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture, and how often it was drawn until it was taken."""

    pixels: Rgb
    tries: int
    distance: float
    """Of its surest face to the reference; infinite without a face, NaN where nobody looked."""
    flaws: int = 0
    """Marks that are missing, spots that are none of hers, one more if it may be another."""


def pictures(
    pipeline: DiffusionPipeline,
    shots: Sequence[Shot],
    references: Sequence[Reference | None],
    eye: Eye,
    sampler: Sampler,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Drawn]:
    """Make one picture per shot on a base that carries every named adapter; see `draw`.

    Raises:
        Stopped: `should_stop`, asked at every step of the sampler, said yes.
    """
    family = families.of(pipeline)
    make = partial(
        generate.pictures,
        pipeline,
        steps=sampler.steps or family.steps,
        guidance=sampler.guidance or family.guidance,
        should_stop=should_stop,
    )
    return draw(make, shots, references, eye, tries=sampler.tries)


def draw(
    make: Callable[[Sequence[Shot]], list[Rgb]],
    shots: Sequence[Shot],
    references: Sequence[Reference | None],
    eye: Eye,
    *,
    tries: int = TRIES,
) -> list[Drawn]:
    """Make one picture per shot; those that do not look like her are drawn again, together.

    Rejection sampling: other noise, the same words, until a picture is near enough and has
    no flaw, or was drawn `tries` times. Then of those near enough the one with the fewest flaws
    counts, and where none is near enough the nearest. The same shots give the same pictures.

    Args:
        make: draws shots in one batch.
        shots: one per picture.
        references: whom each shall look like; None where no face is to be seen, or nobody knows.
        eye: tells how near a picture is.
        tries: pictures drawn of a shot at most, at least 1.
    """
    kept = [_seen(eye, one, wanted, 1) for one, wanted in zip(make(shots), references, strict=True)]
    for number in range(1, tries):
        left = [place for place, one in enumerate(kept) if not _is_hers(one, references[place])]
        if not left:
            break
        again = make([_other(shots[place], number) for place in left])
        for place, pixels in zip(left, again, strict=True):
            wanted, before = references[place], replace(kept[place], tries=number + 1)
            now = _seen(eye, pixels, wanted, number + 1)
            kept[place] = now if _rank(now, wanted) < _rank(before, wanted) else before
    return kept


def _other(shot: Shot, number: int) -> Shot:
    """Return the same shot with the seed of its `number`th repetition."""
    return replace(shot, seed=(shot.seed + number * _APART) % _SEEDS)


def _seen(eye: Eye, pixels: Rgb, wanted: Reference | None, tries: int) -> Drawn:
    seen = Seen(math.nan) if wanted is None else eye.see(pixels, wanted)
    return Drawn(pixels, tries, *seen)


def _is_hers(one: Drawn, wanted: Reference | None) -> bool:
    return wanted is None or (one.distance < wanted.near and not one.flaws)


def _rank(one: Drawn, wanted: Reference | None) -> tuple[bool, int, float]:
    """Return what is smaller for the likest: not near at all, then flaws, then distance."""
    near = wanted is None or one.distance < wanted.near
    return not near, one.flaws if near else 0, one.distance
