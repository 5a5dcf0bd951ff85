"""Families of bases: which part of a pipeline draws, and what a twin's weights hang on.

The family is read from the folder's own `model_index.json`; nothing is asked of the user.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline
from torch import nn

from imaging.failures import BaseUnusable
from imaging.pipeline.autoencoder import PatchAutoencoder


class Kind(StrEnum):
    """Families people use, and our own small one."""

    MINI = "mini"
    SD = "sd"
    SDXL = "sdxl"
    SD3 = "sd3"
    FLUX = "flux"


_ATTENTION = r"to_q|to_k|to_v|to_out\.0"
_CONVOLUTIONS = r"proj_in|proj_out|conv1|conv2|conv|conv_in|conv_out|conv_shortcut|time_emb_proj"
_GRAIN = 8
"""Latents a side is a multiple of: every family halves its grid three times at most."""


@dataclass(frozen=True, slots=True)
class Family:
    """How pipelines of one family are put together."""

    kind: Kind
    denoiser: str
    """The part that draws: `unet` or `transformer`."""
    targets: str
    """Names of the layers that get a LoRA, one regular expression for the whole name."""
    doubled: bool = True
    """Whether guidance sends every row through the denoiser twice, with and without words."""
    shapes: bool = True
    """Whether it was trained on pictures of other shapes than square."""
    steps: int = 20
    """Of the sampler, that a picture needs."""
    guidance: float = 5.0
    """Scale of classifier-free guidance."""


_UNET = rf".*(attn1|attn2)\.({_ATTENTION})"
_JOINT = rf".*attn\.({_ATTENTION}|add_q_proj|add_k_proj|add_v_proj|to_add_out)"
FAMILIES = {
    # All layers: it has learned little that could be lost.
    Kind.MINI: Family(
        Kind.MINI, "unet", rf".*({_ATTENTION}|ff\.net\.0\.proj|ff\.net\.2|{_CONVOLUTIONS})",
        # Faces are found as often, as near to her, and look alike by eye at 10 steps and at 20.
        shapes=False, steps=10, guidance=2.5,
    ),
    # Attention alone, as diffusers' recipe has it.
    Kind.SD: Family(Kind.SD, "unet", _UNET, shapes=False),
    Kind.SDXL: Family(Kind.SDXL, "unet", _UNET),
    # In a joint transformer words have projections of their own beside those of the picture.
    Kind.SD3: Family(Kind.SD3, "transformer", _JOINT),
    # Distilled for guidance: the scale is one of its inputs, nothing is drawn twice.
    Kind.FLUX: Family(Kind.FLUX, "transformer", _JOINT, doubled=False, guidance=3.5),
}  # fmt: skip
_PIPELINES = {
    "StableDiffusionPipeline": Kind.SD,
    "StableDiffusionXLPipeline": Kind.SDXL,
    "StableDiffusion3Pipeline": Kind.SD3,
    "FluxPipeline": Kind.FLUX,
}


def of_folder(folder: Path) -> Family:
    """Return the family of a base by its index.

    Raises:
        BaseUnusable: a pipeline of no family we train and render.
    """
    try:
        entries = json.loads((folder / "model_index.json").read_text())
        name, vae = entries["_class_name"], entries.get("vae")
        kind = _PIPELINES[name]
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise BaseUnusable(f"{folder.name} is a pipeline of no family we know") from error
    if kind is Kind.SD and vae == [PatchAutoencoder.__module__, PatchAutoencoder.__name__]:
        kind = Kind.MINI
    return FAMILIES[kind]


def of(pipeline: DiffusionPipeline) -> Family:
    """Return the family of a loaded pipeline.

    Raises:
        BaseUnusable: as `of_folder`.
    """
    kind = _PIPELINES.get(type(pipeline).__name__)
    if kind is None:
        raise BaseUnusable(f"{type(pipeline).__name__} is of no family we know")
    if kind is Kind.SD and isinstance(pipeline.vae, PatchAutoencoder):
        kind = Kind.MINI
    return FAMILIES[kind]


def denoiser(pipeline: DiffusionPipeline) -> Any:
    """Return the part of a pipeline that draws: one of diffusers' networks, which have no types."""
    return getattr(pipeline, of(pipeline).denoiser)


def part_of(network: nn.Module) -> str:
    """Return what pipelines call a denoiser: LoRA files name its weights by that."""
    return "unet" if type(network).__name__ == "UNet2DConditionModel" else "transformer"


def side_px(pipeline: DiffusionPipeline) -> int:
    """Return the side of the square pictures a base was made for."""
    family = of(pipeline)
    if family.kind is Kind.FLUX:  # its transformer takes any number of patches
        return int(pipeline.vae.config.sample_size)
    return int(denoiser(pipeline).config.sample_size * pipeline.vae_scale_factor)


def grain_px(pipeline: DiffusionPipeline) -> int:
    """Return what a picture's sides must be multiples of."""
    return int(pipeline.vae_scale_factor * _GRAIN)
