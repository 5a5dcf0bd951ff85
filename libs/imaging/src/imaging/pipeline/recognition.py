"""Is a picture of her: how far her face is from it, and whether its marks are hers."""

from __future__ import annotations

import math
from typing import NamedTuple

from imaging.pictures import Rgb
from imaging.pipeline.reference import Reference
from imaging.pipeline.spots import Spotter, Upright
from imaging.pipeline.tracks import flaws


class Seen(NamedTuple):
    """What a picture shows of somebody.

    Attributes:
        distance: of its surest face to hers, unitless; infinite without a face.
        flaws: marks that should be there and are not, spots that are none of hers, and one more
            where the face may be somebody else's.
    """

    distance: float
    flaws: int = 0


class Recognizer:
    """Sees whether pictures are of her. Safe to share between threads as its faces are."""

    def __init__(self, faces: Upright) -> None:
        self._faces, self._spotter = faces, Spotter(faces)

    def see(self, rgb: Rgb, wanted: Reference) -> Seen:
        """Return how a picture, (H, W, 3) uint8, compares with whom it shall look like."""
        found = self._faces.find(rgb, upsample=0)
        if not found:
            return Seen(math.inf)
        vector = self._faces.embed(rgb, found[0])
        wrong = int(wanted.may_be_another(vector))
        if wanted.tracks is not None:
            wrong += flaws(self._spotter.look_at(rgb, found[0]), wanted.tracks)
        return Seen(wanted.distance(vector), wrong)
