"""Make pictures of twins: one batch, each row with its own twin, prompt and seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline

from imaging.failures import Stopped
from imaging.pictures import Rgb
from imaging.pipeline import adapters, families

NEGATIVE = ""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to make with the adapter of that name."""

    adapter: str
    prompt: str
    seed: int


def pictures(
    pipeline: DiffusionPipeline,
    shots: Sequence[Shot],
    *,
    steps: int,
    guidance: float,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Rgb]:
    """Make one picture per shot, all in one batch; the same seed gives the same picture.

    Args:
        pipeline: a base that carries every named adapter.
        shots: the rows of the batch.
        steps: of the sampler.
        guidance: classifier-free guidance scale; 1 turns it off.
        should_stop: asked before every step.

    Raises:
        Stopped: `should_stop` said yes.
    """
    side = families.side_px(pipeline)
    family, denoiser = families.of(pipeline), families.denoiser(pipeline)
    noise = [torch.Generator("cpu").manual_seed(shot.seed) for shot in shots]
    names = [shot.adapter for shot in shots]

    def each_step(_: Any, __: int, ___: int, values: dict[str, Any]) -> dict[str, Any]:
        if should_stop():
            raise Stopped
        return values

    twice = family.doubled and guidance > 1
    without = {"negative_prompt": [NEGATIVE] * len(shots)} if family.doubled else {}
    with torch.inference_mode(), adapters.chosen(denoiser, names * 2 if twice else names):
        made = pipeline(
            [shot.prompt for shot in shots],
            height=side,
            width=side,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=noise,
            output_type="np",
            callback_on_step_end=each_step,
            **without,
        ).images  # (B, H, W, 3) float in [0, 1]
    return [np.ascontiguousarray(np.round(picture * 255), dtype=np.uint8) for picture in made]
