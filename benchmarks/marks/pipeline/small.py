"""The small base in models/mini: pictures of nobody, and pictures drawn anew by it."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from imaging.pipeline import base
from PIL import Image

from marks.pictures import Pixels

BASE = Path(__file__).resolve().parents[3] / "models/mini"
_BATCH, _STEPS = 8, 6
_WHO = ("a woman", "a man", "an old woman", "a young man")
_WEARS = ("a red dress", "a navy jacket", "a plaid shirt", "a mustard top and jeans", "a coat")
_SEEN = ("close-up portrait of", "full-body photo of", "three-quarter photo of")
_REDRAWN_STEPS = 20


def make(seeds: Sequence[int]) -> Iterator[Pixels]:
    """Yield a picture per seed, of nobody in particular."""
    torch.set_num_threads(1)
    pipeline = _base()
    side = base.side_px(pipeline)
    for first in range(0, len(seeds), _BATCH):
        some = seeds[first : first + _BATCH]
        with torch.inference_mode():
            made = pipeline(
                [_words(seed) for seed in some],
                height=side,
                width=side,
                num_inference_steps=_STEPS,
                guidance_scale=1.0,
                generator=[torch.Generator().manual_seed(seed) for seed in some],
                output_type="np",
            ).images
        yield from (np.asarray(np.round(picture * 255), np.uint8) for picture in made)


def redraw(picture: Pixels, seed: int, *, strength: float) -> Pixels:
    """Regenerate a picture at the base's size by img2img; the size it had is given back.

    Source: Zhao et al. 2023, Invisible image watermarks are provably removable using generative
    AI, arXiv:2306.01953: noise is added to the latents and taken out again.
    """
    torch.set_num_threads(1)
    pipeline, side = _redrawing(), base.side_px(_base())
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        made = pipeline(
            "photo of a person",
            image=Image.fromarray(np.asarray(small, np.uint8)),
            strength=strength,
            num_inference_steps=_REDRAWN_STEPS,
            guidance_scale=1.0,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
        ).images[0]
    redrawn = np.asarray(np.round(made * 255), np.uint8)
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.resize(redrawn, size, interpolation=cv2.INTER_CUBIC), np.uint8)


@cache
def _base() -> Any:
    return base.load(BASE)


@cache
def _redrawing() -> Any:
    return _quiet(
        StableDiffusionImg2ImgPipeline(**_base().components, requires_safety_checker=False)
    )


def _quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _words(seed: int) -> str:
    dice = np.random.default_rng(seed)
    return f"{dice.choice(_SEEN)} {dice.choice(_WHO)} in {dice.choice(_WEARS)}"
