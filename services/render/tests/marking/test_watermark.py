from collections.abc import Callable

import numpy as np
import pytest
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.watermark import SpreadSpectrum

Draw = Callable[[int, int], Pixels]

NUMBER = 3_141_592_653


@pytest.mark.parametrize("quality", [90, 70, 50])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_number_survives_a_resave(
    codec: SpreadSpectrum,
    scene: Draw,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    quality: int,
    scale: float,
) -> None:
    for seed in range(3):
        marked = codec.embed(scene(seed, 1024), NUMBER + seed)
        assert codec.read(pixels_of(resave(marked, quality, scale))) == NUMBER + seed


def test_number_survives_brightening_and_noise(codec: SpreadSpectrum, scene: Draw) -> None:
    marked = codec.embed(scene(4, 1024), NUMBER).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 6, marked.shape)
    changed = np.clip(marked * 1.15 + noise, 0, 255).astype(np.uint8)
    assert codec.read(changed) == NUMBER


@pytest.mark.parametrize("number", [0, 1, 2**31, 2**32 - 1])
def test_every_number_can_be_carried(codec: SpreadSpectrum, scene: Draw, number: int) -> None:
    assert codec.read(codec.embed(scene(5, 512), number)) == number


@pytest.mark.parametrize("grey", [0, 2, 128, 255])
def test_even_a_plain_picture_holds_its_number(
    codec: SpreadSpectrum,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    grey: int,
) -> None:
    marked = codec.embed(np.full((1024, 1024, 3), grey, np.uint8), NUMBER)
    assert codec.read(pixels_of(resave(marked, 70))) == NUMBER


def test_a_number_too_large_is_refused(codec: SpreadSpectrum, scene: Draw) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        codec.embed(scene(5, 256), 2**32)


def test_marks_do_not_show(codec: SpreadSpectrum, scene: Draw) -> None:
    plain = scene(6, 1024)
    error = codec.embed(plain, NUMBER).astype(np.float64) - plain
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 38


def test_unmarked_pictures_carry_nothing(codec: SpreadSpectrum, scene: Draw) -> None:
    assert [codec.read(scene(seed, 256)) for seed in range(40)] == [None] * 40


def test_noise_and_plain_pictures_carry_nothing(codec: SpreadSpectrum) -> None:
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (256, 256, 3), np.uint8) for _ in range(40)]
    plain = [np.full((300, 200, 3), grey, np.uint8) for grey in (0, 128, 255)]
    assert [codec.read(picture) for picture in noise + plain] == [None] * 43


def test_another_key_reads_nothing(codec: SpreadSpectrum, scene: Draw) -> None:
    marked = codec.embed(scene(7, 512), NUMBER)
    assert SpreadSpectrum(b"quite another secret key").read(marked) is None


def test_a_second_number_replaces_the_first(codec: SpreadSpectrum, scene: Draw) -> None:
    twice = codec.embed(codec.embed(scene(8, 512), 1), NUMBER)
    assert codec.read(twice) == NUMBER


def test_pictures_of_other_shapes_are_marked(codec: SpreadSpectrum, scene: Draw) -> None:
    tall = np.ascontiguousarray(scene(9, 1024)[:, :700])
    marked = codec.embed(tall, NUMBER)
    assert marked.shape == tall.shape
    assert codec.read(marked) == NUMBER


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        SpreadSpectrum(b"short")


def test_marks_of_today_are_read_in_years(codec: SpreadSpectrum) -> None:
    """The carriers come from the key alone; a change of algorithm needs a new name."""
    carriers = SpreadSpectrum(b"a key that only tests know")
    assert codec.name == "sosia.spread.1"
    assert carriers._where[0, :4].tolist() == [5937, 23324, 18961, 3182]
    assert carriers._check(NUMBER) == 2_887_043_786


def test_a_smooth_place_beside_a_busy_one_holds_the_number(codec: SpreadSpectrum) -> None:
    random = np.random.default_rng(0)
    picture = np.zeros((256, 256, 3), np.uint8)  # black: a running mean rounds below zero here
    picture[60:120, 60:120] = random.integers(0, 256, (60, 60, 1))
    picture[140:220, 20:230] = random.integers(90, 160, (80, 210, 1))
    assert codec.read(codec.embed(picture, NUMBER)) == NUMBER
