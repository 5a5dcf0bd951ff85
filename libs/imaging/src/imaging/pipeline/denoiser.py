"""A transformer as the denoiser of a small base: few tokens, wide, all work in linear layers."""

from __future__ import annotations

from typing import Any

from diffusers import PixArtTransformer2DModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor


class TokenDenoiser(PixArtTransformer2DModel, ModelMixin):  # type: ignore[misc]
    """diffusers' PixArt transformer, called the way Stable Diffusion's pipelines call theirs.

    ModelMixin is a base already; pipelines look for that name in a part's own module.
    """

    @register_to_config  # type: ignore[untyped-decorator]  # diffusers has no types
    def __init__(
        self,
        num_attention_heads: int = 5,
        attention_head_dim: int = 64,
        in_channels: int = 32,
        num_layers: int = 10,
        sample_size: int = 16,
        patch_size: int = 2,
        caption_channels: int = 192,
        time_cond_proj_dim: int | None = None,
    ) -> None:
        """Lay the layers; `time_cond_proj_dim` is only what those pipelines ask every denoiser."""
        super().__init__(
            num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim,
            in_channels=in_channels,
            out_channels=in_channels,
            num_layers=num_layers,
            cross_attention_dim=num_attention_heads * attention_head_dim,
            sample_size=sample_size,
            patch_size=patch_size,
            interpolation_scale=1,
            use_additional_conditions=False,
            caption_channels=caption_channels,
        )

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        encoder_hidden_states: Tensor,
        timestep_cond: Tensor | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        added_cond_kwargs: dict[str, Any] | None = None,
        return_dict: bool = True,
    ) -> Transformer2DModelOutput | tuple[Tensor]:
        """Return what the scheduler's prediction type names.

        Args:
            sample: (B, C, h, w) noisy latents.
            timestep: (B,) or one for all, int in [0, 1000).
            encoder_hidden_states: (B, T, D) the words.
            timestep_cond: unused, as the next two.
            cross_attention_kwargs: passed on to attention.
            added_cond_kwargs: unused.
            return_dict: False answers with a tuple.
        """
        times = timestep if isinstance(timestep, Tensor) else sample.new_tensor(timestep)
        return super().forward(
            sample,
            encoder_hidden_states=encoder_hidden_states,
            timestep=times.expand(len(sample)),
            cross_attention_kwargs=cross_attention_kwargs,
            return_dict=return_dict,
        )
