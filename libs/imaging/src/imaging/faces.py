"""Faces: where they are, and a vector by which one person is told from another.

dlib's HOG detector, its 5-point landmarks (the 68-point model's training data bars commercial
use) and its 128-d embedder (weights CC0, of the package face_recognition_models).
"""

import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import dlib  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from imaging.pictures import Rgb

FACE_VECTOR = 128
"""Numbers by which the embedder tells a face."""
_LANDMARKS = "shape_predictor_5_face_landmarks.dat"
_EMBEDDER = "dlib_face_recognition_resnet_model_v1.dat"


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is: left, top, right, bottom in pixels; may reach over the picture's edge."""

    box: tuple[int, int, int, int]
    score: float
    """The detector's margin; larger is surer, 0 is its threshold."""

    def cut(self, rgb: Rgb) -> Rgb:
        """Return the part of `rgb` that the face fills."""
        left, top, right, bottom = (max(0, edge) for edge in self.box)
        return rgb[top:bottom, left:right]


class Embedder(Protocol):
    """What finds faces and tells people apart: `Faces` here, another where one is plugged in."""

    def find(self, rgb: Rgb, *, upsample: int | None = None) -> list[Face]:
        """Return the faces in (H, W, 3) uint8, surest first; see `Faces.find`."""

    def embed(self, rgb: Rgb, face: Face) -> NDArray[np.float32]:
        """Return a vector; euclidean distance tells people apart."""


class Faces:
    """Finds and embeds faces. Safe to share between threads: one call at a time runs."""

    def __init__(self, *, upsample: int = 0, min_score: float = 0.0) -> None:
        """Load the models.

        Args:
            upsample: how often the picture is doubled before the search; each halves the
                smallest face found (80 pixels with 0) and takes four times as long.
            min_score: margin below which a find does not count.
        """
        folder = _models_folder()
        self._lock = threading.Lock()
        self._upsample = upsample
        self._min_score = min_score
        self._detector: Any = dlib.get_frontal_face_detector()
        self._landmarks: Any = dlib.shape_predictor(str(folder / _LANDMARKS))
        self._embedder: Any = dlib.face_recognition_model_v1(str(folder / _EMBEDDER))

    def find(self, rgb: Rgb, *, upsample: int | None = None) -> list[Face]:
        """Return the faces in `rgb`, (H, W, 3) uint8, surest first.

        `upsample` is how often this picture is doubled, where not as usual.
        """
        times = self._upsample if upsample is None else upsample
        with self._lock:
            boxes, scores, _ = self._detector.run(rgb, times, self._min_score)
        found = [
            Face((box.left(), box.top(), box.right(), box.bottom()), float(score))
            for box, score in zip(boxes, scores, strict=True)
        ]
        return sorted(found, key=lambda face: -face.score)

    def landmarks(self, rgb: Rgb, face: Face) -> NDArray[np.float32]:
        """Return (5, 2) float32 pixels x, y: outer and inner corner of her left eye, outer and
        inner corner of her right eye, the base of the nose."""
        with self._lock:
            shape = self._landmarks(rgb, dlib.rectangle(*face.box))
        points = [(shape.part(place).x, shape.part(place).y) for place in range(5)]
        return np.asarray(points, dtype=np.float32)

    def embed(self, rgb: Rgb, face: Face) -> NDArray[np.float32]:
        """Return the (128,) float32 vector of a face found in `rgb`.

        Euclidean distance tells people apart; where the line lies must be calibrated (on our
        synthetic talents 0.53, not dlib's usual 0.6).
        """
        with self._lock:
            shape = self._landmarks(rgb, dlib.rectangle(*face.box))
            vector = self._embedder.compute_face_descriptor(rgb, shape)
        return np.asarray(vector, dtype=np.float32)


def _models_folder() -> Path:
    """Return where the weights lie; the package itself does not import without pkg_resources."""
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package face_recognition_models is not installed")
    return Path(spec.origin).parent / "models"
