"""Whom a picture shall look like: the vector of a face, who is like it, where its marks are."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imaging.faces import FACE_VECTOR
from imaging.pipeline.tracks import Track

Vectors = NDArray[np.float32]
_CLEAR = 0.05
"""By how much: the mean of the photos a twin was taught is 0.12 to 0.19 from that of those held
out, a part of which lies towards a rival."""


def _nobody() -> Vectors:
    return np.zeros((0, FACE_VECTOR), np.float32)


@dataclass(frozen=True, slots=True)
class Reference:
    """Whom a picture shall look like.

    Attributes:
        vector: (128,) float32, the mean of photos she was learned from.
        near: the distance below which a face is hers; unitless.
        tracks: where each mark of her face is; None where that is not known of all of them.
        rivals: (K, 128) float32, faces a picture of her may be taken for; of nobody who exists.
    """

    vector: Vectors
    near: float
    tracks: tuple[Track, ...] | None = None
    rivals: Vectors = field(default_factory=_nobody)

    def distance(self, vector: Vectors) -> float:
        """Return how far a face, (128,), is from hers; unitless."""
        return float(np.linalg.norm(vector - self.vector))

    def may_be_another(self, vector: Vectors) -> bool:
        """Tell whether a face is not clearly nearer to her than to each of the rivals."""
        apart = np.linalg.norm(self.rivals - vector, axis=1)
        return bool((apart < self.distance(vector) + _CLEAR).any())


def pack_faces(vectors: Vectors) -> str:
    """Return vectors as text: little-endian float32 in base64."""
    return b64encode(vectors.astype("<f4").tobytes()).decode()


def unpack_faces(packed: str) -> Vectors:
    """Read what `pack_faces` wrote, as (K, 128).

    Raises:
        ValueError, TypeError: it is no base64 of whole vectors, or not all of it is a number.
    """
    numbers = np.frombuffer(b64decode(packed, validate=True), "<f4")
    if numbers.size % FACE_VECTOR:
        raise ValueError(f"a face has {FACE_VECTOR} numbers, these are {numbers.size}")
    if not np.isfinite(numbers).all():
        raise ValueError("a face is no number")
    return np.asarray(numbers, np.float32).reshape(-1, FACE_VECTOR)
