"""How networks are held and run on the device there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from diffusers import DiffusionPipeline
from imaging.pipeline import families, processor
from imaging.pipeline.families import Kind
from torch import nn

_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3", "vae")


@dataclass(frozen=True, slots=True)
class Way:
    """What training does differently on a device."""

    device: str
    dtype: torch.dtype
    """Of the frozen weights; what is trained is always float32."""
    checkpointing: bool
    """Whether activations are computed anew on the way back, for room."""
    parking: bool
    """Whether text encoders and autoencoder wait in main memory while the denoiser learns."""
    half: bool
    """Whether forward passes run in bfloat16."""


def name() -> str:
    """Return where to train: the first GPU, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def way(device: str, kind: Kind) -> Way:
    """Return how a family is trained on a device.

    On a GPU in bfloat16, which has float32's range: float16 would need its loss scaled. The
    small base fits anywhere and is neither parked nor computed twice. On a CPU transformers run in
    float32: their layer norms have no bfloat16 there.
    """
    if device == "cpu":
        half = processor.has_bfloat16() and families.FAMILIES[kind].denoiser == "unet"
        return Way(device, torch.float32, checkpointing=False, parking=False, half=half)
    large = kind is not Kind.MINI
    return Way(device, torch.bfloat16, checkpointing=large, parking=large, half=True)


@contextmanager
def quick(way: Way) -> Iterator[None]:
    """Run a forward pass of training as a device does it fastest."""
    if way.device == "cpu" and way.half and not way.checkpointing:
        with processor.quick():
            yield
        return
    with torch.autocast(way.device, torch.bfloat16, enabled=way.half):
        yield


@contextmanager
def halved(denoiser: nn.Module, way: Way) -> Iterator[None]:
    """Hold a CPU's frozen weights in the kind of number that passes run in, until the end."""
    with processor.halved(denoiser) if way.device == "cpu" and way.half else nullcontext():
        yield


def ready(pipeline: DiffusionPipeline, way: Way) -> None:
    """Prepare a denoiser that carries a LoRA: what learns in float32, the rest for good frozen."""
    denoiser = families.denoiser(pipeline)
    for name_, weight in denoiser.named_parameters():
        if "lora_" in name_:
            weight.data = weight.data.float()
    if way.checkpointing:
        denoiser.enable_gradient_checkpointing()
    for layer in denoiser.modules():
        if isinstance(layer, nn.Conv2d):
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    denoiser.train()


def park(pipeline: DiffusionPipeline, way: Way) -> None:
    """Send what the denoiser learns without to main memory."""
    _move(pipeline, "cpu" if way.parking else way.device)


def fetch(pipeline: DiffusionPipeline, way: Way) -> None:
    """Bring it back, to draw."""
    _move(pipeline, way.device)


def _move(pipeline: DiffusionPipeline, device: str) -> None:
    for part in _ENCODERS:
        network = getattr(pipeline, part, None)
        if isinstance(network, nn.Module):
            network.to(device)
