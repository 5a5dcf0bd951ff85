"""Who a picture shall look like, as a vector of a face."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.faces import FACE_VECTOR


@dataclass(frozen=True, slots=True)
class Reference:
    """Who a picture shall look like.

    Attributes:
        vector: (128,) float32, the mean of photos she was learned from.
        near: the distance below which a face is hers; unitless.
    """

    vector: NDArray[np.float32]
    near: float

    def pack(self) -> str:
        """Return the vector as text: little-endian float32 in base64."""
        return b64encode(self.vector.astype("<f4").tobytes()).decode()

    @classmethod
    def unpack(cls, packed: str, near: float) -> Reference:
        """Read what `pack` wrote.

        Raises:
            ValueError: it is no base64, or not as many float32 as a face has.
        """
        vector = np.frombuffer(b64decode(packed, validate=True), "<f4")
        if vector.size != FACE_VECTOR:
            raise ValueError(f"a face has {FACE_VECTOR} numbers, this one {vector.size}")
        return cls(np.asarray(vector, np.float32), near)
