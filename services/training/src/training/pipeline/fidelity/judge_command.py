"""`python -m training judge`: train the judge of obedience on a corpus of other people."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from training.pipeline.base_training import corpus
from training.pipeline.fidelity import wording
from training.pipeline.fidelity.judging import (
    HEADS,
    SIDE,
    WEIGHTS,
    Judge,
    Network,
    halved,
    score,
)
from training.pipeline.fidelity.wording import SHOTS, Said

_HELD_OUT = 10
"""One person in so many is never trained on."""
_BATCH, _RATE = 64, 2e-3
_NEARER, _MOVED = (0.85, 1.15), 0.06
"""How a picture is varied: what part of it is seen, and moved by how much of its half side."""


@dataclass(frozen=True, slots=True)
class _Set:
    pictures: Tensor
    """(N, 3, 128, 128) uint8."""
    answers: dict[str, Tensor]
    """(N,) int64 per question; -1 where the caption does not say."""
    said: list[Said]


def main(argv: list[str]) -> int:
    """Train, write the weights, and say how often it is right on people it never saw."""
    parser = argparse.ArgumentParser(prog="python -m training judge", description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="as for `training base`")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="safetensors")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    taught, held = _sets(options.corpus)
    network = _train(taught, options.epochs, random.Random(options.seed))
    safetensors.torch.save_file(halved(network), options.out)
    found = _measure(Judge(options.out), held)
    print(json.dumps({"trained_on": len(taught.said), "held_out": len(held.said), **found}))
    return 0


def _sets(folder: Path) -> tuple[_Set, _Set]:
    """Return the pictures to learn from and those of people held out."""
    found = corpus.read(folder, size=SIDE)
    people = [str(record.get("person", "")) for record in found.records]
    order = {person: place for place, person in enumerate(sorted(set(people)))}
    held = [order[person] % _HELD_OUT == 0 for person in people]
    return _pick(found, [not one for one in held]), _pick(found, held)


def _pick(found: corpus.Corpus, chosen: list[bool]) -> _Set:
    places = [place for place, yes in enumerate(chosen) if yes]
    pictures = torch.from_numpy(found.pictures[places]).permute(0, 3, 1, 2).contiguous()
    said = [wording.read(found.records[place]["caption"]) for place in places]
    answers = {
        name: torch.tensor(
            [classes.index(getattr(one, name)) if getattr(one, name) else -1 for one in said]
        )
        for name, classes in HEADS.items()
    }
    return _Set(pictures, answers, said)


def _train(taught: _Set, epochs: int, chance: random.Random) -> Network:
    network = Network().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.02)
    steps = epochs * (len(taught.said) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    noise = torch.Generator().manual_seed(chance.getrandbits(63))
    miss = nn.CrossEntropyLoss(ignore_index=-1, label_smoothing=0.05)
    for epoch in range(epochs):
        losses = []
        for chosen in _batches(len(taught.said), chance):
            varied = _vary(taught.pictures[chosen], noise)
            logits = network(varied.contiguous(memory_format=torch.channels_last))
            parts = [miss(logits[name], taught.answers[name][chosen]) for name in HEADS]
            loss = torch.stack(parts).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.3f}", flush=True)
    return network.eval()


def _batches(count: int, chance: random.Random) -> Iterator[list[int]]:
    order = list(range(count))
    chance.shuffle(order)
    for start in range(0, count - _BATCH + 1, _BATCH):
        yield order[start : start + _BATCH]


def _vary(pictures: Tensor, noise: torch.Generator) -> Tensor:
    """Return pictures as others might have taken them: mirrored, moved, nearer, softer, lighter."""
    count = len(pictures)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=noise)

    values = pictures.float() / 127.5 - 1
    nearer, mirrored = between(*_NEARER), between(0, 1) < 0.5
    ways = torch.zeros(count, 2, 3)
    ways[:, 0, 0] = torch.where(mirrored, -nearer, nearer)
    ways[:, 1, 1] = nearer
    ways[:, 0, 2], ways[:, 1, 2] = between(-_MOVED, _MOVED), between(-_MOVED, _MOVED)
    places = nn.functional.affine_grid(ways, list(values.shape), align_corners=False)
    values = nn.functional.grid_sample(values, places, padding_mode="border", align_corners=False)
    if float(torch.rand(1, generator=noise)) < 0.5:  # what a base draws is softer than a photo
        by = 0.35 + 0.55 * float(torch.rand(1, generator=noise))
        small = nn.functional.interpolate(values, scale_factor=by, mode="area")
        values = nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bilinear")
    lighter = between(0.85, 1.15)[:, None, None, None]
    return ((values + 1) * lighter - 1).clamp(-1, 1)


def _measure(judge: Judge, held: _Set) -> dict[str, Any]:
    """Return how often the judge is right, by question; and of garments alone, by framing."""
    seen: list[Said] = []
    rows = held.pictures.permute(0, 2, 3, 1).numpy()
    for start in range(0, len(rows), 256):
        seen += judge.see(list(rows[start : start + 256]))
    found = score(held.said, seen)
    named = {
        framing: [
            one.garment == other.garment
            for one, other in zip(held.said, seen, strict=True)
            if one.framing == framing and one.garment
        ]
        for framing in SHOTS
    }
    told = {name: round(getattr(found, name), 4) for name in HEADS}
    return told | {
        "garment_by_name": {one: round(sum(hits) / len(hits), 4) for one, hits in named.items()}
    }
