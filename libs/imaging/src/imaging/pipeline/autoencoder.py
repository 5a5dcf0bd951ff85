"""A linear patch autoencoder: the latents of a small base that must keep a face."""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

_CERTAIN = -30.0
"""Log variance of a latent that is not random (diffusers clamps at -30)."""


class PatchAutoencoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Principal components of picture patches as latents, and a decoder that sees neighbours.

    The encoder is one linear map per patch, fitted in closed form (no training), so what it
    loses is known exactly. The decoder is a 3x3 map over the latent grid, also fitted in closed
    form, plus a small residual network that softens block edges; both end in a pixel shuffle.
    """

    @register_to_config  # type: ignore[untyped-decorator]  # diffusers has no types
    def __init__(
        self,
        patch_size: int = 16,
        latent_channels: int = 32,
        sample_size: int = 256,
        width: int = 160,
        scaling_factor: float = 1.0,
        block_out_channels: tuple[int, ...] = (1, 1, 1, 1, 1),
    ) -> None:
        """Lay the layers; `block_out_channels` only tells pipelines the patch size, 2^(n-1)."""
        super().__init__()
        if 2 ** (len(block_out_channels) - 1) != patch_size:
            raise ValueError(f"block_out_channels must have log2({patch_size}) + 1 entries")
        values = 3 * patch_size * patch_size
        self.encoder = nn.Conv2d(3, latent_channels, patch_size, stride=patch_size)
        self.decoder = nn.Conv2d(latent_channels, values, 3, padding=1, padding_mode="replicate")
        last = nn.Conv2d(width, values, 1)
        self.refiner = nn.Sequential(
            nn.Conv2d(latent_channels, width, 3, padding=1, padding_mode="replicate"),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate"),
            nn.SiLU(),
            last,
        )
        nn.init.zeros_(last.weight)
        if last.bias is not None:
            nn.init.zeros_(last.bias)
        self.shuffle = nn.PixelShuffle(patch_size)

    def encode(
        self, x: Tensor, return_dict: bool = True
    ) -> AutoencoderKLOutput | tuple[DiagonalGaussianDistribution]:
        """Return the latents of `x` as a distribution without spread.

        Args:
            x: (B, 3, H, W) float in [-1, 1]; H and W multiples of the patch size.
            return_dict: False answers with a tuple, as diffusers' autoencoders do.

        Returns:
            mode and sample are (B, C, H/patch, W/patch).
        """
        mean = self.encoder(x)
        moments = torch.cat([mean, torch.full_like(mean, _CERTAIN)], dim=1)
        latents = DiagonalGaussianDistribution(moments, deterministic=True)
        return AutoencoderKLOutput(latent_dist=latents) if return_dict else (latents,)

    def decode(
        self, z: Tensor, return_dict: bool = True, generator: torch.Generator | None = None
    ) -> DecoderOutput | tuple[Tensor]:
        """Return the pictures of latents.

        Args:
            z: (B, C, h, w) latents, not scaled.
            return_dict: False answers with a tuple.
            generator: taken because diffusers' pipelines pass one; nothing here is random.

        Returns:
            (B, 3, h * patch, w * patch), about [-1, 1].
        """
        picture = self._paint(z)
        return DecoderOutput(sample=picture) if return_dict else (picture,)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` after the round trip."""
        return self._paint(self.encoder(x))

    def _paint(self, z: Tensor) -> Tensor:
        picture: Tensor = self.shuffle(self.decoder(z) + self.refiner(z))
        return picture
