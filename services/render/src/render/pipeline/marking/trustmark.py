"""TrustMark as a codec: its networks are the operator's to bring, as ONNX, of the variant Q.

They carry 100 bits. The schema is TrustMark's own BCH_5: 61 bits of data, 35 that correct five
errors, 4 that name the schema. The data is a number of 32 bits and 28 bits of keyed check, hidden
under the key. Turned or mirrored pictures are not read, nor small parts of one.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from render.pipeline.marking import bch, weights
from render.pipeline.marking.codec import Attempt, check_payload
from render.pipeline.marking.keyed import Keyed
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.weights import Floats

SETTING = "RENDER_TRUSTMARK_WEIGHTS"
PAYLOAD_BITS = 32
_CHECK_BITS = 28
_WORD_BITS = PAYLOAD_BITS + _CHECK_BITS
_DATA_BITS = 61  # the word, and one that is 0
_PADDING = 3  # bits that the code sees behind the data
_SCHEMA, _SCHEMA_BITS = 1, 4  # BCH_5
_SECRET_BITS = _DATA_BITS + bch.ECC_BITS + _SCHEMA_BITS
_ENCODER, _DECODER = "encoder_Q.onnx", "decoder_Q.onnx"
_COVER, _SECRET = "onnx::Concat_0", "onnx::Gemm_1"
_SIDE = 256  # pixels, at which the networks see a picture, whatever its shape
_STRENGTHS = (1.0, 1.5, 2.0)  # of the network's own change
_MOST = 0.2  # of the change at any place, in halves of the whole range
_LONGEST = 2  # times the short side; of a longer picture only the middle is marked
_SMALLEST_SIDE = 32


class TrustMark:
    """Hides 100 bits by a network, and finds them by another.

    Source: Bui, Agarwal and Collomosse 2025, TrustMark: Robust Watermarking and Watermark Removal
    for Arbitrary Resolution Images.
    """

    name = "sosia.trustmark.q.1"
    payload_bits = PAYLOAD_BITS
    in_colour = True

    def __init__(self, key: bytes, folder: Path) -> None:
        """Load the networks from a folder.

        Raises:
            WeightsUnusable: as `weights.load`.
        """
        image = {"image"}
        self._encoder = weights.load(SETTING, folder / _ENCODER, ({_COVER, _SECRET}, image))
        self._decoder = weights.load(SETTING, folder / _DECODER, (image, {"output"}))
        self._keyed = Keyed(key, self.name)

    def embed(self, image: Pixels, payload: int) -> Pixels:
        """Return the gentlest of `attempts`."""
        return next(self.attempts(image, payload)).picture

    def attempts(self, image: Pixels, payload: int) -> Iterator[Attempt]:
        """Yield `image` carrying `payload`, in its middle where it is long."""
        check_payload(payload, PAYLOAD_BITS)
        middle = _middle(image)
        change = self._change(image[middle], payload)
        for at, strength in enumerate(_STRENGTHS):
            marked = image.copy()
            louder = np.clip(strength * change, -_MOST, _MOST) * 127.5
            louder = cv2.resize(louder, image[middle].shape[1::-1], interpolation=cv2.INTER_LINEAR)
            marked[middle] = np.clip(np.round(image[middle] + louder), 0, 255)
            yield Attempt(marked, at == 0)

    def read(self, image: Pixels) -> int | None:
        """Return the number `image` carries, or None where its check bits fail."""
        if image.ndim == 2 or min(image.shape[:2]) < _SMALLEST_SIDE:
            return None
        (heard,) = self._decoder.run(None, {"image": _see(image[_middle(image)])})
        return self._payload(heard[0] > 0)

    def read_whole(self, image: Pixels) -> int | None:
        """As `read`: nothing is searched for."""
        return self.read(image)

    def told(self, image: Pixels, payload: int) -> float:
        """Return 1 where an image that is as it was marked tells the number, else 0."""
        return float(self.read_whole(image) == payload)

    def value(self, payload: int) -> bytes:
        """Return the number and 32 bits of check, of which the pixels carry the first 28."""
        return self._keyed.value(payload)

    def secret(self, payload: int) -> str:
        """Return the 100 bits that the pixels shall carry."""
        word = payload << _CHECK_BITS | self._keyed.check(payload, _CHECK_BITS)
        data = self._keyed.hide(word, _WORD_BITS)
        ecc = bch.protect(data << _PADDING)
        whole = (data << bch.ECC_BITS | ecc) << _SCHEMA_BITS | _SCHEMA
        return f"{whole:0{_SECRET_BITS}b}"

    def _payload(self, bits: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int | None:
        """Return the number in 100 bits. What they call the schema is not looked at: nothing
        corrects those four, and there is one."""
        whole = int("".join("01"[int(bit)] for bit in bits), 2) >> _SCHEMA_BITS
        data, ecc = divmod(whole, 1 << bch.ECC_BITS)
        word = data << _PADDING + bch.ECC_BITS | ecc
        right = bch.correct(word, _DATA_BITS + _PADDING + bch.ECC_BITS)
        if right is None:
            return None
        data, padding = divmod(right >> bch.ECC_BITS, 1 << _PADDING)
        if padding or data >> _WORD_BITS:
            return None
        shown = self._keyed.show(data, _WORD_BITS)
        number, check = divmod(shown, 1 << _CHECK_BITS)
        return number if check == self._keyed.check(number, _CHECK_BITS) else None

    def _change(self, image: Pixels, payload: int) -> Floats:
        """Return (_SIDE, _SIDE, 3), in halves of the whole range, of mean 0 in every channel."""
        cover = _see(image)
        secret = np.array([[float(bit) for bit in self.secret(payload)]], np.float32)
        (marked,) = self._encoder.run(None, {_COVER: cover, _SECRET: secret})
        change = np.clip(marked, -1, 1) - cover
        change -= change.mean(axis=(2, 3), keepdims=True)
        return np.ascontiguousarray(change[0].transpose(1, 2, 0), np.float32)


def _middle(image: Pixels) -> tuple[slice, slice]:
    """Return where the networks look: the whole, or the square in the middle of a long picture."""
    height, width = image.shape[:2]
    short = min(height, width)
    if max(height, width) <= _LONGEST * short:
        return slice(height), slice(width)
    top, left = (height - short) // 2, (width - short) // 2
    return slice(top, top + short), slice(left, left + short)


def _see(image: Pixels) -> Floats:
    """Return (1, 3, _SIDE, _SIDE) in [-1, 1]."""
    small = Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    return (np.asarray(small, np.float32)[None] / 127.5 - 1).transpose(0, 3, 1, 2)
