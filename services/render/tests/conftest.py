"""render as a whole beside real identity, training and licensing, and twins of random weights."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

Adapter = Callable[[int], bytes]


@pytest.fixture(scope="session")
def adapter_of(tiny_bases: Path) -> Adapter:
    """Make a twin's weights on the base "tiny" from a seed: random, but strong enough to show."""
    import torch  # noqa: PLC0415 -- only where a test asks for weights
    from imaging.pipeline import adapters, base  # noqa: PLC0415

    @cache
    def make(seed: int) -> bytes:
        folder = tiny_bases / "tiny"
        denoiser = base.load(folder).unet
        adapters.attach(denoiser, "twin", rank=4, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in adapters.weights(denoiser).values():
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.2)
        about = adapters.About(base.digest(folder), 4, "woman")
        return adapters.dump(denoiser, "twin", about)

    return make
