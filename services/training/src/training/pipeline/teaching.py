"""A twin taught as the platform teaches it, from a person's photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from imaging.faces import Embedder
from imaging.pictures import Rgb, shrink
from imaging.pipeline.reference import Reference
from imaging.pipeline.spots import Spotter, Upright
from imaging.pipeline.tracks import Mapped, follow_map
from imaging.words import subject_of

from training.pipeline import adapter
from training.pipeline.adapter import Photo, Plan, Progress, Trained
from training.pipeline.fidelity.holding import shows_face
from training.pipeline.fidelity.identity import Cohort
from training.pipeline.measures import QuickLook
from training.pipeline.regards import Box

_RIVALS = 64
"""Strangers like her that a picture is held against; of 16 the nearest was often none."""
_SEARCHED = 640
"""Pixels of the longer side in which a close-up's face is sought: it fills a third of them."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """Teaches twins, with the eyes of `faces`; strangers say what is near."""

    faces: Upright
    cohort: Cohort

    def teach(
        self,
        plan: Plan,
        photos: Sequence[Photo],
        mapped: Sequence[Mapped],
        *,
        progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> Trained:
        """Train a twin from these photos alone; see `adapter.train` for the rest."""
        seen = find_faces(self.faces, photos)
        subject = subject_of([photo.caption for photo in photos])
        return adapter.train(
            plan,
            seen,
            progress=progress,
            should_stop=should_stop,
            measure=QuickLook(self.faces, photos, subject=subject, seed=plan.seed),
            reference=reference(self.faces, photos, mapped, self.cohort),
        )


def reference(
    faces: Upright, taught: Sequence[Photo], mapped: Sequence[Mapped], cohort: Cohort
) -> Reference | None:
    """Return whom a twin's pictures shall look like, and not, by the photos it was taught.

    Not by those held out, which say how well that went. None where fewer than two show a face.
    """
    close = [photo.pixels for photo in taught if shows_face(photo.caption)]
    found = [(one, seen[0]) for one in close if (seen := faces.find(one))]
    if len(found) < 2:
        return None
    embedded = np.stack([faces.embed(rgb, face) for rgb, face in found])
    vector = np.asarray(embedded.mean(0), np.float32)
    spotter = Spotter(faces)
    tracks = follow_map(mapped, [spotter.look_at(rgb, face) for rgb, face in found])
    return Reference(vector, cohort.threshold(), tracks, cohort.like(vector, _RIVALS))


def find_faces(faces: Embedder, photos: Sequence[Photo]) -> list[Photo]:
    """Return the photos, each close-up with where its face is, if one is found."""
    return [
        replace(photo, face=_box(faces, photo.pixels)) if photo.is_close_up else photo
        for photo in photos
    ]


def _box(faces: Embedder, rgb: Rgb) -> Box | None:
    """Return where the surest face is, in pixels; sought in few of them, which is quick."""
    small = shrink(rgb, longest=_SEARCHED)
    found = faces.find(small)
    if not found:
        return None
    scale = rgb.shape[0] / small.shape[0]
    left, top, right, bottom = (round(edge * scale) for edge in found[0].box)
    return left, top, right, bottom
