"""Whom a picture shall look like: the vector of a face, and where its marks are."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.faces import FACE_VECTOR
from imaging.pipeline.tracks import Track


@dataclass(frozen=True, slots=True)
class Reference:
    """Whom a picture shall look like.

    Attributes:
        vector: (128,) float32, the mean of photos she was learned from.
        near: the distance below which a face is hers; unitless.
        tracks: where each mark of her face is; None where that is not known of all of them.
    """

    vector: NDArray[np.float32]
    near: float
    tracks: tuple[Track, ...] | None = None

    def pack(self) -> str:
        """Return the vector as text: little-endian float32 in base64."""
        return b64encode(self.vector.astype("<f4").tobytes()).decode()

    @classmethod
    def unpack(
        cls, packed: str, near: float, marks: Sequence[Mapping[str, Any]] | None = None
    ) -> Reference:
        """Read what `pack` and `Track.pack` wrote.

        Raises:
            ValueError, TypeError: it is no base64, not as many float32 as a face has, no number
                or no tracks.
        """
        vector = np.frombuffer(b64decode(packed, validate=True), "<f4")
        if vector.size != FACE_VECTOR:
            raise ValueError(f"a face has {FACE_VECTOR} numbers, this one {vector.size}")
        if not (np.isfinite(vector).all() and np.isfinite(near)):
            raise ValueError("a face or its threshold is no number")
        if marks is not None and not isinstance(marks, list):
            raise ValueError("marks are no list")
        tracks = None if marks is None else tuple(Track.unpack(one) for one in marks)
        return cls(np.asarray(vector, np.float32), near, tracks)
