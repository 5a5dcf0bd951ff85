import numpy as np
import pytest
from render.pipeline.marking import coding


def _word(seed: int, length: int = 64) -> coding.Bits:
    return np.random.default_rng(seed).integers(0, 2, length, np.uint8)


@pytest.mark.parametrize("length", [16, 64, 92])
def test_a_word_comes_back(length: int) -> None:
    word = _word(1, length)
    soft = 1 - 2 * coding.encode(word).astype(np.float32)
    assert np.array_equal(next(coding.decode(soft, 4)), word)


def test_words_that_differ_in_one_bit_differ_in_many_coded_bits() -> None:
    word = _word(2)
    for at in range(64):
        other = word.copy()
        other[at] ^= 1
        assert (coding.encode(word) != coding.encode(other)).sum() >= 18


def test_a_quarter_of_the_coded_bits_may_be_silent_and_some_wrong() -> None:
    random = np.random.default_rng(3)
    for seed in range(20):
        soft = 1 - 2 * coding.encode(_word(seed)).astype(np.float32)
        lost = random.permutation(192)
        soft[lost[:52]] = 0
        soft[lost[52:62]] *= -1
        assert any(np.array_equal(word, _word(seed)) for word in coding.decode(soft, 8))


def test_a_list_holds_words_that_the_first_place_misses() -> None:
    random = np.random.default_rng(4)
    first = listed = 0
    for seed in range(60):
        signal = 1 - 2 * coding.encode(_word(seed)).astype(np.float32)
        words = list(coding.decode(signal * 0.9 + random.normal(size=192).astype(np.float32), 8))
        hits = [np.array_equal(word, _word(seed)) for word in words]
        first += hits[0]
        listed += any(hits)
    assert 60 > listed > first > 30


def test_the_code_is_the_one_written_down() -> None:
    """The impulse response is the generators' own bits: pictures marked today depend on it."""
    impulse = np.zeros(64, np.uint8)
    impulse[0] = 1
    coded = coding.encode(impulse)[: 9 * 3].reshape(9, 3)
    octal = [int("".join(map(str, column)), 2) for column in coded.T]
    assert octal == [0o557, 0o663, 0o711]


def test_the_first_word_is_the_first_of_the_list() -> None:
    """It is found by itself, in a tenth of the time: both ways must agree."""
    random = np.random.default_rng(5)
    for _ in range(40):
        soft = random.normal(size=192).astype(np.float32)
        words = list(coding.decode(soft, 8))
        assert len(words) == 8
        assert np.array_equal(words[0], coding._list(*coding._prepare(soft), 8)[0])
