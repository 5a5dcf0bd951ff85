"""A stranger's picture given the open fingerprint of one of ours; the keyed one is not fooled."""

from collections.abc import Callable

import cv2
import numpy as np
import pdqhash  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from render.domain.judging import Outcome
from render.domain.verdicts import Candidate, Layers, Verdict, verdict
from render.pipeline.marking.codec import Codec
from render.pipeline.marking.fingerprint import (
    SAME_KEYED_BITS,
    SAME_PICTURE_BITS,
    KeyedFingerprint,
    distance,
    fingerprint,
)
from render.pipeline.marking.mark import Marked
from render.pipeline.marking.request import Pixels

Draw = Callable[[int, int], Pixels]
Floats = NDArray[np.float64]
STRANGERS = (900, 901, 902)


def seen(picture: Pixels) -> Floats:
    """Return (16, 16) what PDQ takes the signs of: the lowest DCT coefficients of a 64x64 luma."""
    values, _ = pdqhash.compute_float(np.ascontiguousarray(picture))
    return np.asarray(values, float)[::-1].reshape(16, 16)


def waves(wanted: Floats, size: tuple[int, int]) -> Floats:
    """Return a picture of `size` with these coefficients, in units of the 64x64 luma's DCT."""
    small = np.zeros((64, 64), np.float32)
    small[1:17, 1:17] = wanted
    large = cv2.resize(cv2.idct(small), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, float)[..., None]


def whole(values: Floats) -> Pixels:
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


def aimed(stranger: Pixels, target: Pixels) -> Pixels:
    """Turn the cheapest signs of a stranger's picture until it has the target's PDQ hash."""
    goal, own, size = seen(target), seen(stranger), stranger.shape[1::-1]
    side = np.where(goal > np.median(goal), 1, -1)
    least = 0.08 * np.median(np.abs(own - np.median(own)))
    lead = (own - np.median(own)) * side
    left_wrong = np.sort(lead[lead < least])[20]  # the dearest stay as they are
    probe = np.zeros((16, 16))
    probe[3, 3] = 400  # some grey levels, or rounding takes it away
    scale = abs(seen(whole(stranger + waves(probe, size))) - own)[3, 3] / 400
    picture = stranger.astype(float)
    for _ in range(40):
        if distance(fingerprint(whole(picture)), fingerprint(target)) <= 28:
            break
        now = seen(whole(picture))
        short = least - (now - np.median(now)) * side
        short[(short < 0) | (lead < left_wrong)] = 0
        picture = np.clip(picture + waves(side * short / scale, size), 0, 255)
    return whole(picture)


def psnr(a: Pixels, b: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize("seed", STRANGERS)
def test_a_picture_aimed_at_one_of_ours_is_not_taken_for_it(
    marked: Marked,
    registry: list[Candidate],
    codec: Codec,
    look: Callable[[bytes], Layers],
    judge: Callable[[bytes], Verdict],
    scene: Draw,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    seed: int,
) -> None:
    """The attack is a real one: the open fingerprint agrees, and the change hardly shows."""
    stranger = scene(seed, 512)
    forged = aimed(stranger, pixels_of(marked.data))
    assert psnr(forged, stranger) > 27
    unnumbered = look(resave(forged, 95))
    numbered = look(resave(codec.embed(forged, marked.watermark), 95))
    for layers in (unnumbered, numbered):
        assert distance(layers.fingerprint, marked.fingerprint) <= SAME_PICTURE_BITS
        assert distance(layers.keyed_fingerprint, marked.keyed_fingerprint) > SAME_KEYED_BITS + 20
    assert verdict(unnumbered, registry).outcome is Outcome.UNKNOWN
    assert numbered.watermark == marked.watermark
    answer = judge(resave(codec.embed(forged, marked.watermark), 95))
    assert (answer.outcome, answer.reasons) == (Outcome.SUSPECT, ("LOOKS_DIFFERENT",))


@pytest.mark.parametrize("seed", range(3))
def test_one_picture_keeps_its_keyed_fingerprint(
    keyed: KeyedFingerprint,
    codec: Codec,
    scene: Draw,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    seed: int,
) -> None:
    picture = scene(seed, 1024)
    values = picture.astype(float)
    noise = np.random.default_rng(0).normal(0, 10, values.shape)
    forms = [
        pixels_of(resave(picture, 30)),
        pixels_of(resave(picture, 50, 0.25)),
        cv2.GaussianBlur(picture, (0, 0), 2).astype(np.uint8),
        codec.embed(picture, 5),
        *map(whole, (values * 1.3, values + noise, 255 * (values / 255) ** 0.7)),
    ]
    own = keyed.of(picture)
    assert max(distance(own, keyed.of(form)) for form in forms) <= SAME_KEYED_BITS


def test_keyed_fingerprints_tell_pictures_apart(keyed: KeyedFingerprint, scene: Draw) -> None:
    found = [keyed.of(scene(seed, 256)) for seed in range(20)]
    pairs = [(a, b) for n, a in enumerate(found) for b in found[:n]]
    assert min(distance(a, b) for a, b in pairs) > SAME_KEYED_BITS + 20


def test_another_key_sees_otherwise(keyed: KeyedFingerprint, scene: Draw) -> None:
    picture = scene(1, 256)
    other = KeyedFingerprint(b"quite another secret key")
    assert 90 < distance(keyed.of(picture), other.of(picture)) < 166


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_plain_and_small_pictures_have_one_too(keyed: KeyedFingerprint, grey: int) -> None:
    for shape in ((1, 1), (40, 3), (300, 200)):
        assert len(keyed.of(np.full((*shape, 3), grey, np.uint8))) == 32


def test_keyed_fingerprints_of_today_are_compared_in_years(
    keyed: KeyedFingerprint, scene: Draw
) -> None:
    """The sums come from the key alone; a change of them would leave every record unconfirmed."""
    assert keyed._where[:4].tolist() == [131, 132, 133, 134]
    assert keyed._signs[0, :8].tolist() == [-1, 1, 1, -1, -1, -1, -1, 1]
    assert len(fingerprint(scene(1, 256))) == len(keyed.of(scene(1, 256))) == 32
