"""Pictures of several sizes: the sample talents' photos, and photographs out of scikit-image."""

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = (  # what the wheel itself holds; its other pictures would be downloads
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of some size that carries no mark yet; read and resized when it is asked for."""

    path: Path
    side: int
    kind: str
    tall: bool

    def pixels(self) -> Pixels:
        """Return its middle as RGB, `side` on its short side, 4:5 where it is tall."""
        with Image.open(self.path) as image:
            whole = image.convert("RGB")
        width, height = whole.size
        across = min(width, height * 4 // 5) if self.tall else min(width, height)
        down = across * 5 // 4 if self.tall else across
        left, top = (width - across) // 2, (height - down) // 2
        middle = whole.crop((left, top, left + across, top + down))
        size = (self.side, self.side * 5 // 4 if self.tall else self.side)
        return np.asarray(middle.resize(size, Image.Resampling.LANCZOS))


def photographs(packages: Path) -> list[Path]:
    """Return scikit-image's photographs where its wheel lies under `packages`."""
    found = [packages / "skimage/data" / name for name in PHOTOGRAPHS]
    return [path for path in found if path.exists()]


def choose(packages: Path, counts: dict[int, int], photos: int) -> list[Picture]:
    """Return `counts[side]` photos of the talents for each size and `photos` photographs.

    Every other one is tall. No picture is met twice before all were met once; a photograph that
    is met again has another size.
    """
    talents = sorted((ROOT / "samples/talents").glob("*/photos/*.jpg"))
    spread = cycle(talents[::7] + [path for at in range(1, 7) for path in talents[at::7]])
    sides = [side for side, count in counts.items() for _ in range(count)]
    chosen = [
        Picture(path, side, "talents", tall=at % 2 == 1)
        for at, (path, side) in enumerate(zip(spread, sides, strict=False))
    ]
    found = photographs(packages)
    for at in range(photos if found else 0):
        side = (256, 512, 1024)[at // len(found) % 3]
        chosen.append(Picture(found[at % len(found)], side, "photographs", tall=False))
    return chosen
