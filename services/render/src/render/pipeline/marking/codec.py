"""The port of watermark codecs, and how a number is read by several of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from render.pipeline.marking.request import Pixels

CLEAR, ENOUGH, LOUD = 0.74, 0.58, 0.68
"""How clearly the copies of a picture shall tell its number; what of that will do, before a picture
is marked so that it could be seen; and how clearly that one shall."""


class Attempt(NamedTuple):
    """A picture with a number.

    Attributes:
        is_faithful: whether nobody sees that it carries one, by the goals of its codec.
    """

    picture: Pixels
    is_faithful: bool


class Codec(Protocol):
    """Puts a number into a picture and finds it again.

    A codec's name holds its version and is part of what its check is made of, so no codec reads
    what another, or another version of it, wrote. A picture's record keeps the name.
    """

    @property
    def name(self) -> str:
        """Return the algorithm's name with its version, as the soft binding states it."""
        ...

    @property
    def payload_bits(self) -> int:
        """Return how many bits the number may have."""
        ...

    @property
    def in_colour(self) -> bool:
        """Return whether the number lies in the colours, so that luma alone does not tell it."""
        ...

    def attempts(self, image: Pixels, payload: int) -> Iterator[Attempt]:
        """Yield `image` carrying `payload` several times, the gentlest first; a number it carried
        may outlive that one. Whoever writes a file reads it back and takes the next if it is lost.
        """
        ...

    def read(self, image: Pixels) -> int | None:
        """Return the number `image` carries, or None where its check bits fail."""
        ...

    def read_whole(self, image: Pixels) -> int | None:
        """As `read`, of an image that was neither cut nor turned nor scaled: many times as fast
        where it carries none. Its luma alone, (H, W), will do unless `in_colour`.
        """
        ...

    def told(self, image: Pixels, payload: int) -> float:
        """Return how clearly an image as for `read_whole` tells the number: 0 for not at all, from
        `CLEAR` so that copies of it will too, even cut ones."""
        ...

    def value(self, payload: int) -> bytes:
        """Return 12 bytes, the number and a keyed check: the soft binding states no number that
        could be counted up to the next."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A number that pixels carry, and the name of the codec that read it."""

    number: int
    codec: str


def read_first(codecs: Sequence[Codec], image: Pixels) -> Found | None:
    """Return what the first codec that finds a number reads; None where none does.

    Args:
        codecs: the one with the strongest check first.
        image: (H, W, 3), of any origin.
    """
    for codec in codecs:
        number = codec.read(image)
        if number is not None:
            return Found(number, codec.name)
    return None


def check_payload(payload: int, bits: int) -> None:
    """Check that a number fits.

    Raises:
        ValueError: it does not.
    """
    if not 0 <= payload < 1 << bits:
        raise ValueError(f"payload {payload} does not fit in {bits} bits")
