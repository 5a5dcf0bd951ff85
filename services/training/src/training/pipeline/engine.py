"""A run in memory: one step, a look, a checkpoint."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from imaging.pipeline import adapters, base, families
from torch import Tensor, nn

from training.pipeline import album, best, devices, forms, objectives, schedule
from training.pipeline.album import Photo
from training.pipeline.best import Ended, Mark
from training.pipeline.measures import Measure
from training.pipeline.recipes import RECIPES

NAME = "twin"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a twin is trained; `work` keeps the checkpoint of a run that was cut off.

    A zero is what suits the base's family (`recipes`).
    """

    base: Path
    work: Path
    steps: int
    rank: int
    seed: int
    batch: int = 0
    learning_rate: float = 0.0
    checkpoint_every: int = 25
    looks_apart: int = 25
    """Steps between two looks, at least."""
    way: devices.Way | None = None
    """How on which device; unless given, as suits the device there is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: mean loss since the last report, unitless, and seconds left."""

    step: int
    loss: float
    seconds_left: float


class Run:
    """A run in memory, with what a resumption needs."""

    def __init__(
        self,
        plan: Plan,
        photos: Sequence[Photo],
        should_stop: Callable[[], bool],
        measure: Measure | None,
    ) -> None:
        """Load the base, let it draw what it must before it learns her, encode all there is.

        Raises:
            BaseUnusable: the base cannot be loaded safely.
            Stopped: `should_stop` said yes.
        """
        base.check(plan.base)
        family = families.of_folder(plan.base)
        self.plan, self.recipe = plan, RECIPES[family.kind]
        self._rate = plan.learning_rate or self.recipe.learning_rate
        self._rows = plan.batch or self.recipe.batch
        self.rank = plan.rank or self.recipe.rank
        self.way = plan.way or devices.way(devices.name(), family.kind)
        self.pipeline = base.load(plan.base, device=self.way.device, dtype=self.way.dtype)
        self.denoiser = families.denoiser(self.pipeline)
        self._measure = measure
        self.album = self._collect(photos, should_stop)
        targets = family.targets
        adapters.attach(self.denoiser, NAME, rank=self.rank, targets=targets, seed=plan.seed)
        devices.ready(self.pipeline, self.way)
        devices.park(self.pipeline, self.way)
        self.weights = list(adapters.weights(self.denoiser).values())
        self._objective = objectives.objective_of(self.pipeline, self.recipe, self.way.device)
        self._optimizer = torch.optim.AdamW(self.weights, lr=1.0, weight_decay=0.0, fused=True)
        self.step, self.losses, self.seconds = 0, list[float](), 0.0
        self.marks: list[Mark] = []
        self.ended: Ended | None = None
        self._mean = self._copied() if self.recipe.ema else []
        self._best: list[Tensor] = []
        if self._checkpoint.exists():
            self._load()

    def advance(self) -> None:
        """Take one step."""
        began = time.monotonic()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * schedule.share(self.step, self.plan.steps)
        loss = self._loss()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.step += 1
        self._average()
        self.losses.append(float(loss.detach()))
        self.seconds += time.monotonic() - began

    def look(self, should_stop: Callable[[], bool]) -> None:
        """See how near she is, keep the weights if never nearer, and decide whether to go on.

        Raises:
            Stopped: `should_stop` said yes.
        """
        if self._measure is None:
            return
        began, learning = time.monotonic(), self._copied()
        self._wear(self._mean or learning)
        devices.fetch(self.pipeline, self.way)
        self.denoiser.eval()
        with devices.quick(self.way):
            seen = self._measure.look(self.pipeline, NAME, should_stop)
        self.denoiser.train()
        devices.park(self.pipeline, self.way)
        self.marks.append(Mark(self.step, seen.own, seen.obeyed))
        if best.best_of(self.marks) == self.marks[-1]:
            self._best = self._copied()
        self._wear(learning)
        self.ended = best.why_end(self.marks)
        self.seconds += time.monotonic() - began

    def wear_best(self) -> None:
        """Put the twin's own weights on: the best that was seen, else the last."""
        self._wear(self._best or self._mean or self._copied())
        devices.fetch(self.pipeline, self.way)

    @property
    def best_step(self) -> int:
        """Return the step the twin's weights are of."""
        found = best.best_of(self.marks)
        return self.step if found is None else found.step

    def save(self) -> None:
        """Write a checkpoint; a kill at any moment leaves the old one or the new one."""
        state = {
            "weights": self._copied(),
            "mean": self._mean,
            "best": self._best,
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
            "losses": self.losses,
            "seconds": self.seconds,
            "marks": [asdict(mark) for mark in self.marks],
            "ended": "" if self.ended is None else self.ended.value,
        }
        self.plan.work.mkdir(parents=True, exist_ok=True)
        torch.save(state, self._checkpoint.with_suffix(".new"))
        self._checkpoint.with_suffix(".new").replace(self._checkpoint)

    @property
    def _checkpoint(self) -> Path:
        return self.plan.work / "checkpoint.pt"

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(
            self._checkpoint, weights_only=True, map_location=self.way.device
        )
        self._wear(state["weights"])
        self._mean, self._best = state["mean"], state["best"]
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.losses, self.seconds = state["step"], state["losses"], state["seconds"]
        self.marks = [Mark(**mark) for mark in state["marks"]]
        self.ended = Ended(state["ended"]) if state["ended"] else None

    def _collect(self, photos: Sequence[Photo], should_stop: Callable[[], bool]) -> album.Album:
        """Let the base draw what it is asked about later, and encode photos and words."""
        self.denoiser.requires_grad_(False)
        drawn = album.dress(self.pipeline, photos, self.plan.seed, should_stop)
        if self._measure is not None:
            self._measure.prepare(self.pipeline, should_stop)
        lessons = album.lessons_of(photos, drawn, self.recipe)
        return album.Album(self.pipeline, lessons, self.recipe.dropout)

    def _loss(self) -> Tensor:
        start = schedule.seed_of(self.plan.seed, self.step)
        drawn = self.album.draw(random.Random(start), self._rows)
        asked = self._objective.ask(drawn.clean, torch.Generator().manual_seed(start))
        with devices.quick(self.way):
            made = forms.answer(self.pipeline, asked.noisy, asked.time, drawn.told)
        return objectives.loss(made, asked, drawn)

    def _average(self) -> None:
        """Let the running mean follow; short at first, so that the start is soon forgotten."""
        if self._mean:
            decay = min(self.recipe.ema, self.step / (self.step + 9))
            torch._foreach_lerp_(self._mean, [w.detach() for w in self.weights], 1 - decay)

    def _copied(self) -> list[Tensor]:
        return [weight.detach().clone() for weight in self.weights]

    @torch.no_grad()
    def _wear(self, worn: Sequence[Tensor]) -> None:
        for weight, wanted in zip(self.weights, worn, strict=True):
            weight.copy_(wanted)
