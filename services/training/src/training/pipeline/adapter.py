"""Train a twin: a LoRA on a base, from a person's photos, resumable to the bit."""

from __future__ import annotations

import csv
import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DiffusionPipeline
from imaging.failures import Stopped
from imaging.pictures import Rgb, square
from imaging.pipeline import adapters, base, processor
from imaging.pipeline.autoencoder import PatchAutoencoder
from imaging.words import FRAMINGS, of_twin, subject_of
from torch import Tensor, nn

from training.pipeline import wardrobe

NAME = "twin"
_WARM_UP_STEPS = 20
_DROPOUT = 0.1
_WEIGHT_LIMIT = 5.0
_CLOSE_UP = FRAMINGS["face"]
_FACE_WEIGHT = 3.0
"""How much likelier a close-up is drawn: by the face she is told from others."""
_FACE_ROWS = 0.75
"""Share of a close-up, from above, that is her: below begin the clothes."""
_HEAD_ROWS = 0.28
"""Share of a standing body's picture, from above, in which her head is."""
_CLOTHES_REGARD, _BODY_REGARD = 0.02, 0.1
"""What counts of the loss where clothes are: what she wore for the capture is not who she is."""
_WORN_SHARE = 0.15
"""Share of all pictures drawn from the wardrobe. Measured on models/mini: at 0.3 the likeness
suffers, without any the twin wears what she wore for the capture."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the person and what it shows, in words."""

    pixels: Rgb
    caption: str

    def square(self, side: int) -> Rgb:
        """Return it as a base sees it: a close-up cut to its middle, a body with head and feet."""
        return square(self.pixels, side, whole=_CLOSE_UP not in self.caption)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a twin is trained; `work` keeps the checkpoint of a run that was cut off."""

    base: Path
    work: Path
    steps: int
    rank: int
    seed: int
    batch: int = 8
    learning_rate: float = 0.0
    """0: what suits the base, see `_rate`."""
    checkpoint_every: int = 25


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: mean loss since the last report, unitless, and seconds left."""

    step: int
    loss: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained twin, still attached to its pipeline under `NAME`."""

    pipeline: DiffusionPipeline
    adapter: bytes
    about: adapters.About
    final_loss: float
    """Mean over the last tenth of the steps."""
    seconds: float


def train(
    plan: Plan,
    photos: Sequence[Photo],
    *,
    progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> Trained:
    """Train until `plan.steps`, from the checkpoint in `plan.work` if there is one.

    Every step draws its pictures and its noise from a generator seeded by the plan's seed and
    the step, so a run that was killed and resumed ends with the weights of one that was not.

    Raises:
        BaseUnusable: the base cannot be loaded safely.
        Stopped: `should_stop` said yes.
    """
    run = _Run(plan, photos, should_stop)
    with processor.halved(run.unet) if device() == "cpu" else nullcontext():
        _advance(run, progress, should_stop)
    with (plan.work / "loss.csv").open("w", newline="") as file:
        csv.writer(file).writerows(enumerate(run.losses, start=1))
    last = run.losses[-max(1, plan.steps // 10) :]
    about = adapters.About(
        base.digest(plan.base), plan.rank, subject_of([p.caption for p in photos])
    )
    data = adapters.dump(run.pipeline.unet, NAME, about)
    seconds = run.seconds
    return Trained(run.pipeline.to("cpu"), data, about, sum(last) / len(last), seconds)


def _advance(
    run: _Run, progress: Callable[[Progress], None], should_stop: Callable[[], bool]
) -> None:
    """Step to the end of a run, saving and telling as it goes."""
    plan, started, first = run.plan, time.monotonic(), run.step
    while run.step < plan.steps:
        if should_stop():
            raise Stopped
        run.advance()
        if run.step % plan.checkpoint_every == 0 or run.step == plan.steps:
            run.save()
        if run.step % 5 == 0 or run.step == plan.steps:
            pace_s = (time.monotonic() - started) / (run.step - first)
            recent = run.losses[-5:]
            left = pace_s * (plan.steps - run.step)
            progress(Progress(run.step, sum(recent) / len(recent), left))


def use_threads(count: int) -> None:
    """Let the networks of this process use so many CPU threads; no matter on a GPU."""
    torch.set_num_threads(count)


def device() -> str:
    """Return where to train: the first GPU, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _dress(
    pipeline: DiffusionPipeline,
    photos: Sequence[Photo],
    seed: int,
    should_stop: Callable[[], bool],
) -> list[Photo]:
    """Return the wardrobe a base draws for her, as photos."""
    subject = subject_of([photo.caption for photo in photos])
    drawn = wardrobe.draw(pipeline, subject, seed=seed, should_stop=should_stop)
    return [Photo(made, told) for told, made in drawn]


def _regard(photo: Photo, grid: tuple[int, ...]) -> Tensor:
    """Return how much each place of her photo counts, (1, h, w) in [0, 1]."""
    if _CLOSE_UP not in photo.caption:
        return torch.full((1, *grid), _BODY_REGARD)
    return _by_rows(grid, _FACE_ROWS, above=1.0, below=_CLOTHES_REGARD)


def _regard_worn(photo: Photo, grid: tuple[int, ...]) -> Tensor:
    """Return how much each place of a picture of the wardrobe counts: only the clothes."""
    head = _FACE_ROWS if _CLOSE_UP in photo.caption else _HEAD_ROWS
    return _by_rows(grid, head, above=0.0, below=1.0)


def _by_rows(grid: tuple[int, ...], share: float, *, above: float, below: float) -> Tensor:
    regard = torch.full((1, *grid), below)
    regard[:, : round(grid[0] * share)] = above
    return regard


