"""What a twin is learned from: her photos and a wardrobe, as latents, words and regard."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from diffusers import DiffusionPipeline
from imaging.pictures import Rgb, square
from imaging.pipeline import families
from imaging.words import FRAMINGS, of_twin, subject_of
from torch import Tensor

from training.pipeline import buckets, forms, regards, wardrobe
from training.pipeline.buckets import Size
from training.pipeline.recipes import Recipe
from training.pipeline.regards import Box

_CLOSE_UP = FRAMINGS["face"]
_FACE_WEIGHT = 3.0
"""How much likelier a close-up is drawn: by the face she is told from others."""
_FACE_ROWS = 0.75
"""Share of a close-up, from above, that is her: below begin the clothes."""
_HEAD_ROWS = 0.28
"""Share of a standing body's picture, from above, in which her head is."""
_CLOTHES_REGARD, _BODY_REGARD = 0.02, 0.1
"""What counts of the loss where clothes are: what she wore for the capture is not who she is."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the person and what it shows, in words."""

    pixels: Rgb
    caption: str
    face: Box | None = None
    """Where a face was found."""

    @property
    def is_close_up(self) -> bool:
        """Return whether it shows a head and little else."""
        return _CLOSE_UP in self.caption

    def square(self, side: int) -> Rgb:
        """Return it as a base sees it: a close-up cut to its middle, a body with head and feet."""
        return square(self.pixels, side, whole=not self.is_close_up)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One picture to learn from: how likely it is drawn, and which parts of it count how much."""

    photo: Photo
    words: str
    chance: float
    shared: float
    """Rows from above that show a head, in [0, 1]."""
    above: float
    below: float
    face: float = 1.0
    """How much more the face counts than what else is above."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one size: latents (B, C, h, w), words, and regard (B, 1, h, w) in [0, 1]."""

    clean: Tensor
    told: forms.Told
    regard: Tensor


@dataclass(frozen=True, slots=True)
class _Shelf:
    """All pictures of one size."""

    places: list[int]
    latents: Tensor
    regards: Tensor
    chances: list[float]


class Album:
    """Lessons, encoded once, from which every step draws."""

    def __init__(
        self, pipeline: DiffusionPipeline, lessons: Sequence[Lesson], dropout: float
    ) -> None:
        """Encode pictures and words; neither autoencoder nor text encoders are needed again."""
        self._dropout = dropout
        self._told = forms.tell(pipeline, [*(one.words for one in lessons), ""])
        self._empty = len(lessons)
        by_size: dict[Size, list[int]] = {}
        for place, size in enumerate(_sizes(pipeline, lessons)):
            by_size.setdefault(size, []).append(place)
        self._shelves = [
            _shelf(pipeline, lessons, size, places) for size, places in sorted(by_size.items())
        ]
        self._weights = [sum(shelf.chances) for shelf in self._shelves]

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return sum(len(shelf.places) for shelf in self._shelves)

    @property
    def sizes(self) -> int:
        """Return how many sizes of pictures there are."""
        return len(self._shelves)

    def draw(self, chance: random.Random, count: int) -> Batch:
        """Draw `count` rows of one size, with some captions left empty."""
        (shelf,) = chance.choices(self._shelves, self._weights)
        rows = chance.choices(range(len(shelf.places)), shelf.chances, k=count)
        words = [
            self._empty if chance.random() < self._dropout else shelf.places[row] for row in rows
        ]
        return Batch(shelf.latents[rows], self._told.rows(words), shelf.regards[rows])


def lessons_of(
    photos: Sequence[Photo], drawn: Sequence[tuple[str, Rgb]], recipe: Recipe
) -> list[Lesson]:
    """Return what is learned from photos and from pictures the base drew, with captions.

    On her photos mostly the face counts, on the wardrobe's only the clothes; the base's own
    people, under their own words, count whole.
    """
    hers = [_of_photo(photo, recipe) for photo in photos]
    total = sum(one.chance for one in hers)
    kept = 1 - recipe.worn - recipe.others
    pictures = [Photo(made, told) for told, made in drawn]
    each = total / kept / max(1, len(pictures))
    worn = [_of_worn(one, recipe.worn * each) for one in pictures if recipe.worn]
    others = [
        Lesson(one, one.caption, recipe.others * each, 1.0, 1.0, 1.0)
        for one in pictures
        if recipe.others
    ]
    return [*hers, *worn, *others]


def dress(
    pipeline: DiffusionPipeline,
    photos: Sequence[Photo],
    seed: int,
    should_stop: Callable[[], bool],
) -> list[tuple[str, Rgb]]:
    """Return captions and pictures of the wardrobe a base draws for her.

    Raises:
        Stopped: `should_stop` said yes.
    """
    subject = subject_of([photo.caption for photo in photos])
    return wardrobe.draw(pipeline, subject, seed=seed, should_stop=should_stop)


def _of_photo(photo: Photo, recipe: Recipe) -> Lesson:
    words = of_twin(photo.caption)
    if not photo.is_close_up:
        return Lesson(photo, words, 1.0, 1.0, _BODY_REGARD, _BODY_REGARD)
    chance = _FACE_WEIGHT * (1.0 if photo.face is None else regards.FACE_SEEN)
    return Lesson(photo, words, chance, _FACE_ROWS, 1.0, _CLOTHES_REGARD, recipe.face)


def _of_worn(picture: Photo, chance: float) -> Lesson:
    head = _FACE_ROWS if picture.is_close_up else _HEAD_ROWS
    return Lesson(picture, of_twin(picture.caption), chance, head, 0.0, 1.0)


def _sizes(pipeline: DiffusionPipeline, lessons: Sequence[Lesson]) -> list[Size]:
    side = families.side_px(pipeline)
    if not families.of(pipeline).shapes:
        return [(side, side)] * len(lessons)
    known = buckets.sizes(side, families.grain_px(pipeline))
    return [buckets.nearest(known, *one.photo.pixels.shape[:2]) for one in lessons]


def _shelf(
    pipeline: DiffusionPipeline, lessons: Sequence[Lesson], size: Size, places: list[int]
) -> _Shelf:
    chosen = [lessons[place] for place in places]
    show = partial(_shown, pipeline, size)
    rows = np.stack([show(one.photo) for one in chosen])
    values = torch.from_numpy(rows).permute(0, 3, 1, 2).float() / 127.5 - 1
    latents = forms.encode(pipeline, values)
    grid = (latents.shape[-2], latents.shape[-1])
    told = torch.stack([regard(one, show, grid) for one in chosen]).to(latents)
    return _Shelf(places, latents, told, [one.chance for one in chosen])


def _shown(pipeline: DiffusionPipeline, size: Size, photo: Photo) -> Rgb:
    if families.of(pipeline).shapes:
        return buckets.fill(photo.pixels, size)
    return photo.square(size[0])


def regard(lesson: Lesson, show: Callable[[Photo], Rgb], grid: tuple[int, int]) -> Tensor:
    """Return how much each place counts, (1, h, w): rows of the head, those below, the face.

    Args:
        lesson: a picture with what counts of it.
        show: cuts a photo as the base sees it.
        grid: (h, w) of its latents.
    """
    told = torch.full((1, *grid), lesson.below)
    told[:, : round(grid[0] * lesson.shared)] = lesson.above
    photo = lesson.photo
    if photo.face is None or lesson.face == 1.0:
        return told
    head = regards.mask(photo.pixels, photo.face)
    return told + (lesson.face - 1) * regards.share(show(replace(photo, pixels=head)), grid)
