"""Look at a photo: decode it safely, measure it, and write it anew without metadata."""

import asyncio
from dataclasses import dataclass

from imaging import pictures
from imaging.faces import Faces

from identity.domain import captures
from identity.domain.captures import Facts, Measures, PhotoTooLarge, PhotoUnreadable

_SEARCH_SIDE = 960
"""Pixels of the longer side at which faces are looked for; smaller faces than 80 are missed."""
_AT_ONCE = 2
"""Photos in work at a time: each takes some 400 MB at the largest size allowed."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A photo that passed its checks."""

    jpeg: bytes
    measures: Measures
    perceptual_hash: bytes


class Photographs:
    """Judges photos in threads, a few at a time."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def look(self, content: bytes, facts: Facts) -> Looked:
        """Check a photo and re-encode it.

        Raises:
            PhotoTooLarge, PhotoUnreadable, PhotoTooSmall, PhotoBlurred, PhotoOfSeveral,
            PhotoWithoutFace: the first check it fails, in this order.
        """
        captures.check_size(len(content))
        async with self._free:
            return await asyncio.to_thread(self._look, content, facts)

    def _look(self, content: bytes, facts: Facts) -> Looked:
        try:
            rgb = pictures.decode(content, max_pixels=captures.MOST_PIXELS)
        except pictures.PictureTooLarge as error:
            raise PhotoTooLarge(f"photo is too large: {error}") from error
        except pictures.UnreadablePicture as error:
            raise PhotoUnreadable("photo is not a whole JPEG, PNG or WebP") from error
        height, width = rgb.shape[:2]
        faces = self._faces.find(pictures.shrink(rgb, longest=_SEARCH_SIDE))
        measures = Measures(width, height, pictures.sharpness(rgb), len(faces))
        captures.check_measures(facts, measures)
        return Looked(pictures.encode_jpeg(rgb), measures, pictures.perceptual_hash(rgb))
