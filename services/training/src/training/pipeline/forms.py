"""What each family is told and how it is asked: words, sizes, and latents in its own order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DiffusionPipeline
from imaging.pipeline import families
from imaging.pipeline.families import Kind
from torch import Tensor

_UNGUIDED = 1.0
"""FLUX's guidance in training: a photo is what no guidance shows."""


@dataclass(frozen=True, slots=True)
class Told:
    """Captions as a denoiser takes them: (N, T, D) words and, in some families, (N, P) pooled."""

    words: Tensor
    pooled: Tensor | None = None

    def rows(self, places: Sequence[int]) -> Told:
        """Return the rows at `places`, in that order."""
        chosen = list(places)
        return Told(self.words[chosen], None if self.pooled is None else self.pooled[chosen])


def together(several: Sequence[Told]) -> Told:
    """Return the rows of several as one."""
    pooled = [one.pooled for one in several if one.pooled is not None]
    words = torch.cat([one.words for one in several])
    return Told(words, torch.cat(pooled) if pooled else None)


@torch.no_grad()
def tell(pipeline: DiffusionPipeline, texts: Sequence[str]) -> Told:
    """Encode captions once, so that a run needs its text encoders no more."""
    made = [_tell(pipeline, text) for text in texts]
    words = torch.cat([words for words, _ in made])
    pooled = [row for _, row in made if row is not None]
    return Told(words, torch.cat(pooled) if pooled else None)


def _tell(pipeline: DiffusionPipeline, text: str) -> tuple[Tensor, Tensor | None]:
    device = families.denoiser(pipeline).device
    match families.of(pipeline).kind:
        case Kind.SDXL:
            made = pipeline.encode_prompt(text, None, device, 1, False)
            return made[0], made[2]
        case Kind.SD3:
            made = pipeline.encode_prompt(text, None, None, device, 1, False)
            return made[0], made[2]
        case Kind.FLUX:
            made = pipeline.encode_prompt(text, None, device, 1)
            return made[0], made[1]
        case _:
            return pipeline.encode_prompt(text, device, 1, False)[0], None


@torch.no_grad()
def encode(pipeline: DiffusionPipeline, values: Tensor) -> Tensor:
    """Return latents, (N, C, h, w) float32, of pictures, (N, 3, H, W) in [-1, 1].

    The middle of the autoencoder's distribution: the same photo is the same latents each time.
    """
    vae = pipeline.vae
    if getattr(vae.config, "force_upcast", False):  # SDXL's overflows in half precision
        vae.to(torch.float32)
    parts = [vae.encode(part.to(vae.device, vae.dtype)).latent_dist.mode() for part in
             values.split(4)]  # fmt: skip
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    latents: Tensor = (torch.cat(parts).float() - shift) * vae.config.scaling_factor
    return latents


def answer(pipeline: DiffusionPipeline, noisy: Tensor, time: Tensor, told: Told) -> Tensor:
    """Ask the denoiser about noised latents, (B, C, h, w); return as much, float32."""
    denoiser = families.denoiser(pipeline)
    kind = families.of(pipeline).kind
    if kind is Kind.FLUX:
        return _answer_in_patches(pipeline, noisy, time, told)
    more: dict[str, Any] = {}
    if kind is Kind.SDXL:
        height, width = (side * pipeline.vae_scale_factor for side in noisy.shape[-2:])
        sizes = torch.tensor([height, width, 0, 0, height, width]).to(noisy)
        conditions = {"text_embeds": told.pooled, "time_ids": sizes.repeat(len(noisy), 1)}
        more = {"added_cond_kwargs": conditions}
    if kind is Kind.SD3:
        more = {"pooled_projections": told.pooled}
    made = denoiser(noisy, timestep=time, encoder_hidden_states=told.words, **more)
    sample: Tensor = made.sample.float()
    return sample


def _answer_in_patches(
    pipeline: DiffusionPipeline, noisy: Tensor, time: Tensor, told: Told
) -> Tensor:
    """Ask FLUX: four neighbouring latents are one token, and each token knows its place."""
    denoiser = families.denoiser(pipeline)
    rows, channels, height, width = noisy.shape
    places = pipeline._prepare_latent_image_ids(
        rows, height // 2, width // 2, noisy.device, noisy.dtype
    )
    guided = denoiser.config.guidance_embeds
    made = denoiser(
        hidden_states=pipeline._pack_latents(noisy, rows, channels, height, width),
        timestep=time / 1000,
        guidance=torch.full((rows,), _UNGUIDED).to(noisy) if guided else None,
        pooled_projections=told.pooled,
        encoder_hidden_states=told.words,
        txt_ids=torch.zeros(told.words.shape[1], 3).to(noisy),
        img_ids=places,
        return_dict=False,
    )[0]
    scale = pipeline.vae_scale_factor
    sample: Tensor = pipeline._unpack_latents(made, height * scale, width * scale, scale)
    return sample.float()
