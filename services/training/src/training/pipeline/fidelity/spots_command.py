"""`python -m training spots`: train the finder of marks on a corpus of other people."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from imaging.faces import Faces
from imaging.pictures import Rgb
from imaging.pipeline.frame import SIDE, Frame, frame_of, to_cell
from imaging.pipeline.spots import (
    CELLS,
    UNIT_RADIUS,
    WEIGHTS,
    Network,
    Spot,
    Spotter,
    as_input,
)
from imaging.pipeline.tracks import NEAR
from torch import Tensor, nn

from training.pipeline.base_training import corpus
from training.pipeline.fidelity.judging import halved

_HELD_OUT, _BATCH, _RATE = 10, 32, 3e-3
_MOST_YAW = 75.0
"""Degrees; a face turned further is not found by the landmarks."""
_SEEN, _HINTED = 0.5, 0.05
"""Of a mark: from here on it is to be found; between the two nobody is asked."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An upright face and its true marks, in face widths; those `hinted` are barely visible."""

    cut: Rgb
    marks: tuple[Spot, ...]
    hinted: tuple[Spot, ...]
    person: str


def main(argv: list[str]) -> int:
    """Train, write the weights, and say what is found on people it never saw."""
    parser = argparse.ArgumentParser(prog="python -m training spots", description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="as for `training base`")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="safetensors")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    shown = faces_of(corpus.read(options.corpus, size=256), Faces(upsample=0))
    order = {person: place for place, person in enumerate(sorted({one.person for one in shown}))}
    taught = [one for one in shown if order[one.person] % _HELD_OUT]
    held = [one for one in shown if not order[one.person] % _HELD_OUT]
    network = train(taught, options.epochs, random.Random(options.seed))
    safetensors.torch.save_file(halved(network), options.out)
    found = measure(Spotter(Faces(), options.out), held)
    print(json.dumps({"trained_on": len(taught), "held_out": len(held), **found}))
    return 0


def faces_of(found: corpus.Corpus, faces: Faces) -> list[Shown]:
    """Return the upright faces of a corpus' close-ups in which exactly one is found."""
    shown = []
    for pixels, record in zip(found.pictures, found.records, strict=True):
        camera = record.get("camera", {})
        if camera.get("framing") != "face" or abs(camera["yaw"]) > _MOST_YAW:
            continue
        seen = faces.find(pixels)
        if len(seen) == 1:
            frame = frame_of(faces.landmarks(pixels, seen[0]))
            shown.append(show(pixels, frame, record))
    return shown


def show(pixels: Rgb, frame: Frame, record: Mapping[str, Any]) -> Shown:
    """Place a record's marks in the frame of its face."""
    marks: list[Spot] = []
    hinted: list[Spot] = []
    for mark in record["marks"]:
        seen = mark.get("visible_fraction", mark.get("visible", 0.0))
        if mark["in_frame"] and seen > _HINTED:
            x, y = frame.place(np.array([mark["px"]], dtype=np.float64))[0]
            spot = Spot(float(x), float(y), mark["radius_px"] / frame.width_px, seen)
            (marks if seen >= _SEEN else hinted).append(spot)
    inside = [spot for spot in marks if _is_inside(spot)]
    return Shown(frame.cut(pixels), tuple(inside), tuple(hinted), str(record.get("person", "")))


def _is_inside(spot: Spot) -> bool:
    cell = to_cell(np.array([[spot.x, spot.y]]), CELLS)[0]
    return bool((cell > 1).all() and (cell < CELLS - 2).all())


def train(taught: list[Shown], epochs: int, chance: random.Random) -> Network:
    """Train a network on upright faces."""
    network = Network().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
    steps = epochs * (len(taught) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    pictures = as_input([one.cut for one in taught]).half()
    targets = torch.stack([_target(one) for one in taught])
    for epoch in range(epochs):
        order, losses = list(range(len(taught))), []
        chance.shuffle(order)
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            chosen = order[start : start + _BATCH]
            seen, wanted = _vary(pictures[chosen].float(), targets[chosen], chance)
            loss = _loss(network(seen), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f}", flush=True)
    return network.eval()


def _target(one: Shown) -> Tensor:
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


def _vary(seen: Tensor, wanted: Tensor, chance: random.Random) -> tuple[Tensor, Tensor]:
    """Return faces mirrored, softer, lighter or darker, and what is to be found on them."""
    if chance.random() < 0.5:
        seen, wanted = seen.flip(3), wanted.flip(3)
    if chance.random() < 0.4:
        small = nn.functional.interpolate(seen, scale_factor=chance.uniform(0.5, 0.9))
        seen = nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bilinear")
    lighter = (seen + 1) * chance.uniform(0.8, 1.2) - 1
    return (lighter + 0.03 * torch.randn_like(seen)).clamp(-1, 1), wanted


def measure(spotter: Spotter, held: list[Shown]) -> dict[str, float]:
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
