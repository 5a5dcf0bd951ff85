"""An imperceptible number inside the pixels.

A hit alone proves nothing: marks can be copied from one picture to another, and of every
hundred million unmarked pictures one or two decode to some number. Whoever reads a number must
look up its record and compare the record's fingerprint with the picture's own: only when
`fingerprint.distance` is at most `fingerprint.SAME_PICTURE_BITS` do the two layers agree.
"""

import hashlib
from itertools import product
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking.request import Pixels

Floats = NDArray[np.float32]

PAYLOAD_BITS = 32
KEY_BYTES = 16
_CHECK_BITS = 32
_BITS = PAYLOAD_BITS + _CHECK_BITS
_GRID = 256  # the picture is read at this size, whatever its own: resizing does not move the marks
_BAND = (45, 118)  # of the grid's DCT: below it marks would show, above it JPEG takes them
_RINGS = 8
_MARGIN = 1.5  # standard deviations by which each bit is decided: 43.8 dB on our photos
_NOISE_FLOOR = 8.0  # grey levels: what JPEG at 50 leaves of marks in a picture without texture
_ROUNDS = 6
_WEAKEST = 6  # bits that may be wrong and are tried both ways against the check bits


class Codec(Protocol):
    """Puts a number into a picture and finds it again."""

    @property
    def name(self) -> str:
        """Return the algorithm's name with its version, as the soft binding states it."""
        ...

    @property
    def payload_bits(self) -> int:
        """Return how many bits the number may have."""
        ...

    def embed(self, image: Pixels, payload: int) -> Pixels:
        """Return `image` carrying `payload`, which replaces any number it carried."""
        ...

    def read(self, image: Pixels) -> int | None:
        """Return the number `image` carries, or None where its check bits fail."""
        ...

    def value(self, payload: int) -> bytes:
        """Return 8 bytes, the number and a keyed check: the soft binding states no number that
        could be counted up to the next."""
        ...


class SpreadSpectrum:
    """Spreads each bit over many secret mid-frequencies of the whole picture.

    64 bits (32 of payload, 32 of keyed check) are each the sign of a sum over about 130 DCT
    coefficients of the luma at 256x256, chosen and signed by a secret key. The embedder adds only
    what each sum lacks (informed embedding), more in textured places than in flat ones. It knows
    no synchronisation: a crop or a rotation loses the number, resizing and JPEG do not.

    Source: Cox et al. 1997, Secure spread spectrum watermarking for multimedia; Malvar and
    Florencio 2003, Improved spread spectrum.
    """

    name = "sosia.spread.1"
    payload_bits = PAYLOAD_BITS

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, must have at least {KEY_BYTES}")
        self._check_key = hashlib.sha256(b"check" + key).digest()
        self._where, self._signs, self._ring = _carriers(key)
        self._root = np.float32(np.sqrt(self._where.shape[1]))

    def embed(self, image: Pixels, payload: int) -> Pixels:
        """Return `image` carrying `payload`, which replaces any number it carried."""
        if not 0 <= payload < 1 << PAYLOAD_BITS:
            raise ValueError(f"payload {payload} does not fit in {PAYLOAD_BITS} bits")
        wanted = self._bits(payload) * 2 - 1  # (64,) of -1 or 1
        plain = _luma(image)
        mask = _tolerance(plain)
        scale = self._scale(_spectrum(plain))
        marked = plain
        for _ in range(_ROUNDS):  # clipping and the mask take some away: add what is still missing
            missing = np.maximum(_MARGIN - self._sums(marked) * wanted, 0) * wanted
            change = np.zeros(_GRID * _GRID, np.float32)
            change[self._where] = self._signs * scale * (missing / self._root)[:, None]
            added = mask * cv2.idct(change.reshape(_GRID, _GRID))
            marked = np.clip(marked + added, 0, 255).astype(np.float32)
        height, width = image.shape[:2]
        residual = cv2.resize(marked - plain, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(image + residual[..., None] + 0.5, 0, 255), np.uint8)

    def read(self, image: Pixels) -> int | None:
        """Return the number `image` carries, or None where its check bits fail."""
        sums = self._sums(_luma(image))
        bits = (sums > 0).astype(np.float32)
        weakest = np.argsort(np.abs(sums))[:_WEAKEST]
        for flips in sorted(product((0, 1), repeat=_WEAKEST), key=sum):
            tried = bits.copy()
            tried[weakest] = np.abs(tried[weakest] - np.array(flips, np.float32))
            word = int.from_bytes(np.packbits(tried.astype(np.uint8)).tobytes(), "big")
            payload = word >> _CHECK_BITS
            if word & ((1 << _CHECK_BITS) - 1) == self._check(payload):
                return payload
        return None

    def value(self, payload: int) -> bytes:
        """Return the 64 bits that the pixels carry: the number, then its keyed check."""
        return (payload << _CHECK_BITS | self._check(payload)).to_bytes(8, "big")

    def _sums(self, luma: Floats) -> Floats:
        """Return (64,) sums; each is about a standard normal variable in an unmarked picture."""
        spectrum = _spectrum(luma)
        loud = np.clip(spectrum.ravel()[self._where] / self._scale(spectrum), -3, 3)
        sums: Floats = (loud * self._signs).sum(axis=1) / self._root
        return sums

    def _scale(self, spectrum: Floats) -> Floats:
        """Return each carrier's expected size, from the median of its ring of frequencies."""
        sizes = np.abs(spectrum.ravel()[self._where])
        rings = [np.median(sizes[self._ring == ring]) for ring in range(_RINGS)]
        spread = 1.48 * np.array(rings, np.float32)  # median to deviation of a normal variable
        return np.asarray(np.maximum(spread, _NOISE_FLOOR)[self._ring], np.float32)

    def _bits(self, payload: int) -> Floats:
        return np.unpackbits(np.frombuffer(self.value(payload), np.uint8)).astype(np.float32)

    def _check(self, payload: int) -> int:
        digest = hashlib.blake2s(payload.to_bytes(4, "big"), key=self._check_key, digest_size=4)
        return int.from_bytes(digest.digest(), "big")


