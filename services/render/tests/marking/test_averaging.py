"""A watermark estimated from marked pictures, added to a stranger's or taken from its own.

The forger has marked pictures, a denoiser and no key. He averages what the denoiser takes away,
by which the pictures cancel and what is common to their marks stays, and adds it at some gain.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from render.domain.judging import Outcome
from render.domain.verdicts import Candidate, Layers, Verdict, verdict
from render.pipeline.marking import label, wording
from render.pipeline.marking.codec import Codec
from render.pipeline.marking.mark import Marked
from render.pipeline.marking.request import Pixels

Draw = Callable[[int, int], Pixels]
Floats = NDArray[np.float32]
COUNTS = (10, 100, 1000)
FEW = (10, 100)
GAINS = (0.5, 1, 2, 4, 8)
SIDE = 256
STRANGERS = range(900, 904)
NOT_NAMED = (Outcome.SUSPECT, Outcome.UNKNOWN)


def residual(picture: Pixels) -> Floats:
    plain = picture.astype(np.float32)
    return plain - cv2.GaussianBlur(plain, (0, 0), 1.5)


def added(picture: Pixels, mark: Floats, gain: float) -> Pixels:
    large = cv2.resize(mark, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(picture + gain * large + 0.5, 0, 255), np.uint8)


def averages(codec: Codec, scene: Draw, numbers: list[int]) -> dict[int, Floats]:
    """Return the mean residual of the first 10, 100 and so on pictures, labelled and marked."""
    total, found = np.zeros((SIDE, SIDE, 3), np.float32), {}
    for count, number in enumerate(numbers, start=1):
        labelled = label.draw(scene(2_000 + count, SIDE), wording.choose(())).pixels
        total += residual(codec.embed(labelled, number))
        if count in COUNTS:
            found[count] = total / count
    return found


@pytest.fixture(scope="module")
def of_many(codec: Codec, scene: Draw) -> dict[int, Floats]:
    """Averages of pictures as we mark them: each has its own number, one after another."""
    return averages(codec, scene, list(range(1, max(COUNTS) + 1)))


@pytest.fixture(scope="module")
def of_one_number(codec: Codec, scene: Draw, marked: Marked) -> dict[int, Floats]:
    """Averages of pictures that all carry the number of one released picture.

    We never mark so: it is the best that a forger could hope for.
    """
    return averages(codec, scene, [marked.watermark] * max(FEW))


@pytest.mark.parametrize("count", COUNTS)
def test_the_average_of_many_pictures_makes_no_stranger_ours(
    of_many: dict[int, Floats],
    scene: Draw,
    judge: Callable[[bytes], Verdict],
    resave: Callable[..., bytes],
    count: int,
) -> None:
    for seed in STRANGERS:
        for gain in GAINS:
            forged = resave(added(scene(seed, SIDE), of_many[count], gain), 95)
            assert judge(forged).outcome in NOT_NAMED


@pytest.mark.parametrize("count", FEW)
def test_a_copied_number_makes_no_stranger_ours(
    of_one_number: dict[int, Floats],
    scene: Draw,
    look: Callable[[bytes], Layers],
    judge: Callable[[bytes], Verdict],
    resave: Callable[..., bytes],
    registry: list[Candidate],
    count: int,
) -> None:
    """The attack is a real one: the number reads from strangers, and they are suspect for it."""
    read = []
    for seed in STRANGERS:
        for gain in GAINS:
            forged = resave(added(scene(seed, SIDE), of_one_number[count], gain), 95)
            layers, answer = look(forged), judge(forged)
            assert answer.outcome in NOT_NAMED
            if layers.watermark == registry[0].rights.asset_number:
                assert answer.reasons == ("LOOKS_DIFFERENT",)
                read.append((seed, gain))
    assert read


def test_the_marks_of_one_picture_make_no_stranger_ours(
    marked: Marked,
    scene: Draw,
    judge: Callable[[bytes], Verdict],
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
) -> None:
    """Kutter, Voloshynovskiy and Herrigel 2000, The watermark copy attack."""
    mark = residual(pixels_of(marked.data))
    for seed in STRANGERS:
        for gain in GAINS:
            forged = resave(added(scene(seed, 1024), mark, gain), 95)
            assert judge(forged).outcome in NOT_NAMED


@pytest.mark.parametrize("gain", [-0.5, -1, -2, -4])
def test_marks_taken_away_lead_to_no_other_picture(
    marked: Marked,
    of_one_number: dict[int, Floats],
    look: Callable[[bytes], Layers],
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    registry: list[Candidate],
    gain: float,
) -> None:
    for mark in of_one_number.values():
        layers = look(resave(added(pixels_of(marked.data), mark, gain), 95))
        answer = verdict(layers, registry)
        assert answer.outcome is not Outcome.VERIFIED
        assert answer.record in (None, registry[0])
