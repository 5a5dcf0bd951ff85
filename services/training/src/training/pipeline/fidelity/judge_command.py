"""`python -m training judge`: train the judge of obedience on a corpus of other people."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
from training.pipeline.fidelity.wording import Said

_HELD_OUT = 10
"""One person in so many is never trained on."""
_BATCH, _RATE = 64, 2e-3


@dataclass(frozen=True, slots=True)
class _Set:
    pictures: Tensor
    """(N, 3, 64, 64) uint8."""
    answers: dict[str, Tensor]
    """(N,) int64 per question; -1 where the caption does not say."""
    said: list[Said]


def main(argv: list[str]) -> int:
    """Train, write the weights, and say how often it is right on people it never saw."""
    parser = argparse.ArgumentParser(prog="python -m training judge", description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="as for `training base`")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="safetensors")
    parser.add_argument("--epochs", type=int, default=7)
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
    miss = nn.CrossEntropyLoss(ignore_index=-1, label_smoothing=0.05)
    for epoch in range(epochs):
        losses = []
        for chosen in _batches(len(taught.said), chance):
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(_vary(taught.pictures[chosen], chance))
            parts = [miss(logits[name].float(), taught.answers[name][chosen]) for name in HEADS]
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


def _vary(pictures: Tensor, chance: random.Random) -> Tensor:
    """Return pictures as others might have taken them: mirrored, moved, softer, lighter."""
    values = pictures.float() / 127.5 - 1
    if chance.random() < 0.5:
        values = values.flip(3)
    moved = (chance.randint(-3, 3), chance.randint(-3, 3))
    values = torch.roll(values, moved, dims=(2, 3))
    if chance.random() < 0.5:  # what a base draws is softer than a photo
        small = nn.functional.interpolate(values, scale_factor=chance.uniform(0.4, 0.9))
        values = nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bilinear")
    lighter: Tensor = ((values + 1) * chance.uniform(0.85, 1.15) - 1).clamp(-1, 1)
    return lighter


def _measure(judge: Judge, held: _Set) -> dict[str, float]:
    """Return how often the judge is right, by question."""
    seen: list[Said] = []
    rows = held.pictures.permute(0, 2, 3, 1).numpy()
    for start in range(0, len(rows), 256):
        seen += judge.see(list(rows[start : start + 256]))
    found = score(held.said, seen)
    return {name: round(getattr(found, name), 4) for name in HEADS}
