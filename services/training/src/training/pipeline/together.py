"""Several people's twins in one run: one pass of the frozen base, each row with its own LoRA."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from imaging.failures import Stopped
from imaging.pictures import Rgb
from imaging.pipeline import adapters, base, families
from imaging.words import subject_of
from torch import Tensor, nn
from torch.nn import functional

from training.pipeline import album, devices, forms, objectives, schedule
from training.pipeline.album import Photo
from training.pipeline.recipes import RECIPES, Recipe

_NAME = "twin"


@dataclass(frozen=True, slots=True)
class Plan:
    """How all of them are trained; a zero is what suits the base's family."""

    base: Path
    steps: int
    seed: int
    rank: int = 0
    batch: int = 0
    """Rows of each person in a step."""
    way: devices.Way | None = None


class Bank(nn.Module):
    """A frozen layer with one LoRA per person; rows come in equal groups, a group a person."""

    def __init__(self, layer: nn.Module, downs: Tensor, ups: Tensor) -> None:
        """Take LoRA weights: (N, r, in, ...) and (N, out, r, ...)."""
        super().__init__()
        self.layer = layer
        self.downs, self.ups = nn.Parameter(downs), nn.Parameter(ups)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's answer plus each row's own person's."""
        layer = self.layer
        added = self._convolve(layer, x) if isinstance(layer, nn.Conv2d) else self._multiply(x)
        answer: Tensor = self.layer(x) + added
        return answer

    def _multiply(self, x: Tensor) -> Tensor:
        rows = x.reshape(len(self.downs), -1, x.shape[-1])  # (N, rows and places, in)
        made = rows @ self.downs.transpose(1, 2) @ self.ups.transpose(1, 2)
        return made.reshape(*x.shape[:-1], -1)

    def _convolve(self, layer: nn.Conv2d, x: Tensor) -> Tensor:
        people = len(self.downs)
        grouped = x.reshape(people, -1, *x.shape[1:])
        side_by_side = grouped.transpose(0, 1).flatten(1, 2)  # (B, N*C, H, W)
        inner = functional.conv2d(
            side_by_side,
            self.downs.flatten(0, 1),
            stride=layer.stride,
            padding=[int(edge) for edge in layer.padding],
            groups=people,
        )
        made = functional.conv2d(inner, self.ups.flatten(0, 1), groups=people)
        apart = made.reshape(len(made), people, -1, *made.shape[2:])
        return apart.transpose(0, 1).flatten(0, 1)


def train(
    plan: Plan, people: Sequence[Sequence[Photo]], *, should_stop: Callable[[], bool]
) -> list[bytes]:
    """Train a twin of each person, all in step; return their adapters in order.

    Each draws the pictures and the noise that a run of their own with the same seed would; the
    wardrobe is drawn once for all who are called alike. Neither looks nor checkpoints are made.

    Raises:
        BaseUnusable: the base cannot be loaded safely.
        ValueError: a base of several picture sizes, whose rows do not fit one batch.
        Stopped: `should_stop` said yes.
    """
    family = families.of_folder(plan.base)
    if family.shapes:
        raise ValueError(f"a {family.kind} base has pictures of several sizes")
    recipe = RECIPES[family.kind]
    way = plan.way or devices.way(devices.name(), family.kind)
    pipeline = base.load(plan.base, device=way.device, dtype=way.dtype)
    denoiser = families.denoiser(pipeline)
    denoiser.requires_grad_(False)
    albums = _albums(pipeline, people, recipe, plan.seed, should_stop)
    rank = plan.rank or recipe.rank
    banks = _install(denoiser, len(people), rank=rank, targets=family.targets, seed=plan.seed)
    devices.ready(pipeline, way)
    devices.park(pipeline, way)
    with devices.halved(denoiser, way):
        _advance(plan, pipeline, albums, banks, should_stop)
    digest = base.digest(plan.base)
    return [
        adapters.pack(
            _weights(banks, number),
            families.part_of(denoiser),
            adapters.About(digest, rank, subject_of([photo.caption for photo in photos])),
        )
        for number, photos in enumerate(people)
    ]


