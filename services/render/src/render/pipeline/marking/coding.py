"""A short word made safe against many wrong bits: a tail-biting convolutional code.

Soft values go in, a list of the most likely words comes out; whoever asks has check bits and
takes the first word that agrees with them.

Source: Ma and Wolf 1986, On tail biting convolutional codes; Seshadri and Sundberg 1994, List
Viterbi decoding algorithms. Generators 557, 663, 711 (octal), rate 1/3, constraint length 9.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]

RATE = 3  # coded bits per bit
_GENERATORS = (0o557, 0o663, 0o711)
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


def decode(soft: Floats, most: int) -> Iterator[Bits]:
    """Yield up to `most` words, the likeliest first; that one takes a tenth of what all take.

    Args:
        soft: (RATE * n,) values, positive where the coded bit is more likely 0.
        most: how many words to keep in each state.
    """
    start, gain = _prepare(soft)
    yield _best(start, gain)
    yield from _list(start, gain, most)[1:]


def _prepare(soft: Floats) -> tuple[Floats, Floats]:
    """Return what each state has in its favour after one lap, and what each branch gains."""
    steps = soft.size // RATE
    gain = np.einsum("sjk,nk->nsj", _SIGNS, soft.reshape(steps, RATE).astype(np.float32))
    metric = _lap(np.zeros(_STATES, np.float32), gain)
    return metric - metric.max(), gain


def _lap(metric: Floats, gain: Floats, choices: Bits | None = None) -> Floats:
    """Go around the tail-biting trellis once, noting which predecessor won."""
    branches = np.ascontiguousarray(gain.transpose(0, 2, 1).reshape(len(gain), 2, 2, -1))
    for at, (even, odd) in enumerate(branches):  # (2, S / 2): states s and s + S / 2 share both
        from_even, from_odd = even + metric[0::2], odd + metric[1::2]
        if choices is not None:
            choices[at] = (from_odd > from_even).ravel()
        metric = np.maximum(from_even, from_odd).ravel()
    return metric


def _best(start: Floats, gain: Floats) -> Bits:
    choices = np.empty((len(gain), _STATES), np.uint8)
    state = int(_lap(start, gain, choices).argmax())
    bits = np.empty(len(gain), np.uint8)
    for at in range(len(gain) - 1, -1, -1):
        bits[at] = state >> _MEMORY - 1
        state = int(_BEFORE[state, choices[at, state]])
    return bits


def _list(start: Floats, gain: Floats, most: int) -> list[Bits]:
    lists = np.full((_STATES, most), -1e9, np.float32)
    lists[:, 0] = start
    choices = np.empty((len(gain), _STATES, most), np.intp)
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
