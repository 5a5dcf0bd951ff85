"""A fidelity report: everything measured of one twin version, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from imaging.pictures import Rgb
from imaging.pipeline.likest import Drawn
from imaging.pipeline.spots import Spotter, Upright
from imaging.pipeline.tracks import Mapped

from training.pipeline.fidelity import identity, judging, marks, wording
from training.pipeline.fidelity.grid import Cell
from training.pipeline.fidelity.identity import Cohort, Found, Identity, Separation, Vectors
from training.pipeline.fidelity.judging import Judge, Obedience
from training.pipeline.fidelity.marks import Marks


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a twin is held against, from photos alone.

    Attributes:
        taught: photos the twin was trained on: they tell where her marks are.
        held: photos held out from training: they tell who she is.
        marks: the map.
    """

    taught: Sequence[Rgb]
    held: Sequence[Rgb]
    marks: Sequence[Mapped] = ()


@dataclass(frozen=True, slots=True)
class Others:
    """Templates of named people a render must never be nearer to, (K, 128)."""

    names: Sequence[str] = ()
    templates: Vectors = field(default_factory=lambda: np.zeros((0, 128), np.float32))


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured."""

    identity: Identity
    separation: Separation
    marks: Marks
    obedience: Obedience
    cells: tuple[Cell, ...]
    template: bytes
    """128 little-endian float32: who she is, for pictures to come; kept sealed, never told."""


class Examiner:
    """Measures twins. Holds what every report needs."""

    def __init__(self, faces: Upright, cohort: Cohort | None = None) -> None:
        self._faces = faces
        self._spotter = Spotter(faces)
        self._judge = Judge()
        self.cohort = cohort or identity.load_cohort()

    def examine(
        self,
        person: Person,
        cells: Sequence[Cell],
        made: Sequence[Rgb],
        others: Others | None = None,
    ) -> Report:
        """Measure renders of a grid."""
        others = others or Others()
        close = [place for place, cell in enumerate(cells) if cell.framing == "face"]
        held = identity.embed(self._faces, person.held)
        found = identity.embed(self._faces, [made[place] for place in close])
        everyone = np.concatenate([others.templates, self.cohort.templates()])
        return Report(
            identity=identity.measure(found, len(close), held, self.cohort),
            separation=identity.separate(found, len(close), held, everyone, others.names),
            marks=self._marks(person, [made[place] for place in close]),
            obedience=self.obey(cells, made),
            cells=tuple(cells),
            template=template_of(held),
        )

    def see_template(self, photos: Sequence[Rgb]) -> Vectors:
        """Return the mean vector of photos, (128,); zeros where none shows a face."""
        found = identity.embed(self._faces, photos).vectors
        return found.mean(0) if len(found) else np.zeros(128, np.float32)

    def _marks(self, person: Person, close: Sequence[Rgb]) -> marks.Marks:
        photos = [self._spotter.look(one) for one in [*person.taught, *person.held]]
        renders = [self._spotter.look(one) for one in close]
        return marks.measure(
            person.marks,
            [one for one in photos if one is not None],
            [one for one in renders if one is not None],
        )

    def obey(self, cells: Sequence[Cell], made: Sequence[Rgb]) -> Obedience:
        """Compare pictures with the prompts of their cells."""
        wanted = [wording.read(cell.prompt) for cell in cells]
        return judging.score(wanted, self._judge.see(made))


def template_of(held: Found) -> bytes:
    """Return the mean of her held-out photos, little-endian float32; empty without a face."""
    return held.vectors.mean(0).astype("<f4").tobytes() if len(held.vectors) else b""


def figures(report: Report, drawn: Sequence[Drawn]) -> dict[str, Any]:
    """Return a report as JSON can hold it, without the template; NaN becomes null.

    `drawn` are the pictures of its cells.
    """
    told = report.identity
    renders = [
        {
            "prompt": cell.prompt, "view": cell.view, "light": cell.light, "seed": cell.seed,
            "own": _plain(own), "other": _plain(other), "nearest": name,
            "tries": one.tries, "flaws": one.flaws,
        }
        for (cell, one), own, other, name in zip(
            [(c, d) for c, d in zip(report.cells, drawn, strict=True) if c.framing == "face"],
            told.own, report.separation.other, report.separation.names, strict=True,
        )
    ]  # fmt: skip
    same = asdict(told)
    for name in ("own", "roc", "photos_roc"):
        del same[name]
    apart = asdict(report.separation)
    for name in ("other", "names"):
        del apart[name]
    return {
        "identity": same,
        "separation": apart,
        "marks": {**asdict(report.marks), "recall": report.marks.recall,
                  "error": report.marks.error},
        "obedience": asdict(report.obedience),
        "roc": [list(point) for point in told.roc],
        "photos_roc": [list(point) for point in told.photos_roc],
        "renders": renders,
        "pictures": len(report.cells),
    }  # fmt: skip


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
