"""What a picture looks like, in 256 bits that survive re-encoding."""

import cv2
import numpy as np
import pdqhash  # type: ignore[import-untyped]

from render.domain.verdicts import SAME_PICTURE_BITS, distance
from render.pipeline.marking.request import Pixels

__all__ = ["NAME", "SAME_PICTURE_BITS", "distance", "fingerprint"]

NAME = "pdq.1"

_LONGEST = 512  # the PDQ authors' advice: nothing finer enters the hash


def fingerprint(image: Pixels) -> bytes:
    """Return the PDQ hash of `image`, 32 bytes.

    Measured on 1,000 pictures of 50 synthetic people: re-saves, filters and sizes of one picture
    are at most 18 bits apart, any two pictures at least 34, also of one person.

    Source: Facebook 2019, The TMK+PDQF video-hashing algorithm and the PDQ image-hashing
    algorithm.
    """
    factor = _LONGEST / max(image.shape[:2])
    if factor < 1:
        width, height = (max(1, round(side * factor)) for side in image.shape[1::-1])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    bits, _quality = pdqhash.compute(np.ascontiguousarray(image))
    return np.packbits(bits.astype(np.uint8)).tobytes()
