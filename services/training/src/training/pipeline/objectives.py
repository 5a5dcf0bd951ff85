"""What a denoiser is asked in training: noised pictures, and how its answers are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from diffusers import DiffusionPipeline
from torch import Tensor

from training.pipeline.album import Batch
from training.pipeline.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Question:
    """A batch as the denoiser sees it, and what it should answer.

    Attributes:
        noisy: (B, C, h, w) float32.
        time: (B,) what the denoiser is told of the noise, in its own units.
        wanted: (B, C, h, w) float32.
        weight: (B, 1, 1, 1) float32, how much each row counts.
    """

    noisy: Tensor
    time: Tensor
    wanted: Tensor
    weight: Tensor


class Objective(Protocol):
    """A way of adding noise, and what is to be said of it."""

    def ask(self, clean: Tensor, chance: torch.Generator) -> Question:
        """Noise `clean`, (B, C, h, w) float32, by numbers from `chance`, a CPU generator."""


class Diffusion:
    """DDPM's: noise, velocity or the clean picture, as the base's scheduler says."""

    def __init__(self, alphas: Tensor, kind: str, gamma: float) -> None:
        """Take the schedule's ᾱ, (T,); `kind` is the scheduler's `prediction_type`."""
        self._alphas, self._kind, self._gamma = alphas, kind, gamma

    def ask(self, clean: Tensor, chance: torch.Generator) -> Question:
        """Noise at times drawn evenly."""
        time = torch.randint(0, len(self._alphas), (len(clean),), generator=chance)
        noise = torch.randn(clean.shape, generator=chance).to(clean)
        time = time.to(clean.device)
        kept = self._alphas[time].view(-1, 1, 1, 1).sqrt().to(clean)
        lost = (1 - kept**2).clamp(min=0).sqrt()
        wanted = {
            "sample": clean, "v_prediction": kept * noise - lost * clean, "epsilon": noise
        }[self._kind]  # fmt: skip
        weight = min_snr_weights(kept, self._kind, self._gamma)
        return Question(kept * clean + lost * noise, time, wanted, weight)


class Flow:
    """Rectified flow's: the straight way from the picture to noise."""

    def __init__(self, sigmas: Tensor, bias: float, *, scale: float) -> None:
        """Take the scheduler's noise levels, (T,) falling; time is told as level * `scale`."""
        self._sigmas, self._bias, self._scale = sigmas, bias, scale

    def ask(self, clean: Tensor, chance: torch.Generator) -> Question:
        """Noise at levels drawn logit-normally (Esser et al. 2024, arXiv:2403.03206)."""
        drawn = torch.sigmoid(torch.randn(len(clean), generator=chance) + self._bias)
        noise = torch.randn(clean.shape, generator=chance).to(clean)
        place = ((1 - drawn) * len(self._sigmas)).long().clamp(max=len(self._sigmas) - 1)
        level = self._sigmas[place.to(self._sigmas.device)].to(clean)
        sigma = level.view(-1, 1, 1, 1)
        mixed = (1 - sigma) * clean + sigma * noise
        return Question(mixed, level * self._scale, noise - clean, torch.ones_like(sigma))


def min_snr_weights(kept: Tensor, kind: str, gamma: float) -> Tensor:
    """Weight losses so that no time of the schedule dominates.

    Args:
        kept: sqrt(ᾱ) of each row, in [0, 1].
        kind: what is predicted: "epsilon", "v_prediction" or "sample".
        gamma: largest ratio that counts in full, unitless; 0 weighs noise and velocity alike.

    Returns:
        As `kept`: min(SNR, gamma) / SNR for noise, / (SNR + 1) for velocity; for the clean
        picture min(SNR + 1, gamma), which never leaves pure noise without a lesson.

    Source: Hang et al. 2023, arXiv:2303.09556.
    """
    ratio = kept.square() / (1 - kept.square()).clamp(min=1e-8)
    if kind == "sample":
        return (ratio + 1).clamp(max=gamma) if gamma else torch.ones_like(ratio)
    if not gamma:
        return torch.ones_like(ratio)
    capped = ratio.clamp(max=gamma)
    return capped / (ratio + 1) if kind == "v_prediction" else capped / ratio.clamp(min=1e-8)


def loss(made: Tensor, asked: Question, drawn: Batch) -> Tensor:
    """Return the mean error of answers, each row and each place as much as it counts."""
    wrong = asked.weight * drawn.regard * (made - asked.wanted).square()
    return wrong.mean() / drawn.regard.mean()


def objective_of(pipeline: DiffusionPipeline, recipe: Recipe, device: str) -> Objective:
    """Return what a base was trained with: its scheduler says which."""
    scheduler = pipeline.scheduler
    if hasattr(scheduler, "alphas_cumprod"):
        alphas = scheduler.alphas_cumprod.to(device)
        return Diffusion(alphas, scheduler.config.prediction_type, recipe.gamma)
    steps = scheduler.config.num_train_timesteps
    levels = scheduler.sigmas[:steps].to(device)
    return Flow(levels, recipe.bias, scale=float(steps))
