"""Strangers' files, read within limits."""

import asyncio
from pathlib import Path

from imaging import pictures

from render.domain.photos import MOST_PIXELS, PhotoTooLarge, PhotoUnreadable, check_size
from render.domain.verdicts import Layers
from render.pipeline.marking import examine
from render.pipeline.marking import outline as outlines
from render.pipeline.marking.authority import read_revoked
from render.pipeline.marking.examine import Reader

_AT_ONCE = 2  # a picture of 50 million pixels takes hundreds of megabytes while it is read


class Examiner:
    """Reads every layer of a file with our keys."""

    def __init__(self, reader: Reader, revoked: Path | None) -> None:
        """Take in the list of revoked certificates, which is read anew for every file.

        Raises:
            ValueError: a line of it is no serial number.
        """
        self._reader = reader
        self._revoked = revoked
        read_revoked(revoked)
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def look(self, content: bytes) -> Layers:
        """Return what a file says about itself.

        Raises:
            PhotoTooLarge: more than 12 MiB or 50 million pixels.
            PhotoUnreadable: not a whole JPEG, PNG or WebP.
        """
        check_size(len(content))
        async with self._room:
            return await asyncio.to_thread(self._look, content)

    async def is_part(self, content: bytes, outline: bytes) -> bool:
        """Tell whether a file that was looked at is a part of a picture, by its outline."""
        async with self._room:
            return await asyncio.to_thread(_is_part, content, outline)

    def _look(self, content: bytes) -> Layers:
        revoked = read_revoked(self._revoked)
        try:
            pictures.decode(content, max_pixels=MOST_PIXELS)
            return examine.examine(content, self._reader, revoked).layers
        except pictures.PictureTooLarge as error:
            raise PhotoTooLarge(f"the picture has too many pixels: {error}") from error
        except (pictures.UnreadablePicture, examine.Unreadable) as error:
            raise PhotoUnreadable("the file is not a whole JPEG, PNG or WebP") from error


def _is_part(content: bytes, outline: bytes) -> bool:
    return outlines.is_part(examine.decode(content), outline)
