"""RivaGAN as a codec: its networks ship inside the package invisible-watermark.

They carry 32 bits and no more: here a number of 20 bits and 12 bits of keyed check. That is weak,
so bits must also be loud: see `_LOUD`. Nothing corrects errors; one wrong bit and there is no
number. The mark lies in the colours alone: a copy in grey has lost it.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from render.pipeline.marking import weights
from render.pipeline.marking.codec import Attempt, check_payload
from render.pipeline.marking.keyed import Keyed
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.weights import Floats

SETTING = "RENDER_RIVAGAN_WEIGHTS"
PAYLOAD_BITS = 20
_CHECK_BITS = 12
_WORD_BITS = PAYLOAD_BITS + _CHECK_BITS
_FILES = {
    "rivagan_encoder.onnx": "66bc7814fadac7d686105c8ab26c6cf2cc8e40deb83e67bb6ef5b9de9b8ece0d",
    "rivagan_decoder.onnx": "6b006690cf352fa50a91a0b6d6241dbcded0a9957969e2c0665cf9a7011b3880",
}
_SIDE = 384  # pixels of the short side, at which the networks see a picture
_CUT_SIDE = 272  # of half the area of a picture that was marked at `_SIDE`
_LONGEST = 2  # times the short side; a longer picture is seen smaller
_SMALLEST_SIDE = 32
_STRENGTHS = (1.0, 1.4, 2.0)  # of the network's own change
_QUIETEST = _WORD_BITS // 4 - 1
_LOUD = 2.0  # size of the bit that a quarter is quieter than; without a mark at most 1.5 was seen


class RivaGan:
    """Hides 32 bits by a network, and finds them by another.

    The change is made at `_SIDE` pixels and enlarged: at full size it would be louder, take
    longer and be lost in a smaller copy.

    Source: Zhang et al. 2019, Robust Invisible Video Watermarking with Attention.
    """

    name = "sosia.rivagan.1"
    payload_bits = PAYLOAD_BITS
    in_colour = True

    def __init__(self, key: bytes, folder: Path) -> None:
        """Load the networks from a folder.

        Raises:
            WeightsUnusable: as `weights.load`.
        """
        encoder, decoder = _FILES
        frame, out = {"frame"}, {"output"}
        ports = ({"frame", "data"}, out)
        self._encoder = weights.load(SETTING, folder / encoder, ports, _FILES[encoder])
        self._decoder = weights.load(SETTING, folder / decoder, (frame, out), _FILES[decoder])
        self._keyed = Keyed(key, self.name)

    def embed(self, image: Pixels, payload: int) -> Pixels:
        """Return the gentlest of `attempts`."""
        return next(self.attempts(image, payload)).picture

    def attempts(self, image: Pixels, payload: int) -> Iterator[Attempt]:
        """Yield `image` carrying `payload`: at about 43, 40 and 37 dB."""
        check_payload(payload, PAYLOAD_BITS)
        change = self._change(image, payload)
        for at, strength in enumerate(_STRENGTHS):
            marked = np.clip(np.round(image + strength * change), 0, 255).astype(np.uint8)
            yield Attempt(marked, at == 0)

    def read(self, image: Pixels) -> int | None:
        """Return the number of a picture as it was marked, or of about half of its area."""
        number = self._read_at(image, _SIDE)
        return self._read_at(image, _CUT_SIDE) if number is None else number

    def read_whole(self, image: Pixels) -> int | None:
        """Return the number of a picture that was not cut."""
        return self._read_at(image, _SIDE)

    def told(self, image: Pixels, payload: int) -> float:
        """Return 1 where an image that is as it was marked tells the number, else 0."""
        return float(self.read_whole(image) == payload)

    def value(self, payload: int) -> bytes:
        """Return the number and 32 bits of check, of which the pixels carry the first 12."""
        return self._keyed.value(payload)

    def _read_at(self, image: Pixels, side: int) -> int | None:
        """Return the number seen at some size, if it is loud and its check agrees."""
        if image.ndim == 2 or min(_size(image, side)) < _SMALLEST_SIDE:
            return None
        (heard,) = self._decoder.run(None, {"frame": _frame(_shrink(image, side))})
        if np.sort(np.abs(heard[0]))[_QUIETEST] < _LOUD:
            return None
        word = int.from_bytes(np.packbits(heard[0] > 0).tobytes(), "big")
        number, check = divmod(self._keyed.show(word, _WORD_BITS), 1 << _CHECK_BITS)
        return number if check == self._keyed.check(number, _CHECK_BITS) else None

    def _change(self, image: Pixels, payload: int) -> Floats:
        """Return (H, W, 3) grey levels that are to be added."""
        word = payload << _CHECK_BITS | self._keyed.check(payload, _CHECK_BITS)
        hidden = self._keyed.hide(word, _WORD_BITS).to_bytes(_WORD_BITS // 8, "big")
        bits = np.unpackbits(np.frombuffer(hidden, np.uint8)).astype(np.float32)
        frame = _frame(_shrink(image, _SIDE))
        (marked,) = self._encoder.run(None, {"frame": frame, "data": bits[None]})
        change = 127.5 * (np.clip(marked, -1, 1) - frame)[0, ::-1, 0].transpose(1, 2, 0)
        size = (image.shape[1], image.shape[0])
        larger = cv2.resize(np.ascontiguousarray(change), size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(larger, np.float32)


def _size(image: Pixels, side: int) -> tuple[int, int]:
    """Return (width, height), multiples of 8, in which a network sees a picture.

    A strip is seen smaller: else one of a pixel's height would become a hundred times as large.
    """
    height, width = image.shape[:2]
    scale = min(side / min(height, width), _LONGEST * side / max(height, width))
    return round(width * scale / 8) * 8, round(height * scale / 8) * 8


def _shrink(image: Pixels, side: int) -> Pixels:
    size = _size(image, side)
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _frame(image: Pixels) -> Floats:
    """Return (1, 3, 1, H, W) in [-1, 1], blue first: a film of one picture."""
    film = image[None, None, ..., ::-1].astype(np.float32).transpose(0, 4, 1, 2, 3)
    return film / np.float32(127.5) - np.float32(1)
