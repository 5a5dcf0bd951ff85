"""`python -m training spots`: train the finder of marks on a corpus of other people."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from imaging.faces import Faces
from imaging.pipeline import processor
from imaging.pipeline.frame import to_cell
from imaging.pipeline.spots import CELLS, UNIT_RADIUS, WEIGHTS, Network, Spot, Spotter
from imaging.pipeline.tracks import NEAR
from torch import Tensor

from training.pipeline.base_training import corpus
from training.pipeline.fidelity.finding import Shown, faces_of
from training.pipeline.fidelity.judging import halved
from training.pipeline.fidelity.painting import Lesson, Painter

_HELD_OUT, _BATCH, _RATE, _TELL = 10, 32, 3e-3, 200


def main(argv: list[str]) -> int:
    """Train, write the weights, and say what is found on people it never saw."""
    parser = argparse.ArgumentParser(prog="python -m training spots", description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="as for `training base`")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="safetensors")
    parser.add_argument("--steps", type=int, default=5000, help="of 32 faces")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    torch.manual_seed(options.seed)
    processor.use_threads(1)
    shown = faces_of(corpus.read(options.corpus, size=256), Faces(upsample=0))
    order = {person: place for place, person in enumerate(sorted({one.person for one in shown}))}
    taught = [one for one in shown if order[one.person] % _HELD_OUT]
    held = [one for one in shown if not order[one.person] % _HELD_OUT]
    network = train(taught, options.steps, options.seed)
    safetensors.torch.save_file(halved(network), options.out)
    found = measure(Spotter(Faces(), options.out), held)
    print(json.dumps({"trained_on": len(taught), "held_out": len(held), **found}))
    return 0


def train(taught: Sequence[Shown], steps: int, seed: int) -> Network:
    """Train a network on upright faces, each time varied and with marks of others on them."""
    chance = np.random.default_rng(seed)
    painter = Painter(taught, chance)
    network = Network().train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _RATE, total_steps=steps, pct_start=0.05
    )
    losses = list[float]()
    for step in range(1, steps + 1):
        lessons = [
            painter.lesson(int(place)) for place in chance.integers(len(taught), size=_BATCH)
        ]
        faces = np.stack([one.face for one in lessons])
        seen = torch.from_numpy(faces).permute(0, 3, 1, 2) / 127.5 - 1
        with processor.quick():
            told = network(seen)
        loss = _loss(told.float(), torch.stack([_target(one) for one in lessons]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % _TELL == 0:
            mean = sum(losses[-_TELL:]) / _TELL
            print(f"step {step} of {steps}: loss {mean:.4f}", flush=True)
    return network.eval()


def _target(one: Lesson) -> Tensor:
    """Return (3, 64, 64): how much a place is a mark's middle, its log radius, and its weight."""
    wanted = torch.zeros(3, CELLS, CELLS)
    wanted[2] = 1
    rows, columns = torch.meshgrid(torch.arange(CELLS), torch.arange(CELLS), indexing="ij")
    for spot, known in [*((s, True) for s in one.marks), *((s, False) for s in one.hinted)]:
        x, y = to_cell(np.array([[spot.x, spot.y]]), CELLS)[0]
        apart = (columns - x).square() + (rows - y).square()
        if known:
            wanted[0] = torch.maximum(wanted[0], torch.exp(-apart / 2))
            wanted[1][apart < 6] = float(np.log(spot.radius / UNIT_RADIUS))
        else:
            wanted[2][apart < 30] = 0
    return wanted


def _loss(told: Tensor, wanted: Tensor) -> Tensor:
    """Return the focal loss of places (Law and Deng 2018) and the error of radii at marks."""
    sure = told[:, 0].sigmoid().clamp(1e-4, 1 - 1e-4)
    heat, radius, weight = wanted.unbind(1)
    middle = (heat > 0.8).float()
    hit = middle * (1 - sure).square() * sure.log()
    miss = (1 - middle) * (1 - heat).pow(4) * sure.square() * (1 - sure).log()
    count = middle.sum().clamp(min=1)
    size = ((told[:, 1] - radius).abs() * (heat > 0.3)).sum() / count
    return -((hit + miss) * weight).sum() / count + 0.1 * size


def measure(spotter: Spotter, held: Sequence[Shown]) -> dict[str, float]:
    """Return recall, position error in face widths, and false marks per picture."""
    asked, errors, ratios, false = 0, list[float](), list[float](), 0
    for start in range(0, len(held), 64):
        part = held[start : start + 64]
        for one, spots in zip(part, spotter.search([p.cut for p in part]), strict=True):
            asked += len(one.marks)
            left = list(spots)
            for mark in one.marks:
                found = min(left, key=lambda s: apart(s, mark), default=None)
                if found is not None and apart(found, mark) <= NEAR:
                    errors.append(apart(found, mark))
                    ratios.append(found.radius / mark.radius)
                    left.remove(found)
            false += sum(all(apart(s, h) > NEAR for h in one.hinted) for s in left)
    return {
        "marks": asked,
        "recall": round(len(errors) / max(1, asked), 4),
        "error_face_widths": round(float(np.mean(errors)), 4) if errors else 0.0,
        "size_ratio_median": round(float(np.median(ratios)), 3) if ratios else 0.0,
        "false_per_picture": round(false / max(1, len(held)), 4),
    }


def apart(one: Spot, other: Spot) -> float:
    """Return how far two marks are from each other, in face widths."""
    return float(np.hypot(one.x - other.x, one.y - other.y))
