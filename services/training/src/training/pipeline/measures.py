"""A quick look at a twin in training: is it her, and does it show what was asked?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch
from diffusers import DiffusionPipeline
from imaging.faces import Embedder
from imaging.failures import Stopped
from imaging.pictures import Rgb
from imaging.pipeline import adapters, families, generate
from imaging.words import FRAMINGS, of_twin, outfit

from training.pipeline.album import Photo

Vector = npt.NDArray[np.float32]

COLOURS = ("red", "navy", "white", "forest green", "royal blue", "camel")
STEPS = 12
MISSED = 0.7
"""Distance that counts where no face is found: that of strangers, and a little more."""
_CLOTHES = (slice(0.88, 0.99), slice(0.38, 0.62))
"""Rows and columns, as shares, where a close-up shows what is worn."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look saw: distance to her photos, and share of prompts followed, in [0, 1].

    No distance where there was no face.
    """

    own: float | None
    obeyed: float


class Measure(Protocol):
    """A way of looking at a twin while it is trained. Must draw no chance of torch's own."""

    def prepare(self, pipeline: DiffusionPipeline, should_stop: Callable[[], bool]) -> None:
        """Look at the base before it learns her; also at the start of a run that goes on.

        Raises:
            Stopped: `should_stop` said yes.
        """

    def look(self, pipeline: DiffusionPipeline, name: str, should_stop: Callable[[], bool]) -> Seen:
        """Look at the adapter `name` as it is now.

        Raises:
            Stopped: `should_stop` said yes.
        """


class QuickLook:
    """Six close-ups in six colours: the base's own pictures say what a colour's word means.

    No palette is needed and no threshold: a close-up follows its prompt if what is worn in it is
    nearer to the base's picture of the same colour than to those of the other five (CIE Lab).
    """

    def __init__(
        self, embedder: Embedder, photos: Sequence[Photo], *, subject: str, seed: int
    ) -> None:
        """Take her photos; close-ups, if there are any, are embedded at the first look."""
        self._embedder, self._subject, self._seed = embedder, subject, seed
        self._photos = [photo for photo in photos if photo.is_close_up] or list(photos)
        self._herself: list[Vector] = []
        self._colours: Vector | None = None

    def prepare(self, pipeline: DiffusionPipeline, should_stop: Callable[[], bool]) -> None:
        """Draw what the base makes of the six colours."""
        drawn = self._draw(pipeline, adapters.NOBODY, should_stop)
        self._colours = np.stack([_worn(picture) for picture in drawn])

    def look(self, pipeline: DiffusionPipeline, name: str, should_stop: Callable[[], bool]) -> Seen:
        """Draw six close-ups of her and compare."""
        for photo in self._photos:
            if should_stop():
                raise Stopped
            vector = self._embed(photo.pixels)
            self._herself += [] if vector is None else [vector]
        self._photos = []
        drawn = self._draw(pipeline, name, should_stop)
        return Seen(self._distance(drawn), self._followed(drawn))

    def _draw(
        self, pipeline: DiffusionPipeline, name: str, should_stop: Callable[[], bool]
    ) -> list[Rgb]:
        """Draw with the adapter `name`, or the base's own people."""
        base_only = name == adapters.NOBODY
        shots = [
            generate.Shot(name, told if base_only else of_twin(told), self._seed + place)
            for place, told in enumerate(_captions(self._subject))
        ]
        guidance = families.of(pipeline).guidance
        with torch.random.fork_rng(devices=[]):
            return generate.pictures(
                pipeline, shots, steps=STEPS, guidance=guidance, should_stop=should_stop
            )

    def _distance(self, drawn: Sequence[Rgb]) -> float | None:
        vectors = [self._embed(picture) for picture in drawn]
        found = [vector for vector in vectors if vector is not None]
        if not self._herself or not found:
            return None
        herself = np.mean(self._herself, axis=0)
        apart = [float(np.linalg.norm(vector - herself)) for vector in found]
        return (sum(apart) + MISSED * (len(drawn) - len(found))) / len(drawn)

    def _followed(self, drawn: Sequence[Rgb]) -> float:
        if self._colours is None:
            raise RuntimeError("look before prepare")
        hits = [
            int(np.linalg.norm(self._colours - _worn(picture), axis=1).argmin()) == place
            for place, picture in enumerate(drawn)
        ]
        return sum(hits) / len(hits)

    def _embed(self, picture: Rgb) -> Vector | None:
        faces = self._embedder.find(picture)
        return self._embedder.embed(picture, faces[0]) if faces else None


def _captions(subject: str) -> list[str]:
    return [
        f"{FRAMINGS['face']} of a {subject} in a {outfit('T-shirt', colour, 'solid')}, standing,"
        f" {'three-quarter' if place % 2 else 'front'} view, studio soft light"
        for place, colour in enumerate(COLOURS)
    ]


def _worn(picture: Rgb) -> Vector:
    """Return the mean colour of what is worn in a close-up, CIE Lab."""
    height, width = picture.shape[:2]
    rows, columns = _CLOTHES
    cut = picture[
        int(rows.start * height) : int(rows.stop * height),
        int(columns.start * width) : int(columns.stop * width),
    ]
    lab = cv2.cvtColor(cut.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    mean: Vector = lab.reshape(-1, 3).mean(axis=0)
    return mean
