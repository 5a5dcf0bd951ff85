"""Fit a patch autoencoder to a corpus: closed form first, then a short tuning of the decoder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from imaging.pipeline.autoencoder import PatchAutoencoder
from torch import Tensor, nn
from torch.nn import functional

Pictures = npt.NDArray[np.uint8]
_RIDGE = 1e-4


def fit(pictures: Pictures, *, patch: int, channels: int, seed: int) -> PatchAutoencoder:
    """Return the autoencoder whose latents are the patches' leading principal components.

    A component is divided by the square root of its own spread (half whitened): what matters
    most to the eye keeps most of the variance, so a denoiser draws it first, and the faint
    components that carry a face's detail are still far above nothing. Latents have mean
    variance 1 and mean 0.

    Args:
        pictures: (N, S, S, 3) uint8.
        patch: side of a patch in pixels, a power of two.
        channels: how many components are kept.
        seed: which pictures are looked at (at most 1,200).
    """
    chosen = _sample(pictures, 1200, seed)
    rows = _patches(chosen, patch)  # (P, 3 * patch^2)
    mean = rows.mean(0)
    spread, basis = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
    deviation = spread.flip(0)[:channels].clamp(min=1e-12).sqrt()  # (C,)
    kept = basis.flip(1)[:, :channels]  # (V, C)
    gain = 1 / (deviation.sqrt() * deviation.mean().sqrt())  # (C,)
    model: PatchAutoencoder = PatchAutoencoder(
        patch_size=patch,
        latent_channels=channels,
        sample_size=pictures.shape[1],
        block_out_channels=(1,) * patch.bit_length(),
    )
    weight = (kept * gain).T  # (C, V), a patch as pixel shuffle orders it
    with torch.no_grad():
        patches = weight.reshape(channels, 3, patch, patch)
        model.encoder.load_state_dict({"weight": patches, "bias": -(weight @ mean)})
        _fit_decoder(model, chosen[:800])
    model.eval()
    return model


def tune(
    model: PatchAutoencoder,
    pictures: Pictures,
    *,
    steps: int,
    seed: int,
    progress: Callable[[int, float], None],
) -> None:
    """Train the decoder's small residual network against block edges; the latents stay.

    Args:
        model: changed in place.
        pictures: (N, S, S, 3) uint8.
        steps: batches of eight pictures.
        seed: order of the pictures.
        progress: called with step and mean absolute error in [-1, 1] units.
    """
    random = np.random.default_rng(seed)
    model.encoder.requires_grad_(False)
    weights = [*model.refiner.parameters(), *model.decoder.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    for step in range(steps):
        batch = to_tensor(pictures[np.sort(random.choice(len(pictures), 8, replace=False))])
        made = model(batch)
        loss = functional.l1_loss(made, batch) + functional.l1_loss(_edges(made), _edges(batch))
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        progress(step + 1, float(loss.detach()))


def to_tensor(pictures: Pictures) -> Tensor:
    """Return pictures (N, S, S, 3) uint8 as (N, 3, S, S) float32 in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def encode_all(model: PatchAutoencoder, pictures: Pictures) -> Tensor:
    """Return the latents of all pictures, (N, C, h, w) float16."""
    parts = [
        model.encoder(to_tensor(pictures[i : i + 64])).half() for i in range(0, len(pictures), 64)
    ]
    return torch.cat(parts)


@torch.no_grad()
def psnr(model: PatchAutoencoder, pictures: Pictures) -> float:
    """Return the peak signal-to-noise ratio of the round trip in dB."""
    batch = to_tensor(pictures)
    return float(10 * torch.log10(4 / functional.mse_loss(model(batch).clamp(-1, 1), batch)))


def _fit_decoder(model: PatchAutoencoder, pictures: Tensor) -> None:
    """Set the 3x3 decoder to the ridge regression of patches on their latent neighbourhoods."""
    channels, patch = model.config.latent_channels, model.config.patch_size
    inputs = channels * 9 + 1
    gram = torch.zeros(inputs, inputs, dtype=torch.float64)
    cross = torch.zeros(inputs, 3 * patch * patch, dtype=torch.float64)
    for batch in pictures.split(50):
        latents = functional.pad(model.encoder(batch), (1, 1, 1, 1), mode="replicate")
        columns = functional.unfold(latents, 3).transpose(1, 2).reshape(-1, inputs - 1)
        columns = torch.cat([columns, torch.ones(len(columns), 1)], dim=1).double()
        gram += columns.T @ columns
        cross += columns.T @ _patches(batch, patch).double()
    ridge = _RIDGE * gram.diagonal().mean() * torch.eye(inputs, dtype=torch.float64)
    solved = torch.linalg.solve(gram + ridge, cross).float()  # (9C + 1, V)
    weight = solved[:-1].T.reshape(-1, channels, 3, 3)
    model.decoder.load_state_dict({"weight": weight, "bias": solved[-1]})


def _sample(pictures: Pictures, count: int, seed: int) -> Tensor:
    random = np.random.default_rng(seed)
    chosen = random.choice(len(pictures), min(count, len(pictures)), replace=False)
    return to_tensor(pictures[np.sort(chosen)])


def _patches(pictures: Tensor, patch: int) -> Tensor:
    """Return (B * h * w, 3 * patch^2), a patch's values in the order of pixel shuffle."""
    values = functional.pixel_unshuffle(pictures, patch)  # (B, 3 * patch^2, h, w)
    return values.permute(0, 2, 3, 1).reshape(-1, values.shape[1])


def _edges(pictures: Tensor) -> Tensor:
    return pictures[..., 1:, 1:] - pictures[..., :-1, :-1]
