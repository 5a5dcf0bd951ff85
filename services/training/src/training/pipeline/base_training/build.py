"""The parts of a small base, and the diffusers folder they are saved as."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from imaging.pipeline.autoencoder import PatchAutoencoder
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

TOKENS = 40
"""Words a caption may have, start and end counted."""
TRAIN_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the parts of a base are."""

    channels: tuple[int, ...] = (128, 160, 224)
    """Of the denoiser, from the full grid down; each level has half the side."""
    layers: int = 2
    """Of the full grid, where a face's detail is; each level below has one."""
    text_width: int = 192
    text_layers: int = 3
    heads: int = 4


def make_tokenizer(vocabulary: dict[str, int]) -> PreTrainedTokenizerFast:
    """Return a word-level tokenizer: lower case, punctuation ignored, unknown words marked."""
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex("[a-z0-9]+(?:-[a-z0-9]+)*"), behavior="removed", invert=True
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>",
        special_tokens=[("<start>", vocabulary["<start>"]), ("<end>", vocabulary["<end>"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<start>",
        eos_token="<end>",
        model_max_length=TOKENS,
    )


def make_text_encoder(vocabulary: dict[str, int], shape: Shape) -> CLIPTextModel:
    """Return an untrained text encoder that minds its attention mask."""
    config = CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=shape.text_width,
        intermediate_size=2 * shape.text_width,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=TOKENS,
        pad_token_id=vocabulary["<pad>"],
        bos_token_id=vocabulary["<start>"],
        eos_token_id=vocabulary["<end>"],
        hidden_act="gelu",
    )
    config.use_attention_mask = True
    return CLIPTextModel(config)


def make_denoiser(autoencoder: PatchAutoencoder, shape: Shape) -> UNet2DConditionModel:
    """Return an untrained denoiser: convolutions at full grid, attention to words below it.

    On a CPU's budget a U-Net learns colours and outlines in a fifth of the pictures that a
    transformer over 2 x 2 latents needs, and takes twice as many a second.
    """
    levels = len(shape.channels)
    return UNet2DConditionModel(
        sample_size=autoencoder.config.sample_size // autoencoder.config.patch_size,
        in_channels=autoencoder.config.latent_channels,
        out_channels=autoencoder.config.latent_channels,
        block_out_channels=shape.channels,
        layers_per_block=(shape.layers, *[1] * (levels - 1)),
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (levels - 1)),
        up_block_types=(*["CrossAttnUpBlock2D"] * (levels - 1), "UpBlock2D"),
        cross_attention_dim=shape.text_width,
        attention_head_dim=shape.heads,
        addition_embed_type="text",
        addition_embed_type_num_heads=shape.heads,
    )


def make_scheduler() -> DDIMScheduler:
    """Return the noise schedule: cosine, down to no signal at all; the clean picture is predicted.

    A narrow network can name a clean picture, which lies near few dimensions; noise fills all
    of them (Li and He, "Back to Basics: Let Denoising Generative Models Denoise", 2025).
    """
    return DDIMScheduler(
        num_train_timesteps=TRAIN_STEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="sample",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def save(
    folder: Path,
    *,
    autoencoder: PatchAutoencoder,
    text_encoder: CLIPTextModel,
    tokenizer: PreTrainedTokenizerFast,
    unet: UNet2DConditionModel,
) -> None:
    """Write a base as a diffusers folder of half-precision safetensors."""
    pipeline = StableDiffusionPipeline(
        vae=autoencoder.half(),
        text_encoder=text_encoder.half(),
        tokenizer=tokenizer,
        unet=unet.half(),
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    _name_parts(folder)
    for part in (autoencoder, text_encoder, unet):
        part.to(torch.float32)


def _name_parts(folder: Path) -> None:
    """Point the index at our own module and the text encoder at float32; name no path of here."""
    vae = folder / "vae" / "config.json"
    kept = {k: v for k, v in json.loads(vae.read_text()).items() if k != "_name_or_path"}
    vae.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    index = folder / "model_index.json"
    entries = json.loads(index.read_text())
    entries["vae"] = [PatchAutoencoder.__module__, PatchAutoencoder.__name__]
    index.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
    config = folder / "text_encoder" / "config.json"
    entries = json.loads(config.read_text())
    entries["dtype"] = "float32"
    config.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