def _carriers(key: bytes) -> tuple[NDArray[np.intp], Floats, NDArray[np.intp]]:
    """Choose each bit's coefficients: where (64, n), their signs (64, n), their ring (64, n).

    From SHAKE-256 and not NumPy's generator, whose stream may change between versions: pictures
    marked today must still be read in years.
    """
    low, high = _BAND
    u = np.arange(_GRID)
    radius = np.hypot(u[:, None], u[None, :])
    inside = np.flatnonzero((radius >= low) & (radius < high) & (u[:, None] > 2) & (u > 2))
    each = inside.size // _BITS
    stream = np.frombuffer(hashlib.shake_256(key).digest(inside.size * 9), np.uint8)
    order = np.argsort(stream[: inside.size * 8].view("<u8"), kind="stable")
    where = inside[order][: each * _BITS].reshape(_BITS, each)
    coins = stream[inside.size * 8 :][: each * _BITS].reshape(_BITS, each) & 1
    ring = (radius.ravel()[where] - low) / (high - low) * _RINGS
    return where, coins.astype(np.float32) * 2 - 1, ring.astype(np.intp)


def _spectrum(luma: Floats) -> Floats:
    return np.asarray(cv2.dct(luma), np.float32)


def _luma(image: Pixels) -> Floats:
    """Return (256, 256) float32 luma in [0, 255]."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrinks = min(image.shape[:2]) >= _GRID
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(grey, (_GRID, _GRID), interpolation=how).astype(np.float32)


def _tolerance(luma: Floats) -> Floats:
    """Return (256, 256) weights of mean 1: how much change each place hides.

    Only fine texture hides marks: a slope of light on skin does not, nor does a smooth place
    beside an edge, though a window over both looks busy; so each place takes the calmest window
    around it.
    """
    fine = luma - cv2.GaussianBlur(luma, (0, 0), 2)
    texture = np.sqrt(np.maximum(cv2.blur(fine * fine, (7, 7)), 0))  # a sum may round below 0
    calmest = cv2.blur(cv2.erode(texture, np.ones((7, 7), np.uint8)), (5, 5))
    weights = np.clip((calmest + 0.8) / 6, 0.15, 1.6)
    return np.asarray(weights / weights.mean(), np.float32)
