"""How near a twin's pictures are to the person, and to people she is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from diffusers import DiffusionPipeline
from imaging.faces import Faces
from imaging.pictures import Rgb, contact_sheet, encode_png
from imaging.pipeline import families, generate
from imaging.words import caption

from training.pipeline.album import Photo
from training.pipeline.engine import NAME

_LIGHTS = ("studio soft", "overcast", "hard side", "golden hour")
_OUTFITS = (
    "white T-shirt and indigo jeans",
    "navy hoodie and grey trousers",
    "red T-shirt and black trousers",
)
CLOSE_UPS = 12

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Distances by the face embedder; unitless, smaller is nearer.

    Attributes:
        own: mean distance of the close-ups to the mean of the person's own photos.
        nearest_other: mean distance to that person of the cohort who is nearest; 0 without one.
        faces: close-ups in which a face was found, of `renders`.
    """

    own: float
    nearest_other: float
    faces: int
    renders: int


def close_ups(
    pipeline: DiffusionPipeline, subject: str, *, seed: int, should_stop: Callable[[], bool]
) -> list[Rgb]:
    """Make twelve close-ups of the twin on `pipeline`: three outfits in each of four lights.

    Raises:
        Stopped: `should_stop`, asked at every step of the sampler, said yes.
    """
    shots = [
        generate.Shot(
            NAME,
            caption(
                subject=subject,
                framing="face",
                outfit=_OUTFITS[i % len(_OUTFITS)],
                pose="standing",
                view="front" if i % 2 else "three-quarter",
                light=_LIGHTS[i % len(_LIGHTS)],
            ),
            seed + i,
        )
        for i in range(CLOSE_UPS)
    ]
    families.denoiser(pipeline).eval()
    family = families.of(pipeline)
    made: list[Rgb] = []
    for start in range(0, CLOSE_UPS, 6):
        made += generate.pictures(
            pipeline,
            shots[start : start + 6],
            steps=family.steps,
            guidance=family.guidance,
            should_stop=should_stop,
        )
    return made


def measure(
    faces: Faces, made: Sequence[Rgb], photos: Sequence[Photo], cohort: Vectors
) -> Likeness:
    """Compare close-ups with the person's photos and with a cohort of other people.

    Args:
        faces: the embedder.
        made: close-ups of the twin.
        photos: of the person; only those in which a face is found count.
        cohort: (K, 128) mean embeddings of other people.
    """
    theirs = _embed(faces, [photo.pixels for photo in photos])
    ours = _embed(faces, made)
    if not len(ours) or not len(theirs):
        return Likeness(0.0, 0.0, len(ours), len(made))
    own = float(_distances(theirs.mean(0), ours).mean())  # to a mean, as the cohort's are
    others = np.stack([_distances(face, cohort) for face in ours]) if len(cohort) else None
    nearest = float(others.mean(0).min()) if others is not None else 0.0
    return Likeness(own, nearest, len(ours), len(made))


def load_cohort(path: Path) -> Vectors:
    """Read the cohort that ships with the service: synthetic people, (K, 128)."""
    return np.asarray(json.loads(path.read_text()), dtype=np.float32)


def sheet(made: Sequence[Rgb], photos: Sequence[Photo], pipeline: DiffusionPipeline) -> bytes:
    """Return a PNG: a row of the person's photos above the twin's close-ups."""
    side = families.side_px(pipeline)
    above = [photo.square(side) for photo in photos[:4]]
    return encode_png(contact_sheet([*above, *made], columns=4))


def _embed(faces: Faces, pictures: Sequence[Rgb]) -> Vectors:
    found = [(picture, faces.find(picture)) for picture in pictures]
    rows = [faces.embed(picture, seen[0]) for picture, seen in found if seen]
    return np.stack(rows) if rows else np.zeros((0, 128), np.float32)


def _distances(face: npt.NDArray[np.float32], people: Vectors) -> Vectors:
    distances: Vectors = np.linalg.norm(people - face, axis=1).astype(np.float32)
    return distances
