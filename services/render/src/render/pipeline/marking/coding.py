"""A short word made safe against many wrong bits: a tail-biting convolutional code.

Soft values go in, a list of the most likely words comes out; whoever asks has check bits and
takes the first word that agrees with them.

Source: Ma and Wolf 1986, On tail biting convolutional codes; Seshadri and Sundberg 1994, List
Viterbi decoding algorithms. Generators 765, 671, 513, 473 (octal), rate 1/4, constraint length 9.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]

RATE = 4  # coded bits per bit
_GENERATORS = (0o765, 0o671, 0o513, 0o473)
_MEMORY = 8
_STATES = 1 << _MEMORY


def _trellis() -> tuple[NDArray[np.intp], Floats]:
    """Return each state's two predecessors (S, 2) and the branch's coded signs (S, 2, RATE)."""
    state = np.arange(_STATES)[:, None]
    before = (state << 1 & _STATES - 1) | np.arange(2)  # the oldest bit fell out on the right
    register = (state >> _MEMORY - 1) << _MEMORY | before
    parity = [np.bitwise_count(register & generator) & 1 for generator in _GENERATORS]
    return before, 1 - 2 * np.stack(parity, axis=-1).astype(np.float32)


_BEFORE, _SIGNS = _trellis()


def encode(bits: Bits) -> Bits:
    """Return (RATE * n,) coded bits of (n,) bits; the register starts where it will end."""
    register = 0
    for bit in bits[-_MEMORY:]:
        register = int(bit) << _MEMORY - 1 | register >> 1
    coded = []
    for bit in bits:
        shifted = int(bit) << _MEMORY | register
        coded += [(shifted & generator).bit_count() & 1 for generator in _GENERATORS]
        register = shifted >> 1
    return np.array(coded, np.uint8)


def decode(soft: Floats, most: int) -> list[Bits]:
    """Return up to `most` words, the likeliest first.

    Args:
        soft: (RATE * n,) values, positive where the coded bit is more likely 0.
        most: how many words to keep in each state.
    """
    steps = soft.size // RATE
    gain = np.einsum("sjk,nk->nsj", _SIGNS, soft.reshape(steps, RATE).astype(np.float32))
    metric = np.zeros(_STATES, np.float32)
    for step in gain:  # one lap around the tail-biting trellis, to learn where it starts
        metric = (metric[_BEFORE] + step).max(axis=1)
    lists = np.full((_STATES, most), -1e9, np.float32)
    lists[:, 0] = metric - metric.max()
    choices = np.empty((steps, _STATES, most), np.intp)
    for at, step in enumerate(gain):
        paths = (lists[_BEFORE] + step[:, :, None]).reshape(_STATES, 2 * most)
        choices[at] = np.argsort(-paths, axis=1, kind="stable")[:, :most]
        lists = np.take_along_axis(paths, choices[at], axis=1)
    ends = np.argsort(-lists, axis=None, kind="stable")[:most]
    return [_walk_back(choices, *divmod(int(end), most)) for end in ends]


def _walk_back(choices: NDArray[np.intp], state: int, rank: int) -> Bits:
    steps, _, most = choices.shape
    bits = np.empty(steps, np.uint8)
    for at in range(steps - 1, -1, -1):
        bits[at] = state >> _MEMORY - 1
        branch, rank = divmod(int(choices[at, state, rank]), most)
        state = int(_BEFORE[state, branch])
    return bits
