"""Is it her, and nobody else: distances of renders to photos that were held out from training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
from imaging.faces import Embedder
from imaging.pictures import Rgb

Vectors = npt.NDArray[np.float32]
FALSE_ACCEPTS = 0.01
"""Share of strangers' pictures that the threshold lets pass."""
_CURVE = 60
"""Points of a curve at most."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Single pictures of people who do not exist.

    Attributes:
        vectors: (P, 128) float32, one row a picture.
        person: (P,) int64, whose it is.
    """

    vectors: Vectors
    person: npt.NDArray[np.int64]

    def templates(self) -> Vectors:
        """Return the mean vector of each person, (K, 128)."""
        return np.stack([self.vectors[self.person == one].mean(0) for one in self.people])

    @property
    def people(self) -> npt.NDArray[np.int64]:
        """Return the people, (K,)."""
        return np.unique(self.person)

    def like(self, vector: Vectors, count: int) -> Vectors:
        """Return the templates nearest to a face, (count, 128), nearest first."""
        templates = self.templates()
        return templates[distances(templates, vector[None])[:, 0].argsort()[:count]]

    def threshold(self) -> float:
        """Return the distance at which 1 % of strangers' pictures would pass.

        Every picture against every template of somebody else.
        """
        apart = distances(self.vectors, self.templates())  # (P, K)
        strangers = self.person[:, None] != self.people[None]
        return float(np.quantile(apart[strangers], FALSE_ACCEPTS))


@dataclass(frozen=True, slots=True)
class Found:
    """The faces of a row of pictures: vectors of those found, and which pictures they are of."""

    vectors: Vectors
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """How near renders are to her held-out photos; distances are unitless.

    Attributes:
        renders: made to be judged; one without a face counts as not her.
        faces: in which a face was found.
        share: of renders, those nearer than the threshold.
        mean: distance of the faces found, and deviation their standard deviation.
        threshold: at which 1 % of strangers' pictures pass.
        photos: held out, with a face.
        photos_share: of her held-out photos, those nearer than the threshold to the others.
        false_accepts: of strangers' pictures, those nearer to her than the threshold.
        own: distance of each render, NaN without a face.
        roc: (false accepts, true accepts) of renders, and the same of her own photos.
    """

    renders: int
    faces: int
    share: float
    mean: float
    deviation: float
    threshold: float
    photos: int
    photos_share: float
    false_accepts: float
    own: tuple[float, ...]
    roc: tuple[tuple[float, float], ...]
    photos_roc: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Separation:
    """Whether a render is nearer to somebody else than to her.

    Attributes:
        renders: with a face.
        people: others it was compared with.
        nearer: renders that are nearer to one of them.
        margin: mean of (nearest other - own); positive is right.
        other: distance of each render to the nearest other, NaN without a face.
        names: who the nearest other is, where she has a name here; else "".
    """

    renders: int
    people: int
    nearer: int
    margin: float
    other: tuple[float, ...]
    names: tuple[str, ...]


def load_cohort() -> Cohort:
    """Read the pictures of strangers that ship with the service."""
    with resources.as_file(resources.files("training") / "strangers.npz") as path:
        return read_cohort(path)


def read_cohort(path: Path) -> Cohort:
    """Read a cohort from `vectors` (P, 128) and `person` (P,)."""
    with np.load(path, allow_pickle=False) as file:
        return Cohort(file["vectors"].astype(np.float32), file["person"].astype(np.int64))


def embed(faces: Embedder, pictures: Sequence[Rgb]) -> Found:
    """Return the vector of the surest face of each picture in which there is one."""
    vectors, places = [], []
    for place, picture in enumerate(pictures):
        seen = faces.find(picture)
        if seen:
            vectors.append(faces.embed(picture, seen[0]))
            places.append(place)
    stacked = np.stack(vectors) if vectors else np.zeros((0, 128), np.float32)
    return Found(stacked, tuple(places))


