"""A small judge of pictures: which garment, which colour, which framing.

It knows nothing of twins and never saw one: trained on pictures of other people, by
`python -m training judge`. Twins and bases are held against the same judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from imaging.pictures import Rgb, square
from torch import Tensor, nn

from training.pipeline.fidelity import wording
from training.pipeline.fidelity.wording import COLOURS, GARMENTS, SHOTS, Said

SIDE = 128
HEADS = {"framing": SHOTS, "garment": GARMENTS, "colour": COLOURS}
WEIGHTS = Path(__file__).with_name("judge.safetensors")


class Network(nn.Module):
    """Pictures (B, 3, 128, 128) in [-1, 1] -> one row of logits per question."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 96, 128, 160)
        first, *others = pairwise(widths)
        self.trunk = nn.Sequential(_stem(*first), *(_block(*pair) for pair in others))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # quicker
        self.heads = nn.ModuleDict({name: nn.Linear(320, len(c)) for name, c in HEADS.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return logits, (B, classes) each."""
        seen = self.trunk(pictures)  # (B, 160, 2, 2)
        told = torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], dim=1)
        return {name: head(told) for name, head in self.heads.items()}


def _stem(inward: int, outward: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, 5, stride=2, padding=2, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(inplace=True),
    )


def _block(inward: int, outward: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, 3, padding=1, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


@dataclass(frozen=True, slots=True)
class Obedience:
    """Shares, 0 to 1, of pictures in which the judge sees what the prompt named.

    Of a garment as much as the framing shows: a close-up its neckline.
    """

    pictures: int
    framing: float
    garment: float
    colour: float


class Judge:
    """Tells garment, colour and framing of pictures."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = Network().eval()
        self._network.load_state_dict(safetensors.torch.load_file(weights))

    @torch.inference_mode()
    def see(self, pictures: Sequence[Rgb]) -> list[Said]:
        """Return what each picture shows."""
        logits = self._network(as_input(pictures))
        rows = zip(*(logits[name].argmax(1).tolist() for name in HEADS), strict=True)
        return [Said(SHOTS[f], GARMENTS[g], COLOURS[c]) for f, g, c in rows]


def as_input(pictures: Sequence[Rgb]) -> Tensor:
    """Return pictures as the network takes them, (B, 3, 128, 128) float32."""
    rows: npt.NDArray[np.uint8] = np.stack([square(one, SIDE) for one in pictures])
    return torch.from_numpy(rows).permute(0, 3, 1, 2).float() / 127.5 - 1


def halved(network: nn.Module) -> dict[str, Tensor]:
    """Return weights in half precision, to be kept small; counters stay as they are."""
    state = network.state_dict().items()
    return {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in state
    }


def score(wanted: Sequence[Said], seen: Sequence[Said]) -> Obedience:
    """Compare what was asked for with what is seen; what was not asked for does not count."""
    shares = {}
    for name in HEADS:
        asked = [
            _is_followed(name, w, s) for w, s in zip(wanted, seen, strict=True) if getattr(w, name)
        ]
        shares[name] = sum(asked) / len(asked) if asked else 0.0
    return Obedience(len(seen), shares["framing"], shares["garment"], shares["colour"])


def _is_followed(name: str, wanted: Said, seen: Said) -> bool:
    if name == "garment":
        return wording.look_alike(wanted.garment, seen.garment, wanted.framing)
    return bool(getattr(wanted, name) == getattr(seen, name))
