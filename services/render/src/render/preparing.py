"""Reference pictures as they are kept: decoded, reduced, written anew."""

import asyncio

import cv2
import numpy as np
from imaging import pictures

from render.domain.moodboards import LONGEST_SIDE, Prepared
from render.domain.photos import MOST_PIXELS, PhotoTooLarge, PhotoUnreadable, check_size

_AT_ONCE = 2  # a picture of 50 million pixels takes hundreds of megabytes while it is read
_QUALITY = 88


class Preparer:
    """Reads strangers' pictures within limits; nothing of the file itself is kept."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def prepare(self, content: bytes) -> Prepared:
        """Return a picture at most `LONGEST_SIDE` pixels long, in sRGB, without metadata.

        Raises:
            PhotoTooLarge: more than 12 MiB or 50 million pixels.
            PhotoUnreadable: not a whole JPEG, PNG or WebP.
        """
        check_size(len(content))
        async with self._room:
            return await asyncio.to_thread(_prepare, content)


def _prepare(content: bytes) -> Prepared:
    try:
        pixels = pictures.decode(content, max_pixels=MOST_PIXELS)
    except pictures.PictureTooLarge as error:
        raise PhotoTooLarge(f"the picture has too many pixels: {error}") from error
    except pictures.UnreadablePicture as error:
        raise PhotoUnreadable("the file is not a whole JPEG, PNG or WebP") from error
    height, width = pixels.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    height, width = pixels.shape[:2]
    return Prepared(pictures.encode_jpeg(pixels, quality=_QUALITY), width, height)
