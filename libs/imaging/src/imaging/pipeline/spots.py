"""Finds birthmarks, scars and tattoos on a face: a small network over the upright face.

Trained by `python -m training spots` on pictures of other people whose marks are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch import Tensor, nn

from imaging.faces import Embedder, Face
from imaging.pictures import Rgb
from imaging.pipeline.frame import SIDE, Frame, frame_of, from_cell

CELLS = SIDE // 2
"""Places across that the network looks at."""
WEIGHTS = Path(__file__).with_name("spots.safetensors")
SURE = 0.45
"""Confidence from which a spot counts; where recall and false marks on held-out people of the
corpus balance."""
UNIT_RADIUS = 0.04
"""Radius in face widths at which the network's answer is 0; it answers in natural logarithms."""
_APART = 3
"""Cells within which two finds are one."""


class Upright(Embedder, Protocol):
    """Whoever also tells how a face is turned; `imaging.faces.Faces` is one."""

    def landmarks(self, rgb: Rgb, face: Face) -> npt.NDArray[np.float32]:
        """Return (5, 2) landmarks."""


class Network(nn.Module):
    """Upright faces (B, 3, 128, 128) in [-1, 1] -> (B, 2, 64, 64): logit and log radius.

    Each place sees itself sharply, and half of the face around it at half the size: what is a
    nostril, and what a birthmark, is told by where it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(_layer(3, 16, stride=2), _layer(16, 24), _layer(24, 24))
        self.around = nn.Sequential(
            _layer(24, 48, stride=2), *(_layer(48, 48, reach=reach) for reach in (1, 2, 4, 1))
        )
        self.back = nn.Conv2d(48, 24, 1)
        self.join = nn.Sequential(_layer(48, 24), _layer(24, 24))
        self.tell = nn.Conv2d(24, 2, 1)
        nn.init.constant_(self.tell.bias, -4.0)  # type: ignore[arg-type] # spots are rare

    def forward(self, faces: Tensor) -> Tensor:
        """Return what each place says."""
        near = self.near(faces)
        around = nn.functional.interpolate(
            self.back(self.around(near)), scale_factor=2, mode="bilinear", align_corners=False
        )
        told: Tensor = self.tell(self.join(torch.cat([near, around], 1)))
        return told


def _layer(inward: int, outward: int, *, stride: int = 1, reach: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, 3, stride, padding=reach, dilation=reach, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(inplace=True),
    )


@dataclass(frozen=True, slots=True)
class Spot:
    """A mark in the frame of the face, in face widths."""

    x: float
    y: float
    radius: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """The marks of one face, and how the head is held."""

    frame: Frame
    spots: tuple[Spot, ...]


class Spotter:
    """Finds marks on faces."""

    def __init__(self, faces: Upright, weights: Path = WEIGHTS) -> None:
        self._faces = faces
        self._network = Network().eval()
        self._network.load_state_dict(safetensors.torch.load_file(weights))

    def look(self, rgb: Rgb) -> Sighting | None:
        """Return the marks of the surest face in a picture; None without a face."""
        found = self._faces.find(rgb)
        if not found:
            return None
        return self.look_at(rgb, found[0])

    def look_at(self, rgb: Rgb, face: Face) -> Sighting:
        """Return the marks of a face that was found in a picture."""
        frame = frame_of(self._faces.landmarks(rgb, face))
        return Sighting(frame, self.search([frame.cut(rgb)])[0])

    @torch.inference_mode()
    def search(self, cuts: Sequence[Rgb]) -> list[tuple[Spot, ...]]:
        """Return the spots of upright faces."""
        told = self._network(as_input(cuts))
        return [_spots(one.numpy()) for one in told]


def as_input(cuts: Sequence[Rgb]) -> Tensor:
    """Return upright faces as the network takes them."""
    return torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _spots(told: npt.NDArray[np.float32]) -> tuple[Spot, ...]:
    """Return the peaks of one answer, (2, 64, 64), strongest first."""
    sure = 1 / (1 + np.exp(-told[0]))
    spots: list[Spot] = []
    while True:
        row, column = np.unravel_index(int(sure.argmax()), sure.shape)
        confidence = float(sure[row, column])
        if confidence < SURE:
            return tuple(spots)
        rows = slice(max(0, row - 1), row + 2)
        columns = slice(max(0, column - 1), column + 2)
        weight = sure[rows, columns]
        middle = np.array([
            (weight * np.arange(CELLS)[columns][None]).sum(),
            (weight * np.arange(CELLS)[rows][:, None]).sum(),
        ]) / weight.sum()  # fmt: skip
        x, y = from_cell(middle, CELLS)
        radius = UNIT_RADIUS * float(np.exp(told[1, row, column]))
        spots.append(Spot(float(x), float(y), radius, confidence))
        near = (slice(max(0, row - _APART), row + _APART + 1),
                slice(max(0, column - _APART), column + _APART + 1))  # fmt: skip
        sure[near] = 0
