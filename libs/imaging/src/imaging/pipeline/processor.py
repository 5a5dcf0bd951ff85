"""How networks are run and trained where there is no GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


@cache
def has_bfloat16() -> bool:
    """Return whether this CPU multiplies in bfloat16 by itself; training is then twice as fast."""
    flags = Path("/proc/cpuinfo")
    return flags.exists() and "avx512_bf16" in flags.read_text()


def use_threads(count: int) -> None:
    """Let the networks of this thread use so many CPU threads; no matter on a GPU."""
    torch.set_num_threads(count)


@contextmanager
def quick() -> Iterator[None]:
    """Run one forward pass of training; its way back follows suit, outside the block.

    In bfloat16 where the CPU has it. Attention is plain products: the fused kernel's way back is
    slower at our few hundred places (a tenth of a step of models/mini, measured).
    """
    half = torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16())
    with sdpa_kernel(SDPBackend.MATH), half:
        yield


@contextmanager
def halved(network: nn.Module) -> Iterator[None]:
    """Hold a network's frozen weights in bfloat16, where the CPU has it, until the block ends.

    They are then not converted at every pass (a twentieth of a step, measured); at the end all
    weights are as before.
    """
    kept = {weight: weight.data for weight in _frozen(network)} if has_bfloat16() else {}
    for weight in kept:
        weight.data = weight.data.to(torch.bfloat16)
    try:
        yield
    finally:
        for weight, before in kept.items():
            weight.data = before


def _frozen(network: nn.Module) -> list[nn.Parameter]:
    """Return what products and convolutions multiply with and training does not change."""
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    own = [weight for layer in layers for weight in layer.parameters(recurse=False)]
    return [weight for weight in own if not weight.requires_grad]
