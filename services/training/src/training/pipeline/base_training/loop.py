"""Train a base's text encoder and denoiser: resumable, within a time budget, on a few cores.

Each process uses one thread: small operators are faster so, and two processes that add up
their gradients beat one with two threads.
"""

from __future__ import annotations

import csv
import math
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from imaging.pipeline import base as bases
from imaging.pipeline import processor
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from training.pipeline.base_training import build
from training.pipeline.base_training.data import Prepared, words
from training.pipeline.regards import FACE_SEEN

_WARM_UP_STEPS = 200
_EMA_LIMIT = 0.9995
_WEIGHT_LIMIT = 5.0
_FACE_REGARD = 3.0
"""How much more a face counts than hair, clothes and ground."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to train."""

    work: Path
    minutes: float
    """Wall time of the whole plan, over all resumptions; the learning rate falls towards it."""
    batch: int = 8
    """Pictures per process and step."""
    learning_rate: float = 6e-4
    seed: int = 0
    checkpoint_s: float = 180.0
    start_from: Path | None = None
    """A base of the same words, whose weights a fresh run starts with where they fit."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training is."""

    step: int
    loss: float
    seconds: float
    seconds_left: float


class Trainee(nn.Module):
    """The two networks that learn together."""

    def __init__(self, prepared: Prepared, shape: build.Shape) -> None:
        """Make both untrained."""
        super().__init__()
        self.text_encoder = build.make_text_encoder(prepared.vocabulary, shape)
        self.unet = build.make_denoiser(prepared.autoencoder, shape)

    def forward(self, noisy: Tensor, timesteps: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Predict the clean latents (B, C, h, w) of noisy ones told `ids`."""
        told = self.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        clean: Tensor = self.unet(noisy, timesteps, encoder_hidden_states=told).sample
        return clean

    def start_from(self, base: Path) -> None:
        """Take the weights of a trained base; parts of another shape stay untrained.

        A base that predicts velocities begins with its output turned round: where nothing of
        the picture is left that is the clean picture, and the rest it learns.
        """
        trained = bases.load(base)
        self.text_encoder.load_state_dict(trained.text_encoder.state_dict())
        ours = self.unet.state_dict()
        theirs = trained.unet.state_dict().items()
        fitting = {k: v for k, v in theirs if k in ours and v.shape == ours[k].shape}
        self.unet.load_state_dict(ours | fitting)
        if trained.scheduler.config.prediction_type == "v_prediction":
            with torch.no_grad():
                self.unet.conv_out.weight.neg_()
                self.unet.conv_out.bias.neg_()


class Training:
    """One process's share of a training run, with everything a resumption needs."""

    def __init__(self, prepared: Prepared, plan: Plan, shape: build.Shape, rank: int) -> None:
        """Start afresh or from the newest checkpoint in the plan's work folder."""
        torch.manual_seed(plan.seed)
        self.prepared, self.plan, self.rank = prepared, plan, rank
        self.tokenizer = build.make_tokenizer(prepared.vocabulary)
        self.model = Trainee(prepared, shape)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1.0, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self.alphas = build.make_scheduler().alphas_cumprod  # (1000,)
        self.step, self.spent_s = 0, 0.0
        if _checkpoint(plan).exists():
            self._load(torch.load(_checkpoint(plan), weights_only=True))
        elif plan.start_from is not None:
            self.model.start_from(plan.start_from)
        if self.step == 0:
            self.ema = {name: value.clone() for name, value in self.model.state_dict().items()}
        start = 1_000_003 * (self.step + 1) + rank + plan.seed
        self.chance = random.Random(start)
        self.pictures = range(len(prepared.captions))
        self.weights = chances(prepared)
        self.noise = torch.Generator().manual_seed(start)

    def run(self, report: Callable[[Progress], None]) -> None:
        """Step until the budget is spent, reporting and checkpointing as it goes."""
        began, saved, losses = time.monotonic() - self.spent_s, time.monotonic(), []
        budget_s = self.plan.minutes * 60
        while not self._agree(time.monotonic() - began >= budget_s):
            self.spent_s = time.monotonic() - began
            losses.append(self.advance(min(1.0, self.spent_s / budget_s)))
            if self.rank == 0 and self.step % 50 == 0:
                left = budget_s - self.spent_s
                report(Progress(self.step, sum(losses) / len(losses), self.spent_s, left))
                losses.clear()
            if self.rank == 0 and time.monotonic() - saved > self.plan.checkpoint_s:
                self.save()
                saved = time.monotonic()
        if self.rank == 0:
            self.save()

    def save(self) -> None:
        """Write the checkpoint so that a kill at any moment leaves the old or the new one."""
        state = {
            "model": self.model.state_dict(),
            "ema": self.ema,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
        }
        path = _checkpoint(self.plan)
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def _load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.ema = state["ema"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent_s = state["step"], state["spent_s"]

    def advance(self, share: float) -> float:
        """Take one step at `share` in [0, 1] of the budget and return its loss."""
        loss = self._loss()
        loss.backward()
        self._sum_gradients()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        rise = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share))
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * rise * fall
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        self._average()
        return float(loss.detach())

    def _loss(self) -> Tensor:
        chosen = self.chance.choices(self.pictures, self.weights, k=self.plan.batch)
        clean = self.prepared.latents[chosen].float()  # (B, C, h, w)
        ids, mask = words(self.prepared, self.tokenizer, chosen, self.chance)
        timesteps = torch.randint(0, build.TRAIN_STEPS, (len(chosen),), generator=self.noise)
        noise = torch.randn(clean.shape, generator=self.noise)
        kept = self.alphas[timesteps].view(-1, 1, 1, 1).sqrt()
        lost = (1 - kept**2).clamp(min=0).sqrt()
        with processor.quick():
            made = self.model(kept * clean + lost * noise, timesteps, ids, mask).float()
        weight = (1 / lost.square()).clamp(max=_WEIGHT_LIMIT)  # a velocity's error, limited
        faces = self.prepared.faces[chosen].float().unsqueeze(1) / 255  # (B, 1, h, w)
        weight = weight * (1 + (_FACE_REGARD - 1) * faces)
        loss: Tensor = (weight * (made - clean).square()).mean()
        return loss

    def _sum_gradients(self) -> None:
        if not dist.is_initialized():
            return
        grads = [p.grad for p in self.model.parameters() if p.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        parts = flat.split([grad.numel() for grad in grads])
        for grad, part in zip(grads, parts, strict=True):
            grad.copy_(part.view_as(grad))

    @torch.no_grad()
    def _average(self) -> None:
        if self.rank != 0 or self.step % 4:
            return
        keep = min(_EMA_LIMIT, (1 + self.step) / (10 + self.step)) ** 4
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.ema[name].lerp_(value, 1 - keep)

    def _agree(self, done: bool) -> bool:
        """Return rank 0's word, so that all processes stop after the same step."""
        if not dist.is_initialized():
            return done
        word = torch.tensor([float(done)])
        dist.broadcast(word, 0)
        return bool(word.item())


def train(prepared: Prepared, plan: Plan, shape: build.Shape, *, processes: int) -> None:
    """Train in `processes` processes; the averaged weights are in the checkpoint afterwards."""
    if processes == 1:
        _work(0, 1, prepared, plan, shape)
        return
    meeting = plan.work.resolve() / f"meeting-{os.getpid()}"
    try:
        spawn(_joined, (processes, meeting, prepared, plan, shape), nprocs=processes)
    finally:
        meeting.unlink(missing_ok=True)


def averaged(prepared: Prepared, plan: Plan, shape: build.Shape) -> Trainee:
    """Return the networks with the averaged weights of the newest checkpoint, for use."""
    model = Trainee(prepared, shape)
    if _checkpoint(plan).exists():
        model.load_state_dict(torch.load(_checkpoint(plan), weights_only=True)["ema"])
    return model.eval()


def _joined(
    rank: int, world: int, meeting: Path, prepared: Prepared, plan: Plan, shape: build.Shape
) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # one machine: loopback is enough
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=world)
    try:
        _work(rank, world, prepared, plan, shape)
    finally:
        dist.destroy_process_group()


def _work(rank: int, world: int, prepared: Prepared, plan: Plan, shape: build.Shape) -> None:
    torch.set_num_threads(1)
    training = Training(prepared, plan, shape, rank)

    def report(progress: Progress) -> None:
        seen = progress.step * plan.batch * world
        print(
            f"step {progress.step}, {seen} pictures, loss {progress.loss:.4f},"
            f" {progress.seconds_left / 60:.1f} min left",
            flush=True,
        )
        with (plan.work / "loss.csv").open("a", newline="") as file:
            csv.writer(file).writerow([progress.step, progress.loss, round(progress.seconds, 1)])

    training.run(report)


def chances(prepared: Prepared) -> list[float]:
    """Return how likely each picture is drawn."""
    seen = prepared.faces.flatten(1).amax(1) > 0
    return [FACE_SEEN if face else 1.0 for face in seen.tolist()]


def _checkpoint(plan: Plan) -> Path:
    return plan.work / "checkpoint.pt"
