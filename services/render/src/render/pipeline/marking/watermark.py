"""An imperceptible number inside the pixels.

A hit alone proves nothing: marks can be copied from one picture to another. Whoever reads a
number must look up its record and compare the record's fingerprint with the picture's own: only
when `fingerprint.distance` is at most `fingerprint.SAME_PICTURE_BITS` do the two layers agree.
A crop keeps the number and not the fingerprint.

Numbers carry the algorithm's version and each algorithm has a name. Whoever changes what is
embedded adds a class of a new name and version and lets it read by this one too. Nothing was
released under "sosia.spread.1", which knew no crop; no picture carries it.
"""

import hashlib
from collections.abc import Iterator
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking import coding, lattice
from render.pipeline.marking.codec import check_payload
from render.pipeline.marking.embedding import Embedder
from render.pipeline.marking.request import Pixels

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]
Bits = NDArray[np.uint8]

PAYLOAD_BITS = 32
KEY_BYTES = 16
_VERSION = 2
_CHECK_BITS = 28
_BITS = 64  # four of version, the number, the check
_CODED = _BITS * coding.RATE
_USUAL_TILE = 128  # pixels, in pictures of 512 to 1,024
_SMALLEST_TILE = 48
_LEAST_TILE = 32  # pixels, at the size in which a crop is searched
_SMALLEST_SIDE = 32
_SYNC = 40  # lines of known phase, by which the tiles' beginning is found
_LIST = 8  # words tried against the check
_SHIFTS = 3  # beginnings of the tiles that are tried
_ALIGNED = 4.4  # deviations a beginning must stand out; chance reaches about 4.2
_AGREES = 0.56  # correlation of a word with what was heard; noise reaches 0.51, rarely 0.55


