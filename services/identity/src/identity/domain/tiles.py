"""The log in pieces that never change, for whoever reads all of it.

Source: C2SP tlog-tiles. A tile of level L holds up to 256 hashes, of the complete subtrees of
height 8 * L; a bundle of entries holds what up to 256 leaves hold, which here are commitments.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from kit.errors import FieldInvalid, NotFound

WIDTH = 256
"""Hashes of a full tile, entries of a full bundle."""
_HEIGHT = 8
_MOST_LEVEL = 63
_MOST_PATH = 64
_PATH = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class TileNotFound(NotFound):
    """The log does not reach so far, or not yet."""

    reason = "TILE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of the log.

    Attributes:
        level: of its hashes, 0 the leaves; None for a bundle of entries.
        index: its place in the level, from 0.
        width: how many hashes or entries it holds, 1 to 256.
    """

    level: int | None
    index: int
    width: int

    @property
    def start(self) -> int:
        """The position in its level of the first hash or entry."""
        return self.index * WIDTH

    @property
    def height(self) -> int:
        """The level of its hashes in the tree."""
        return _HEIGHT * (self.level or 0)

    @property
    def needs(self) -> int:
        """How many leaves a log must have so that there is this piece of it."""
        return (self.start + self.width) << self.height

    @property
    def path(self) -> str:
        """Where it lies, below "tile/"."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        width = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{level}/{'/'.join(groups)}{width}"


def parse(path: str) -> Tile:
    """Read where a tile lies, below "tile/".

    Raises:
        FieldInvalid: it is not written as the specification says.
    """
    found = _PATH.fullmatch(path) if len(path) <= _MOST_PATH else None
    if found is None:
        raise FieldInvalid("path", "must be <level>/<index> or entries/<index>, and .p/<width>")
    level = None if found["level"] == "entries" else int(found["level"])
    index = int(found["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(found["width"] or WIDTH))
    if (level or 0) > _MOST_LEVEL or (found["width"] and tile.width >= WIDTH):
        raise FieldInvalid("path", f"must have a level to {_MOST_LEVEL}, a width below {WIDTH}")
    if tile.path != path:
        raise FieldInvalid("path", "must be written without leading zeros")
    return tile


def check_there(tile: Tile, size: int) -> None:
    """See that a log of `size` leaves has a tile.

    Raises:
        TileNotFound: it has not.
    """
    if tile.needs > size:
        raise TileNotFound(f"the log has {size} leaves and does not reach so far", size=size)


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries one after another, each after its length as a big-endian uint16."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)
