"""From photos to a twin and what it is worth; runs in a thread of its own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from imaging.faces import Faces
from imaging.failures import Diverged
from imaging.pipeline import families, processor
from imaging.pipeline.recognition import Recognizer
from imaging.pipeline.tracks import Mapped

from training.dataset import Dataset
from training.domain.runs import Recipe
from training.domain.twins import Likeness
from training.pipeline import adapter, likeness
from training.pipeline.adapter import Photo
from training.pipeline.fidelity import grid
from training.pipeline.fidelity.holding import held_out, shows_face
from training.pipeline.fidelity.report import Examiner, Person, figures
from training.pipeline.likeness import Vectors
from training.pipeline.teaching import Teacher
from training.service.jobs import Standing

_CHECKPOINTS = 20
"""Checkpoints a run of few steps makes; a long one makes one every 25 steps."""


@dataclass(frozen=True, slots=True)
class Made:
    """A twin, in memory."""

    adapter: bytes
    sheet: bytes
    likeness: Likeness
    base_sha256: str
    final_loss: float
    seconds: float
    steps: int
    best_step: int
    ended: str
    figures: dict[str, Any]
    """The fidelity report, JSON."""
    template: bytes
    """The mean vector of her held-out photos; empty where none shows a face."""


class Studio:
    """Trains twins and measures them. Holds what every run needs: the judge of faces."""

    def __init__(self, bases: Path, threads: int, tries: int) -> None:
        self._bases = bases
        self._threads, self._tries = threads, tries
        self._faces = Faces()
        self._cohort = load_cohort()
        self._eye = Recognizer(self._faces)
        self._examiner = Examiner(self._faces)
        self._teacher = Teacher(self._faces, self._examiner.cohort)

    def make(
        self,
        base: str,
        recipe: Recipe,
        folder: Path,
        dataset: Dataset,
        watch: tuple[Callable[[Standing], None], Callable[[], bool]],
    ) -> Made:
        """Train a twin, on from the checkpoint in `folder` if there is one, and measure it.

        Args:
            base: name of a base.
            recipe: how to train.
            folder: for checkpoints.
            dataset: the photos; every third close-up is held out to measure with.
            watch: is told where the run is; says whether to stop.

        Raises:
            BaseUnusable: the base cannot be loaded safely.
            Stopped: `watch` said to stop.
            Diverged: the loss is not finite.
        """
        tell, should_stop = watch
        processor.use_threads(self._threads)
        photos = [Photo(one.pixels, one.caption) for one in dataset.photos]
        held = held_out([photo.caption for photo in photos])
        taught = [photo for place, photo in enumerate(photos) if place not in held]
        person = _person(photos, held, dataset.marks)
        trained = self._teacher.teach(
            _plan(self._bases / base, folder, recipe),
            taught,
            person.marks,
            progress=lambda at: tell(Standing(at.step, at.loss, at.seconds_left)),
            should_stop=should_stop,
        )
        if not math.isfinite(trained.final_loss):
            raise Diverged("the training diverged: its loss is not finite")
        return self._judge(trained, photos, person, should_stop)

    def _judge(
        self,
        trained: adapter.Trained,
        photos: Sequence[Photo],
        person: Person,
        should_stop: Callable[[], bool],
    ) -> Made:
        """Draw a grid with a twin and measure it."""
        cells = grid.quick(trained.about.subject)
        families.denoiser(trained.pipeline).eval()
        chosen = grid.Chosen(self._eye, trained.about.reference, self._tries)
        tried = grid.draw(trained.pipeline, cells, adapter.NAME, chosen, should_stop)
        drawn = [one.pixels for one in tried]
        made = [one for cell, one in zip(cells, drawn, strict=True) if cell.framing == "face"]
        found = likeness.measure(self._faces, made, photos, self._cohort)
        report = self._examiner.examine(person, cells, drawn)
        return Made(
            adapter=trained.adapter,
            sheet=likeness.sheet(made, photos, trained.pipeline),
            likeness=Likeness(found.own, found.nearest_other, found.faces, found.renders),
            base_sha256=trained.about.base_sha256,
            final_loss=trained.final_loss,
            seconds=trained.seconds,
            steps=trained.steps,
            best_step=trained.best_step,
            ended=trained.ended.value,
            figures=figures(report, tried),
            template=report.template,
        )


def _person(
    photos: Sequence[adapter.Photo], held: Sequence[int], marks: Sequence[tuple[str, str]]
) -> Person:
    """Return whom a twin is held against: what was held out, what was taught, and her map."""
    taught = [photo for place, photo in enumerate(photos) if place not in held]
    return Person(
        [photo.pixels for photo in taught if shows_face(photo.caption)],
        [photos[place].pixels for place in held],
        [Mapped(*mark) for mark in marks],
    )


def load_cohort() -> Vectors:
    """Read the synthetic people every twin is compared with."""
    with resources.as_file(resources.files("training") / "cohort.json") as path:
        return likeness.load_cohort(path)


def _plan(base: Path, folder: Path, recipe: Recipe) -> adapter.Plan:
    return adapter.Plan(
        base=base,
        work=folder,
        steps=recipe.steps,
        rank=recipe.rank,
        seed=recipe.seed,
        checkpoint_every=max(1, min(25, recipe.steps // _CHECKPOINTS)),
    )
