"""The code TrustMark protects 61 bits with: BCH of length 127 that corrects 5 errors.

Source: Bose and Ray-Chaudhuri 1960; decoded by Berlekamp and Massey 1969. Polynomial and order of
bits are those of TrustMark's schema "BCH_5", so any reader of TrustMark's finds the bits whole.
"""

from collections.abc import Iterator

ERRORS = 5
ECC_BITS = 35
_FIELD = 0b10001001  # x^7 + x^3 + 1
_ORDER = 127


def _powers() -> tuple[list[int], list[int]]:
    """Return the powers of x in GF(128), twice over, and their logarithms."""
    power, logarithm, value = [0] * (2 * _ORDER), [0] * (_ORDER + 1), 1
    for at in range(_ORDER):
        power[at] = power[at + _ORDER] = value
        logarithm[value] = at
        value <<= 1
        if value > _ORDER:
            value ^= _FIELD
    return power, logarithm


_POWER, _LOG = _powers()


def _multiply(one: int, other: int) -> int:
    return _POWER[_LOG[one] + _LOG[other]] if one and other else 0


def _generator() -> int:
    """Return the product of (x - root) over the conjugates of the odd powers 1 to 9."""
    roots = {at * 2**turn % _ORDER for at in range(1, 2 * ERRORS, 2) for turn in range(7)}
    product = [1]  # highest power first
    for root in roots:
        shifted = [*product, 0]
        product = [
            one ^ _multiply(before, _POWER[root])
            for one, before in zip(shifted, [0, *product], strict=True)
        ]
    return int("".join(map(str, product)), 2)


_GENERATOR = _generator()


def protect(data: int) -> int:
    """Return 35 bits of check for data of at most 92 bits."""
    rest = data << ECC_BITS
    for at in range(rest.bit_length() - 1, ECC_BITS - 1, -1):
        if rest >> at & 1:
            rest ^= _GENERATOR << at - ECC_BITS
    return rest


def correct(word: int, bits: int) -> int | None:
    """Return a word of `bits` bits, data then check, with at most 5 errors undone.

    None where there are more, as far as can be told: of words by chance one in about 500 passes.
    """
    heard = [at for at in range(bits) if word >> at & 1]
    syndromes = [_sum(_POWER[at * turn % _ORDER] for at in heard) for turn in range(1, 11)]
    if not any(syndromes):
        return word
    locator = _locate(syndromes)
    wrong = [at for at in range(bits) if _is_root(locator, at)]
    if len(locator) - 1 > ERRORS or len(wrong) != len(locator) - 1:
        return None
    return word ^ sum(1 << at for at in wrong)


def _locate(syndromes: list[int]) -> list[int]:
    """Return the shortest polynomial, lowest power first, that makes the syndromes."""
    now, before, gap, last = [1], [1], 1, 1
    length = 0
    for at, syndrome in enumerate(syndromes):
        missed = syndrome
        for back in range(1, min(length, len(now) - 1) + 1):
            missed ^= _multiply(now[back], syndromes[at - back])
        if not missed:
            gap += 1
            continue
        factor = _multiply(missed, _POWER[_ORDER - _LOG[last]])
        step = [0] * gap + [_multiply(factor, one) for one in before]
        kept = now
        width = max(len(now), len(step))
        now = [
            one ^ other for one, other in zip(_fill(now, width), _fill(step, width), strict=True)
        ]
        if 2 * length <= at:
            length, before, last, gap = at + 1 - length, kept, missed, 1
        else:
            gap += 1
    while not now[-1]:
        now.pop()
    return now


def _fill(polynomial: list[int], width: int) -> list[int]:
    return polynomial + [0] * (width - len(polynomial))


def _is_root(locator: list[int], at: int) -> bool:
    """Tell whether the inverse of x^at is a root, which is where the error lies."""
    back = _ORDER - at
    terms = (_multiply(one, _POWER[back * power % _ORDER]) for power, one in enumerate(locator))
    return not _sum(terms)


def _sum(terms: Iterator[int]) -> int:
    total = 0
    for term in terms:
        total ^= term
    return total