def distances(some: Vectors, others: Vectors) -> Vectors:
    """Return Euclidean distances, (N, K)."""
    squares = (some**2).sum(1)[:, None] + (others**2).sum(1)[None] - 2 * some @ others.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)), dtype=np.float32)


def measure(made: Found, renders: int, held: Found, cohort: Cohort) -> Identity:
    """Compare renders with her held-out photos and those with strangers.

    Where fewer than two of those show a face nothing is proven, and no render counts as her.
    """
    if len(held.vectors) < 2:
        return _unproven(len(made.vectors), renders, len(held.vectors), cohort.threshold())
    template = held.vectors.mean(0, keepdims=True)
    threshold = cohort.threshold()
    own = distances(made.vectors, template)[:, 0]
    strangers = distances(cohort.vectors, template)[:, 0]
    hers = _leave_one_out(held.vectors)
    told = np.full(renders, np.nan)
    told[list(made.places)] = own
    return Identity(
        renders=renders,
        faces=len(own),
        share=float((own < threshold).sum() / renders) if renders else 0.0,
        mean=float(own.mean()) if len(own) else 0.0,
        deviation=float(own.std()) if len(own) else 0.0,
        threshold=threshold,
        photos=len(held.vectors),
        photos_share=float((hers < threshold).mean()),
        false_accepts=float((strangers < threshold).mean()),
        own=tuple(float(one) for one in told),
        roc=curve(own, strangers, renders),
        photos_roc=curve(hers, strangers, len(hers)),
    )


def _unproven(faces: int, renders: int, photos: int, threshold: float) -> Identity:
    return Identity(
        renders=renders, faces=faces, share=0.0, mean=0.0, deviation=0.0, threshold=threshold,
        photos=photos, photos_share=0.0, false_accepts=0.0, own=(math.nan,) * renders, roc=(),
        photos_roc=(),
    )  # fmt: skip


def _leave_one_out(vectors: Vectors) -> Vectors:
    """Return the distance of each vector to the mean of the others."""
    others = (vectors.sum(0) - vectors) / (len(vectors) - 1)
    return np.asarray(np.linalg.norm(vectors - others, axis=1), dtype=np.float32)


def curve(own: Vectors, strangers: Vectors, asked: int) -> tuple[tuple[float, float], ...]:
    """Return the receiver operating characteristic: false accepts and true accepts, rising.

    `asked` renders were made; those without a face are never accepted.
    """
    limits = np.unique(np.concatenate([own, strangers]))
    if len(limits) > _CURVE:
        limits = np.quantile(limits, np.linspace(0, 1, _CURVE))
    points = [(0.0, 0.0)]
    for limit in limits:
        false = float((strangers <= limit).mean())
        points.append((false, float((own <= limit).sum() / max(1, asked))))
    return tuple(points)


def separate(
    made: Found, renders: int, held: Found, others: Vectors, names: Sequence[str]
) -> Separation:
    """Compare renders with her own template and with those of others, (K, 128).

    `names` belong to the first of `others`; the rest has none.
    """
    if not len(held.vectors):
        return Separation(0, len(others), 0, 0.0, (math.nan,) * renders, ("",) * renders)
    own = distances(made.vectors, held.vectors.mean(0, keepdims=True))[:, 0]
    apart = distances(made.vectors, others)
    told, who = np.full(renders, np.nan), [""] * renders
    nearest = apart.min(1) if len(others) and len(own) else np.full(len(own), np.inf)
    for row, place in enumerate(made.places):
        told[place] = nearest[row]
        best = int(apart[row].argmin()) if len(others) else -1
        who[place] = names[best] if 0 <= best < len(names) else ""
    return Separation(
        renders=len(own),
        people=len(others),
        nearer=int((nearest <= own).sum()),
        margin=float((nearest - own).mean()) if len(own) and len(others) else 0.0,
        other=tuple(float(one) for one in told),
        names=tuple(who),
    )