def _albums(
    pipeline: DiffusionPipeline,
    people: Sequence[Sequence[Photo]],
    recipe: Recipe,
    seed: int,
    should_stop: Callable[[], bool],
) -> list[album.Album]:
    wardrobes: dict[str, list[tuple[str, Rgb]]] = {}
    made = []
    for photos in people:
        subject = subject_of([photo.caption for photo in photos])
        if subject not in wardrobes:
            wardrobes[subject] = album.dress(pipeline, photos, seed, should_stop)
        lessons = album.lessons_of(photos, wardrobes[subject], recipe)
        made.append(album.Album(pipeline, lessons, recipe.dropout))
    return made


def _install(
    denoiser: nn.Module, people: int, *, rank: int, targets: str, seed: int
) -> dict[str, Bank]:
    """Put a bank in the place of every layer that gets a LoRA; all begin as one alone would."""
    trial = copy.deepcopy(denoiser)
    adapters.attach(trial, _NAME, rank=rank, targets=targets, seed=seed)
    begun = adapters.state(trial, _NAME)
    banks = {}
    for name in sorted({key.split(".lora_")[0] for key in begun}):
        downs, ups = (begun[f"{name}.lora_{side}.weight"].float() for side in "AB")
        layer = denoiser.get_submodule(name)
        banks[name] = Bank(layer, torch.stack([downs] * people), torch.stack([ups] * people))
        parent, _, own = name.rpartition(".")
        setattr(denoiser.get_submodule(parent), own, banks[name])
    return banks


def _advance(
    plan: Plan,
    pipeline: DiffusionPipeline,
    albums: Sequence[album.Album],
    banks: Mapping[str, Bank],
    should_stop: Callable[[], bool],
) -> None:
    way = plan.way or devices.way(devices.name(), families.of(pipeline).kind)
    recipe = RECIPES[families.of(pipeline).kind]
    objective = objectives.objective_of(pipeline, recipe, way.device)
    weights = [weight for bank in banks.values() for weight in (bank.downs, bank.ups)]
    optimizer = torch.optim.AdamW(weights, lr=1.0, weight_decay=0.0, fused=True)
    for step in range(plan.steps):
        if should_stop():
            raise Stopped
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * schedule.share(step, plan.steps)
        start = schedule.seed_of(plan.seed, step)
        drawn = [one.draw(random.Random(start), plan.batch or recipe.batch) for one in albums]
        asked = [objective.ask(one.clean, torch.Generator().manual_seed(start)) for one in drawn]
        noisy = torch.cat([one.noisy for one in asked])
        time = torch.cat([one.time for one in asked])
        told = forms.together([one.told for one in drawn])
        with devices.quick(way):
            made = forms.answer(pipeline, noisy, time, told).chunk(len(albums))
        losses = [objectives.loss(*of_one) for of_one in zip(made, asked, drawn, strict=True)]
        torch.stack(losses).sum().backward()
        _clip(weights)
        optimizer.step()
        optimizer.zero_grad()


def _clip(weights: Sequence[nn.Parameter], limit: float = 1.0) -> None:
    """Clip each person's gradient by its own norm."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    squares = torch.stack([one.flatten(1).square().sum(1) for one in gradients]).sum(0)  # (N,)
    share = (limit / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for one in gradients:
        one.mul_(share.view(-1, *[1] * (one.dim() - 1)))


def _weights(banks: Mapping[str, Bank], number: int) -> dict[str, Tensor]:
    """Return one person's LoRA as peft names it."""
    return {
        f"{name}.lora_{side}.weight": stack[number].detach()
        for name, bank in banks.items()
        for side, stack in (("A", bank.downs), ("B", bank.ups))
    }
