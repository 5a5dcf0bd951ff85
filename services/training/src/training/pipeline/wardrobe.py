"""Clothes a twin has never worn, drawn by the base itself before it learns her.

What she wore for the capture is not who she is. While her face is learned from her photos, the
base's own pictures of other clothes, of which only the clothes count, keep it able to dress her:
DreamBooth's prior preservation (Ruiz et al. 2023), restricted to where the prior is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from imaging.failures import Stopped
from imaging.pictures import Rgb
from imaging.pipeline import families
from imaging.words import FRAMINGS, outfit

SIZE = 32
_AT_ONCE = 8
_STEPS, _GUIDANCE = 12, 3.0
_GARMENTS = ("T-shirt", "hoodie", "jacket", "dress", "V-neck top", "coat")
_COLOURS = ("red", "navy", "white", "forest green", "royal blue", "black", "mustard", "camel")
_LIGHTS = ("studio soft", "overcast", "hard side", "golden hour")
_VIEWS = ("front", "three-quarter")
_SHOTS = ("face", "face", "three-quarter", "face", "face", "full")


def captions(subject: str) -> list[str]:
    """Return what each picture shows; garments, colours, views and lights in changing pairs."""
    rows = zip(
        cycle(_SHOTS), cycle(_GARMENTS), cycle(_COLOURS), _twice(_VIEWS), _thrice(_LIGHTS),
        strict=False,
    )  # fmt: skip
    return [
        f"{FRAMINGS[shot]} of a {subject} in a {outfit(garment, colour, 'solid')}, standing,"
        f" {view} view, {light} light"
        for shot, garment, colour, view, light in islice(rows, SIZE)
    ]


def draw(
    pipeline: DiffusionPipeline, subject: str, *, seed: int, should_stop: Callable[[], bool]
) -> list[tuple[str, Rgb]]:
    """Return captions and pictures of a base that carries no adapter; the same seed, the same.

    Raises:
        Stopped: `should_stop`, asked at every step of the sampler, said yes.
    """

    def each_step(_: Any, __: int, ___: int, values: dict[str, Any]) -> dict[str, Any]:
        if should_stop():
            raise Stopped
        return values

    told, side = captions(subject), families.side_px(pipeline)
    made: list[Rgb] = []
    for start in range(0, SIZE, _AT_ONCE):
        prompts = told[start : start + _AT_ONCE]
        noise = [torch.Generator("cpu").manual_seed(seed + start + i) for i in range(len(prompts))]
        pictures = pipeline(
            prompts,
            height=side,
            width=side,
            num_inference_steps=_STEPS,
            guidance_scale=_GUIDANCE,
            generator=noise,
            output_type="np",
            callback_on_step_end=each_step,
        ).images  # (B, H, W, 3) float in [0, 1]
        made += [np.ascontiguousarray(np.round(one * 255), dtype=np.uint8) for one in pictures]
    return list(zip(told, made, strict=True))


def _twice(names: tuple[str, ...]) -> cycle[str]:
    return cycle([name for name in names for _ in range(2)])


def _thrice(names: tuple[str, ...]) -> cycle[str]:
    return cycle([name for name in names for _ in range(3)])
