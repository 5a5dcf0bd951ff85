"""Bases of the families people use, of random weights and as small as their shape allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from training.pipeline.base_training import build, captions
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
)

from house.people import photos

SIDE_PX = 48
_WIDTH = 32


def write(name: str, folder: Path) -> None:
    """Write the tiny base of a family: "sd", "sdxl", "sd3" or "flux"; the same bytes each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        _MAKERS[name]().save_pretrained(folder, safe_serialization=True)


def _words() -> dict[str, int]:
    return captions.vocabulary(one["facts"]["caption"] for one in photos("alba")[:12])


def _clip(kind: type[Any], projection: int = _WIDTH) -> Any:
    words = _words()
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=_WIDTH,
        intermediate_size=_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=build.TOKENS,
        projection_dim=projection,
        pad_token_id=words["<pad>"],
        bos_token_id=words["<start>"],
        eos_token_id=words["<end>"],
    )
    return kind(config)


def _t5(width: int = _WIDTH) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=len(_words()), d_model=width, d_kv=16, d_ff=width, num_layers=1,
            num_heads=2, pad_token_id=0,
        )
    )  # fmt: skip


def _tokenizer() -> Any:
    return build.make_tokenizer(_words())


def _vae(channels: int = 4, shift: float | None = None) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 16),
        norm_num_groups=8,
        latent_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        sample_size=SIDE_PX,
        shift_factor=shift,
    )


def _unet(**more: Any) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=SIDE_PX // 2,
        block_out_channels=(16, 32),
        norm_num_groups=8,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
        **more,
    )


def _sd() -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=_clip(CLIPTextModel),
        tokenizer=_tokenizer(),
        unet=_unet(cross_attention_dim=_WIDTH),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False, set_alpha_to_one=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl() -> StableDiffusionXLPipeline:
    sizes = 8
    return StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=_clip(CLIPTextModel),
        text_encoder_2=_clip(CLIPTextModelWithProjection),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        unet=_unet(
            cross_attention_dim=2 * _WIDTH,
            addition_embed_type="text_time",
            addition_time_embed_dim=sizes,
            projection_class_embeddings_input_dim=_WIDTH + 6 * sizes,
            use_linear_projection=True,
        ),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False, set_alpha_to_one=False),
        add_watermarker=False,
    )


def _sd3() -> StableDiffusion3Pipeline:
    return StableDiffusion3Pipeline(
        vae=_vae(8, shift=0.1),
        text_encoder=_clip(CLIPTextModelWithProjection),
        text_encoder_2=_clip(CLIPTextModelWithProjection),
        text_encoder_3=_t5(2 * _WIDTH),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        tokenizer_3=_tokenizer(),
        transformer=SD3Transformer2DModel(
            sample_size=SIDE_PX // 2,
            patch_size=2,
            in_channels=8,
            out_channels=8,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=2 * _WIDTH,
            caption_projection_dim=32,
            pooled_projection_dim=2 * _WIDTH,
            pos_embed_max_size=64,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def _flux() -> FluxPipeline:
    return FluxPipeline(
        vae=_vae(4, shift=0.1),
        text_encoder=_clip(CLIPTextModel),
        text_encoder_2=_t5(),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=_WIDTH,
            pooled_projection_dim=_WIDTH,
            guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )


_MAKERS: dict[str, Callable[[], Any]] = {"sd": _sd, "sdxl": _sdxl, "sd3": _sd3, "flux": _flux}
