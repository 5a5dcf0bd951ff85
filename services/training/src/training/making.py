"""From photos to a twin and what it is worth; runs in a thread of its own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from imaging.faces import Faces
from imaging.failures import Diverged

from training.dataset import Dataset
from training.domain.runs import Recipe
from training.domain.twins import Likeness
from training.pipeline import adapter, likeness
from training.pipeline.fidelity import grid
from training.pipeline.fidelity.holding import held_out, shows_face
from training.pipeline.fidelity.marks import Mapped
from training.pipeline.fidelity.report import Examiner, Person, figures
from training.pipeline.likeness import Vectors
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
    figures: dict[str, Any]
    """The fidelity report, JSON."""
    template: bytes
    """The mean vector of her held-out photos; empty where none shows a face."""


class Studio:
    """Trains twins and measures them. Holds what every run needs: the judge of faces."""

    def __init__(self, bases: Path, threads: int = 1) -> None:
        self._bases = bases
        self._threads = threads
        self._faces = Faces()
        self._cohort = load_cohort()
        self._examiner = Examiner(self._faces)

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
        adapter.use_threads(self._threads)
        photos = [adapter.Photo(photo.pixels, photo.caption) for photo in dataset.photos]
        held = held_out([photo.caption for photo in photos])
        taught = [photo for place, photo in enumerate(photos) if place not in held]
        trained = adapter.train(
            _plan(self._bases / base, folder, recipe),
            taught,
            progress=lambda at: tell(Standing(at.step, at.loss, at.seconds_left)),
            should_stop=should_stop,
        )
        if not math.isfinite(trained.final_loss):
            raise Diverged("the training diverged: its loss is not finite")
        cells = grid.quick(trained.about.subject)
        trained.pipeline.unet.eval()
        drawn = grid.render(trained.pipeline, cells, adapter.NAME, should_stop)
        made = [one for cell, one in zip(cells, drawn, strict=True) if cell.framing == "face"]
        found = likeness.measure(self._faces, made, photos, self._cohort)
        person = _person(photos, held, dataset.marks)
        report = self._examiner.examine(person, cells, drawn)
        return Made(
            adapter=trained.adapter,
            sheet=likeness.sheet(made, photos, trained.pipeline),
            likeness=Likeness(found.own, found.nearest_other, found.faces, found.renders),
            base_sha256=trained.about.base_sha256,
            final_loss=trained.final_loss,
            seconds=trained.seconds,
            figures=figures(report),
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
