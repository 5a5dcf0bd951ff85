"""The fixed grid of prompts, views and lights a twin is rendered over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diffusers import DiffusionPipeline
from imaging.pictures import Rgb
from imaging.pipeline import adapters, families, generate, likest
from imaging.pipeline.likest import Drawn, Eye
from imaging.pipeline.reference import Reference
from imaging.words import TWIN_WORD, caption, outfit

LIGHTS = ("studio soft", "overcast", "hard side", "golden hour")
_CLOTHES = (
    ("T-shirt", "white"), ("hoodie", "navy"), ("V-neck top", "red"),
    ("jacket", "forest green"), ("long-sleeved top", "mustard"), ("tank top", "black"),
)  # fmt: skip
_FULLER = (
    ("dress", "red"), ("coat", "camel"), ("hoodie", "royal blue"),
    ("jacket", "forest green"), ("T-shirt", "white"), ("long-sleeved top", "burgundy"),
)  # fmt: skip
_AT_ONCE = 6
_SEED = 50_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of the grid."""

    prompt: str
    framing: str
    view: str
    light: str
    seed: int


def quick(subject: str) -> list[Cell]:
    """Return sixteen pictures: twelve close-ups, four of more of her."""
    close = [_cell(subject, "face", i, _CLOTHES[i % 3], bool(i % 2)) for i in range(12)]
    fuller = ("three-quarter", "full")
    return close + [_cell(subject, fuller[i % 2], i, _FULLER[i], i < 2) for i in range(4)]


def full(subject: str, *, seeds: int = 1) -> list[Cell]:
    """Return thirty-six: every outfit in every light as a close-up, and twelve of more of her.

    Half are seen from the front. With more `seeds` so many times as many pictures.
    """
    cells = []
    for seed in range(seeds):
        shift = 100 * seed
        cells += [
            _cell(subject, "face", shift + light + 4 * number, clothes, (light + number) % 2 == 0)
            for number, clothes in enumerate(_CLOTHES)
            for light in range(len(LIGHTS))
        ]
        cells += [
            _cell(subject, framing, shift + number, clothes, number % 2 == 0)
            for framing in ("three-quarter", "full")
            for number, clothes in enumerate(_FULLER)
        ]
    return cells


def _cell(subject: str, framing: str, place: int, worn: tuple[str, str], front: bool) -> Cell:
    light, view = LIGHTS[place % len(LIGHTS)], "front" if front else "three-quarter"
    clothes = outfit(*worn, "solid")
    text = caption(
        subject=subject, framing=framing, outfit=clothes, pose="standing", view=view, light=light
    )
    seed = _SEED + 2 * place + front
    return Cell(text, framing, view, light, seed)


def of_base(cells: Sequence[Cell]) -> list[Cell]:
    """Return the same pictures of nobody in particular: without the twin's word."""
    return [
        Cell(one.prompt.removesuffix(f", {TWIN_WORD}"), one.framing, one.view, one.light, one.seed)
        for one in cells
    ]


def render(pipeline: DiffusionPipeline, cells: Sequence[Cell]) -> list[Rgb]:
    """Make the pictures of a base that carries no adapter."""
    family, made = families.of(pipeline), list[Rgb]()
    for start in range(0, len(cells), _AT_ONCE):
        part = cells[start : start + _AT_ONCE]
        shots = [generate.Shot(adapters.NOBODY, one.prompt, one.seed) for one in part]
        made += generate.pictures(pipeline, shots, steps=family.steps, guidance=family.guidance)
    return made


@dataclass(frozen=True, slots=True)
class Chosen:
    """How a twin's close-ups are drawn again until they look like her, as render does it."""

    eye: Eye
    reference: Reference | None
    tries: int


def draw(
    pipeline: DiffusionPipeline,
    cells: Sequence[Cell],
    adapter: str,
    by: Chosen,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Drawn]:
    """Make the pictures of a twin as they would leave: of each close-up the likest of some.

    Raises:
        Stopped: `should_stop`, asked at every step of the sampler, said yes.
    """
    made = list[Drawn]()
    for start in range(0, len(cells), _AT_ONCE):
        part = cells[start : start + _AT_ONCE]
        shots = [generate.Shot(adapter, one.prompt, one.seed) for one in part]
        whom = [by.reference if one.framing == "face" else None for one in part]
        sampler = likest.Sampler(tries=by.tries)
        made += likest.pictures(pipeline, shots, whom, by.eye, sampler, should_stop)
    return made