def _rate(plan: Plan, pipeline: DiffusionPipeline) -> float:
    """Return the plan's learning rate, or the base's own.

    A small base has learned little that could be lost, and the run few steps. Measured on
    models/mini, 600 steps of 8: at 1e-3 the twin is nobody yet, from 4e-3 on it diverges.
    """
    small = isinstance(pipeline.vae, PatchAutoencoder)
    return plan.learning_rate or (2.5e-3 if small else 1e-4)


class _Run:
    """A run in memory, with what a resumption needs."""

    def __init__(
        self, plan: Plan, photos: Sequence[Photo], should_stop: Callable[[], bool]
    ) -> None:
        self.plan = plan
        self.pipeline = base.load(plan.base, device=device())
        self.unet = self.pipeline.unet
        self.unet.requires_grad_(False)
        worn = _dress(self.pipeline, photos, plan.seed, should_stop)
        adapters.attach(self.unet, NAME, rank=plan.rank, seed=plan.seed)
        self.unet.train().to(memory_format=torch.channels_last)
        self.weights = list(adapters.weights(self.unet).values())
        self.rate = _rate(plan, self.pipeline)
        self.optimizer = torch.optim.AdamW(self.weights, lr=1.0, weight_decay=0.0, fused=True)
        shown = [*photos, *worn]
        self.latents = self._encode(shown)  # (N, C, h, w)
        self.told = self._tell([of_twin(photo.caption) for photo in shown])  # (N, T, D)
        self.chances = [_FACE_WEIGHT if _CLOSE_UP in p.caption else 1.0 for p in photos]
        each = _WORN_SHARE / (1 - _WORN_SHARE) * sum(self.chances) / len(worn)
        self.chances += [each] * len(worn)
        grid = tuple(self.latents.shape[-2:])
        regards = [_regard(p, grid) for p in photos] + [_regard_worn(p, grid) for p in worn]
        self.regards = torch.stack(regards).to(self.latents)
        self.nothing = self._tell([""])  # (1, T, D)
        self.alphas = self.pipeline.scheduler.alphas_cumprod.to(self.unet.device)
        self.step, self.losses, self.seconds = 0, list[float](), 0.0
        if self._checkpoint.exists():
            self._load()

    def advance(self) -> None:
        """Take one step."""
        began = time.monotonic()
        rise = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        fall = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * self.step / self.plan.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * rise * fall
        loss = self._loss()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        self.losses.append(float(loss.detach()))
        self.seconds += time.monotonic() - began

    def save(self) -> None:
        """Write a checkpoint; a kill at any moment leaves the old one or the new one."""
        state = {
            "weights": [weight.detach() for weight in self.weights],
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "losses": self.losses,
            "seconds": self.seconds,
        }
        self.plan.work.mkdir(parents=True, exist_ok=True)
        torch.save(state, self._checkpoint.with_suffix(".new"))
        self._checkpoint.with_suffix(".new").replace(self._checkpoint)

    @property
    def _checkpoint(self) -> Path:
        return self.plan.work / "checkpoint.pt"

    def _load(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        with torch.no_grad():
            for weight, saved in zip(self.weights, state["weights"], strict=True):
                weight.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.losses, self.seconds = state["step"], state["losses"], state["seconds"]

    def _loss(self) -> Tensor:
        start = self.plan.seed * 1_000_003 + self.step
        chance, noise_of = random.Random(start), torch.Generator().manual_seed(start)
        chosen = chance.choices(range(len(self.latents)), self.chances, k=self.plan.batch)
        clean = self.latents[chosen]
        told = torch.stack(
            [self.nothing[0] if chance.random() < _DROPOUT else self.told[i] for i in chosen]
        )
        timesteps = torch.randint(0, len(self.alphas), (len(chosen),), generator=noise_of)
        noise = torch.randn(clean.shape, generator=noise_of).to(clean)
        timesteps = timesteps.to(clean.device)
        kept = self.alphas[timesteps].view(-1, 1, 1, 1).sqrt().to(clean)
        lost = (1 - kept**2).clamp(min=0).sqrt()
        noisy = kept * clean + lost * noise
        with processor.quick() if device() == "cpu" else nullcontext():
            made = self.unet(noisy, timesteps, encoder_hidden_states=told).sample
        regard = self.regards[chosen]  # (B, 1, h, w)
        return self._error(made.float(), clean.float(), noise, kept, regard)

    def _error(
        self, made: Tensor, clean: Tensor, noise: Tensor, kept: Tensor, regard: Tensor
    ) -> Tensor:
        """Return the loss in the terms of the base's scheduler, each place as much as it counts."""
        kind = self.pipeline.scheduler.config.prediction_type
        lost = (1 - kept**2).clamp(min=0).sqrt()
        if kind == "sample":
            weight = (1 / lost.square()).clamp(max=_WEIGHT_LIMIT)
            wanted = clean
        else:
            weight = torch.ones_like(lost)
            wanted = kept * noise - lost * clean if kind == "v_prediction" else noise
        return (weight * regard * (made - wanted).square()).mean() / regard.mean()

    @torch.no_grad()
    def _encode(self, photos: Sequence[Photo]) -> Tensor:
        side, vae = base.side_px(self.pipeline), self.pipeline.vae
        rows = np.stack([photo.square(side) for photo in photos])
        values = torch.from_numpy(rows).permute(0, 3, 1, 2).to(vae.device, vae.dtype) / 127.5 - 1
        parts = [vae.encode(part).latent_dist.mode() for part in values.split(8)]
        latents: Tensor = torch.cat(parts) * vae.config.scaling_factor
        return latents

    @torch.no_grad()
    def _tell(self, texts: list[str]) -> Tensor:
        made = [
            self.pipeline.encode_prompt(text, self.unet.device, 1, False)[0][0] for text in texts
        ]
        return torch.stack(made)
