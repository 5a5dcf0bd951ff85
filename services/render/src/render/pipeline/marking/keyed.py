"""What the key does for codecs whose networks anybody has: a check, and words nobody reads."""

import hashlib

_ROUNDS = 8
_NUMBER_BYTES = 4


class Keyed:
    """Checks and hides numbers of 32 bits under a key, for the codec of one name.

    Whoever has a network can read the bits in a picture and write others. Hidden, they tell him
    neither the number nor which bits would make another one; the next number has other bits.
    """

    def __init__(self, key: bytes, name: str) -> None:
        self._check = hashlib.sha256(b"check " + name.encode() + key).digest()
        self._hide = hashlib.sha256(b"hide " + name.encode() + key).digest()

    def check(self, number: int, bits: int) -> int:
        """Return a check of at most 32 bits that only the key makes; a shorter one begins alike."""
        body = number.to_bytes(_NUMBER_BYTES if number < 1 << 8 * _NUMBER_BYTES else 8, "big")
        digest = hashlib.blake2s(body, key=self._check, digest_size=4).digest()
        return int.from_bytes(digest, "big") >> 32 - bits

    def value(self, number: int) -> bytes:
        """Return the 8 bytes of a number and the 4 of its check, of which pixels carry a part."""
        return number.to_bytes(8, "big") + self.check(number, 32).to_bytes(4, "big")

    def hide(self, word: int, bits: int) -> int:
        """Return another word of `bits` bits, an even number, for each one.

        Source: Luby and Rackoff 1988, a permutation by rounds of a keyed function on halves.
        """
        half = bits // 2
        left, right = word >> half, word & (1 << half) - 1
        for at in range(_ROUNDS):
            left, right = right, left ^ self._round(at, right, half)
        return left << half | right

    def show(self, word: int, bits: int) -> int:
        """Return the word that `hide` made this one of."""
        half = bits // 2
        left, right = word >> half, word & (1 << half) - 1
        for at in reversed(range(_ROUNDS)):
            left, right = right ^ self._round(at, left, half), left
        return left << half | right

    def _round(self, at: int, half_word: int, bits: int) -> int:
        body = bytes([at]) + half_word.to_bytes(_NUMBER_BYTES, "big")
        digest = hashlib.blake2s(body, key=self._hide, digest_size=4).digest()
        return int.from_bytes(digest, "big") >> 32 - bits