class SpreadSpectrum:
    """Spreads a 64-bit word over secret mid-frequencies of tiles that repeat.

    The word is four bits of version, 32 of number and 28 of keyed check, under a convolutional
    code of rate 1/4. Each coded bit is the sign of the real or imaginary part of one of 128 lines
    in a tile's spectrum, turned by a secret phase; 40 further lines have that phase alone and
    tell where tiles begin. `embedding` puts the lines in; the reader finds scale, rotation and
    mirroring by their lattice (`lattice`).

    Source: Cox et al. 1997, Secure spread spectrum watermarking for multimedia; Kutter 1998 for
    the tiles.
    """

    name = "sosia.spread.2"
    payload_bits = PAYLOAD_BITS
    in_colour = False

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, must have at least {KEY_BYTES}")
        self._check_key = hashlib.sha256(b"check" + key).digest()
        self._secrets = _Secrets(key)

    def embed(self, image: Pixels, payload: int) -> Pixels:
        """Return the gentlest of `attempts`."""
        return next(self.attempts(image, payload))

    def attempts(self, image: Pixels, payload: int) -> Iterator[Pixels]:
        """Yield `image` carrying `payload`, the gentlest first, as often as `embedding` says."""
        check_payload(payload, PAYLOAD_BITS)
        plain = _luma(image)
        side = _tile_side(*plain.shape)
        signs = self._secrets.signs(coding.encode(self._word(payload)))
        for change in Embedder(plain, side, self._secrets.unturn).attempts(signs):
            yield _add(image, change)

    def read(self, image: Pixels) -> int | None:
        """Return the number `image` carries, or None where its check bits fail."""
        luma, scale = lattice.work(_luma(image))
        if min(luma.shape) < _SMALLEST_SIDE:
            return None
        own = _own(luma, image, scale)
        payload = self._unmoved(own)
        if payload is not None:
            return payload
        others = (lattice.fold(luma, cycles) for cycles in _lattices(luma, scale))
        for folded in chain((own,), others):
            payload = self._first(self._aligned(folded))
            if payload is not None:
                return payload
        return None

    def read_whole(self, image: Pixels) -> int | None:
        """Return the number an image carries where it was put; nothing is searched for."""
        luma, scale = lattice.work(_luma(image))
        if min(luma.shape) < _SMALLEST_SIDE:
            return None
        return self._unmoved(_own(luma, image, scale))

    def _unmoved(self, own: lattice.Folded) -> int | None:
        return self._first([own.lines() * self._secrets.unturn * own.weights])

    def value(self, payload: int) -> bytes:
        """Return the bits that the pixels carry: the number, then version and keyed check."""
        word = int.from_bytes(np.packbits(self._word(payload)).tobytes(), "big")
        check = _VERSION << _CHECK_BITS | word & (1 << _CHECK_BITS) - 1
        return (payload << PAYLOAD_BITS | check).to_bytes(_BITS // 8, "big")

    def _first(self, beginnings: list[Complexes]) -> int | None:
        """Return the number on weighted lines whose phases are known, where it agrees."""
        for heard in beginnings:
            soft = self._secrets.soft(heard)
            loudness = float(np.sqrt(np.square(soft).sum() * _CODED)) + 1e-9
            for word in coding.decode(soft, _LIST):
                agrees = float(soft @ (1 - 2.0 * coding.encode(word))) / loudness
                if agrees < _AGREES:
                    break
                payload = self._payload(word)
                if payload is not None:
                    return payload
        return None

    def _aligned(self, folded: lattice.Folded) -> list[Complexes]:
        """Return weighted lines without their phases for the likeliest beginnings of the tile."""
        found: list[tuple[float, int, int, Complexes]] = []
        sync = self._secrets.sync
        size = 2 * lattice.SIDE
        for spectrum in lattice.turned(folded.spectrum):
            lines = spectrum[lattice.DOWN, lattice.ACROSS] * self._secrets.unturn * folded.weights
            known = np.zeros((size, size), np.complex64)
            known[lattice.DOWN[sync], lattice.ACROSS[sync]] = lines[sync]
            match = np.fft.ifft2(known).real * size**2
            match /= np.sqrt(np.square(np.abs(lines[sync])).sum() / 2) + 1e-9
            for at in np.argpartition(match, -_SHIFTS, axis=None)[-_SHIFTS:]:
                found.append((float(match.flat[at]), *divmod(int(at), size), lines))
        found.sort(key=lambda one: one[0], reverse=True)
        return [
            lines * np.exp(2j * np.pi / size * (lattice.DOWN * y + lattice.ACROSS * x))
            for score, y, x, lines in found[:_SHIFTS]
            if score >= _ALIGNED
        ]

    def _word(self, payload: int) -> Bits:
        """Return (64,) bits: version, number, keyed check."""
        body = _VERSION << PAYLOAD_BITS | payload
        digest = hashlib.blake2s(body.to_bytes(5, "big"), key=self._check_key, digest_size=4)
        check = int.from_bytes(digest.digest(), "big") >> 32 - _CHECK_BITS
        word = (body << _CHECK_BITS | check).to_bytes(_BITS // 8, "big")
        return np.unpackbits(np.frombuffer(word, np.uint8))

    def _payload(self, word: Bits) -> int | None:
        number = int.from_bytes(np.packbits(word).tobytes(), "big") >> _CHECK_BITS
        payload = number & (1 << PAYLOAD_BITS) - 1
        return payload if np.array_equal(self._word(payload), word) else None


class _Secrets:
    """What the key decides: phases, which lines carry what, and a mask over the coded bits.

    From SHAKE-256 and not NumPy's generator, whose stream may change between versions: pictures
    marked today must still be read in years.
    """

    def __init__(self, key: bytes) -> None:
        count = lattice.COUNT
        parts = 2 * (count - _SYNC)
        stream = np.frombuffer(hashlib.shake_256(key).digest(9 * count + 8 * parts + _CODED), "u1")
        order, turns, places, mask = np.split(
            stream, np.cumsum([8 * count, count, 8 * parts]).tolist()
        )
        chosen = np.argsort(order.view("<u8"), kind="stable")
        self.sync = np.sort(chosen[:_SYNC])
        self.unturn = np.exp(-2j * np.pi / 256 * turns).astype(np.complex64)
        self._data = np.sort(chosen[_SYNC:])
        self._bit = np.argsort(places.view("<u8"), kind="stable") % _CODED
        self._mask = 1 - 2 * (mask & 1).astype(np.float32)

    def signs(self, coded: Bits) -> Floats:
        """Return (2, n) of -1, 0 or 1: what each line's real and imaginary part shall be."""
        signs = np.zeros((2, lattice.COUNT), np.float32)
        signs[0, self.sync] = 1
        signs[:, self._data] = ((1 - 2.0 * coded) * self._mask)[self._bit].reshape(2, -1)
        return signs

    def soft(self, lines: Complexes) -> Floats:
        """Return (_CODED,) values, positive where the coded bit is more likely 0."""
        parts = np.concatenate([lines.real[self._data], lines.imag[self._data]])
        return np.asarray(np.bincount(self._bit, parts, _CODED) * self._mask, np.float32)


def _lattices(luma: Floats, scale: float) -> Iterator[lattice.Matrix]:
    """Yield where tiles may lie: as in a crop of a usual picture, then as the spectrum says."""
    if _USUAL_TILE * scale >= _LEAST_TILE:  # else it is no crop of one
        yield lattice.upright(_USUAL_TILE * scale)
    yield from lattice.Search(luma).candidates()


def _own(luma: Floats, image: Pixels, scale: float) -> lattice.Folded:
    """Return what lies on the lines of an image that is as it was marked."""
    return lattice.fold(luma, lattice.upright(_tile_side(*image.shape[:2]) * scale))


def _tile_side(height: int, width: int) -> int:
    """Return the pixels of a tile: four to eight tiles lie across the short side."""
    short = min(height, width)
    return round(max(min(short / 4, _USUAL_TILE), short / 8, _SMALLEST_TILE))


def _add(image: Pixels, change: Floats) -> Pixels:
    """Return the picture with these whole grey levels more in every channel, in (H, W, 3)."""
    added = (np.clip(one, 0, 255).astype(np.uint8) for one in (change, -change))
    more, less = (cv2.merge([one] * 3) for one in added)
    return np.asarray(cv2.subtract(cv2.add(image, more), less), np.uint8)


def _luma(image: Pixels) -> Floats:
    """Return (H, W) float32 luma in [0, 255], of a picture in colour or of its luma."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return grey.astype(np.float32)
