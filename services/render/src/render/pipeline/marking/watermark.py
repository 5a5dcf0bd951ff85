"""An imperceptible number inside the pixels.

A hit alone proves nothing: marks can be copied from one picture to another. Whoever reads a
number must look up its record and compare the record's fingerprint with the picture's own: only
when `fingerprint.distance` is at most `fingerprint.SAME_PICTURE_BITS` do the two layers agree.
A crop keeps the number and not the fingerprint.

Numbers carry the algorithm's version and each algorithm has a name. Whoever changes what is
embedded adds a class of a new name and version and lets it read by this one too. Nothing was
released under "sosia.spread.1", which knew no crop, or "sosia.spread.2", whose numbers had 32 bits
and were lost in loud texture; no picture carries either.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain, product

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking import coding, lattice, parts, scan
from render.pipeline.marking.codec import Attempt, check_payload
from render.pipeline.marking.embedding import WITHIN, Embedder
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.search import Search
from render.pipeline.marking.sync import PLACES, Sync

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]
Bits = NDArray[np.uint8]

PAYLOAD_BITS = 64  # four of version, the number
KEY_BYTES = 16
_VERSION = 3
_CHECK_BITS = 28
_NUMBER_BITS = PAYLOAD_BITS - 4
_BITS = PAYLOAD_BITS + _CHECK_BITS
_CODED = _BITS * coding.RATE
_USUAL_TILE = 128  # pixels, in pictures of 512 to 1,024
_SMALLEST_TILE = 48
_SMALLEST_SIDE = 32
_SYNC = 40  # lines of known phase, by which the tiles' beginning is found
_LIST = 8  # words tried against the check
_SHIFTS = 3  # beginnings of the tiles that are tried
_ALIGNED = 4.0  # deviations a beginning must stand out; chance reaches about as much
_AGREES = 0.6  # correlation of a word with what was heard; noise reaches 0.58, rarely 0.65


class SpreadSpectrum:
    """Spreads a word of 92 bits over secret mid-frequencies of tiles that repeat.

    The word is four bits of version, 60 of number and 28 of keyed check, under a convolutional
    code of rate 1/3. Each coded bit is the sign of the real or imaginary part of one of 144 lines
    in a tile's spectrum, turned by a secret phase; 40 further lines have that phase alone and
    tell where tiles begin. `embedding` puts the lines in; the reader finds the tiles' size by
    those (`scan`), and rotation by the power on all of them (`search`).

    Source: Cox et al. 1997, Secure spread spectrum watermarking for multimedia; Kutter 1998 for
    the tiles.
    """

    name = "sosia.spread.3"
    payload_bits = _NUMBER_BITS
    in_colour = False

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, must have at least {KEY_BYTES}")
        self._check_key = hashlib.sha256(b"check" + key).digest()
        self._secrets = _Secrets(key)

    def embed(self, image: Pixels, payload: int) -> Pixels:
        """Return the gentlest of `attempts`."""
        return next(self.attempts(image, payload)).picture

    def attempts(self, image: Pixels, payload: int) -> Iterator[Attempt]:
        """Yield `image` carrying `payload`, the gentlest first, as often as `embedding` says."""
        check_payload(payload, _NUMBER_BITS)
        plain = _luma(image)
        side = _tile_side(*plain.shape)
        signs = self._secrets.signs(coding.encode(self._word(payload)))
        changes = Embedder(plain, side, self._secrets.unturn).attempts(signs)
        for at, change in enumerate(changes):
            yield Attempt(_add(image, change), at < WITHIN)

    def read(self, image: Pixels) -> int | None:
        """Return the number `image` carries, or None where its check bits fail."""
        luma, scale = lattice.work(_luma(image))
        if min(luma.shape) < _SMALLEST_SIDE:
            return None
        own = _own(luma, image, scale)
        payload = self._unmoved(own)
        if payload is not None:
            return payload
        for heard in chain(own.turned(), scan.candidates(luma, self._secrets.sync)):
            payload = self._first(self._aligned([heard]))
            if payload is not None:
                return payload
        for cycles in Search(luma).candidates():
            payload = self._first(self._aligned(lattice.fold(luma, cycles).turned()))
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
        heard = own.heard()
        return self._first([lattice.Heard(heard.lines * self._secrets.unturn, heard.weights)])

    def told(self, image: Pixels, payload: int) -> float:
        """Return how clearly the least clear part of an image that is as it was marked tells the
        number: the correlation of its lines, where half of the area may do with 0.15 less."""
        if self.read_whole(image) != payload:
            return 0.0
        luma = _luma(image)
        side = _tile_side(*luma.shape)
        heard = parts.heard(luma, side, self._secrets.unturn)
        signs = self._secrets.signs(coding.encode(self._word(payload)))
        signs[0, self._secrets.sync.which] = 0
        told = parts.told(np.tensordot(parts.of(luma.shape, side), heard, 1), signs)
        return float(min(told[:10].min(), told[10:].min() + 0.15))

    def value(self, payload: int) -> bytes:
        """Return 12 bytes: the number and a keyed check of four bytes, of which pixels carry 28
        bits."""
        return payload.to_bytes(8, "big") + self._check(payload).to_bytes(4, "big")

    def _first(self, beginnings: list[lattice.Heard]) -> int | None:
        """Return the number on lines whose phases are known, where it agrees.

        Each is read with its weights and without: in a picture of loud texture they say little.
        """
        for heard, weights in product(beginnings, (True, False)):
            soft = self._secrets.soft(heard.lines * heard.weights if weights else heard.lines)
            loudness = float(np.sqrt(np.square(soft).sum() * _CODED)) + 1e-9
            for word in coding.decode(soft, _LIST):
                agrees = float(soft @ (1 - 2.0 * coding.encode(word))) / loudness
                if agrees < _AGREES:
                    break
                payload = self._payload(word)
                if payload is not None:
                    return payload
        return None

    def _aligned(self, ways: Iterable[lattice.Heard]) -> list[lattice.Heard]:
        """Return lines without their phases for the likeliest beginnings of the tile."""
        found: list[tuple[float, int, int, lattice.Heard]] = []
        sync = self._secrets.sync
        for heard in ways:
            match = sync.match((heard.lines * heard.weights)[sync.which])
            for at in np.argpartition(match, -_SHIFTS, axis=None)[-_SHIFTS:]:
                found.append((float(match.flat[at]), *divmod(int(at), PLACES), heard))
        found.sort(key=lambda one: one[0], reverse=True)
        turn = 2j * np.pi / PLACES
        return [
            lattice.Heard(
                heard.lines
                * self._secrets.unturn
                * np.exp(turn * (lattice.ACROSS * across + lattice.DOWN * down)),
                heard.weights,
            )
            for score, across, down, heard in found[:_SHIFTS]
            if score >= _ALIGNED
        ]

    def _check(self, payload: int) -> int:
        body = _VERSION << _NUMBER_BITS | payload
        digest = hashlib.blake2s(body.to_bytes(8, "big"), key=self._check_key, digest_size=4)
        return int.from_bytes(digest.digest(), "big")

    def _word(self, payload: int) -> Bits:
        """Return (92,) bits: version, number, keyed check."""
        body = _VERSION << _NUMBER_BITS | payload
        word = body << _CHECK_BITS | self._check(payload) >> 32 - _CHECK_BITS
        return np.array(list(f"{word:0{_BITS}b}"), np.uint8)

    def _payload(self, word: Bits) -> int | None:
        number = int("".join(map(str, word.tolist())), 2) >> _CHECK_BITS
        payload = number & (1 << _NUMBER_BITS) - 1
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
        self.unturn = np.exp(-2j * np.pi / 256 * turns).astype(np.complex64)
        self.sync = Sync(np.sort(chosen[:_SYNC]), self.unturn)
        self._data = np.sort(chosen[_SYNC:])
        self._bit = np.argsort(places.view("<u8"), kind="stable") % _CODED
        self._mask = 1 - 2 * (mask & 1).astype(np.float32)

    def signs(self, coded: Bits) -> Floats:
        """Return (2, n) what each line's real and imaginary part shall be: -1, 1, or known."""
        signs = np.zeros((2, lattice.COUNT), np.float32)
        signs[0, self.sync.which] = 2**0.5  # or such a line would have half the power
        signs[:, self._data] = ((1 - 2.0 * coded) * self._mask)[self._bit].reshape(2, -1)
        return signs

    def soft(self, lines: Complexes) -> Floats:
        """Return (_CODED,) values, positive where the coded bit is more likely 0."""
        heard = np.concatenate([lines.real[self._data], lines.imag[self._data]])
        soft = np.bincount(self._bit, heard, _CODED) * self._mask
        return lattice.levelled(np.asarray(soft, np.float32))


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
