from collections.abc import Callable
from itertools import islice

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from render.pipeline.marking import copies, lattice
from render.pipeline.marking.codec import ENOUGH
from render.pipeline.marking.embedding import TRUE, WITHIN
from render.pipeline.marking.mark import Clock, hold
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.watermark import SpreadSpectrum

Draw = Callable[[int, int], Pixels]
Floats = NDArray[np.float64]

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


@pytest.mark.parametrize("number", [0, 1, 2**32, 2**60 - 1])
def test_every_number_can_be_carried(codec: SpreadSpectrum, scene: Draw, number: int) -> None:
    assert codec.read(codec.embed(scene(5, 512), number)) == number


@pytest.mark.parametrize("grey", [0, 2, 128, 255])
def test_even_a_plain_picture_holds_its_number(
    codec: SpreadSpectrum,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    grey: int,
) -> None:
    """A black one at the price of an SSIM that counts a grey level there for more than eyes do."""
    plain = np.full((1024, 1024, 3), grey, np.uint8)
    tried = list(codec.attempts(plain, NUMBER))
    read = [codec.read_whole(pixels_of(resave(one.picture, 70))) for one in tried]
    assert NUMBER in read[: None if grey < 16 else 1]


def test_a_number_too_large_is_refused(codec: SpreadSpectrum, scene: Draw) -> None:
    with pytest.raises(ValueError, match="60 bits"):
        codec.embed(scene(5, 256), 2**60)


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_marks_do_not_show(codec: SpreadSpectrum, scene: Draw, side: int) -> None:
    for seed in range(6, 9):
        plain = scene(seed, side) if seed < 8 else _grained(scene(seed, side))
        marked = codec.embed(plain, NUMBER)
        error = marked.astype(np.float64) - plain
        assert 10 * np.log10(255**2 / np.mean(error**2)) >= 42
        assert _similarity(plain, marked) >= 0.99


def _similarity(one: Pixels, other: Pixels) -> float:
    """Return SSIM of the luma as Wang et al. define it, over every place."""

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float64)

    x, y = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float64) for p in (one, other))
    mx, my = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    light = (2 * mx * my + 6.5025) / (mx * mx + my * my + 6.5025)
    return float(np.mean(light * (2 * xy + 58.5225) / (xx + yy + 58.5225)))


def _screenshot(picture: Pixels) -> Pixels:
    """Show the picture smaller, between bars."""
    height, width = (round(n * 0.7) for n in picture.shape[:2])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 40, 25, 30, 90, cv2.BORDER_CONSTANT, value=(244, 244, 244))


def _turned(picture: Pixels, degrees: float) -> Pixels:
    image = Image.fromarray(picture)
    return np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC, expand=True))


GEOMETRY: dict[str, Callable[[Pixels], Pixels]] = {
    "crop to half": lambda p: p[p.shape[0] // 5 :, p.shape[1] // 3 :][: p.shape[0] * 3 // 4],
    "screenshot": _screenshot,
    "quarter turn": np.rot90,
    "upside down": lambda p: np.rot90(p, 2),
    "mirrored": lambda p: p[:, ::-1],
    "rotated by 7": lambda p: _turned(p, 7),
    "rotated by -2.5": lambda p: _turned(p, -2.5),
    "enlarged": lambda p: np.asarray(Image.fromarray(p).resize((p.shape[1] * 3 // 2,) * 2)),
}


@pytest.mark.parametrize("side", [256, 512, 1024])
@pytest.mark.parametrize("change", GEOMETRY)
def test_number_is_found_wherever_the_picture_went(
    codec: SpreadSpectrum,
    scene: Draw,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    change: str,
    side: int,
) -> None:
    for seed in (21, 22):
        moved = GEOMETRY[change](codec.embed(scene(seed, side), NUMBER + seed))
        saved = pixels_of(resave(np.ascontiguousarray(moved), 80))
        assert codec.read(saved) == NUMBER + seed


def _grained(picture: Pixels) -> Pixels:
    """Return the picture with coarse grain in every place, like cloth."""
    grain = np.random.default_rng(0).normal(0, 30, picture.shape[:2])
    return np.clip(picture + cv2.GaussianBlur(grain, (0, 0), 1)[..., None], 0, 255).astype(np.uint8)


def _torn(side: int, loud_by: float = 60) -> Pixels:
    """Return loud texture that differs from place to place, with a calm corner."""
    random = np.random.default_rng(2)
    grain = cv2.GaussianBlur(random.normal(0, loud_by, (side, side)), (0, 0), 0.9)
    loud = cv2.resize(random.uniform(0, 1.2, (6, 6)), (side, side))
    return np.clip(128 + (grain * loud)[..., None], 0, 255).repeat(3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("side", [256, 512])
def test_what_parts_of_a_picture_have_on_the_lines_is_made_up_for(
    codec: SpreadSpectrum, side: int
) -> None:
    """Or a crop brings back what other tiles were to make up for."""
    gentle, spoken_up = (one.picture for one in islice(codec.attempts(_torn(side), NUMBER), 2))
    assert codec.told(spoken_up, NUMBER) > codec.told(gentle, NUMBER) + 0.1


@pytest.mark.parametrize("side", [256, 512])
def test_every_attempt_keeps_to_the_goals(codec: SpreadSpectrum, scene: Draw, side: int) -> None:
    """Also in noise, in black and beside white, where a number is not always heard."""
    noise = np.random.default_rng(5).integers(0, 256, (side, side, 3), np.uint8)
    half = scene(9, side).copy()
    half[:, side // 2 :] = 255
    black = np.zeros((side, side, 3), np.uint8)
    for plain in (noise, half, black, black + np.uint8(12), _grained(scene(3, side))):
        for at, one in enumerate(codec.attempts(plain, NUMBER)):
            error = np.mean((one.picture.astype(np.float64) - plain) ** 2)
            assert one.is_faithful == (at < WITHIN)
            assert at >= WITHIN or error <= 255**2 / 10**4.2
            assert at >= TRUE or _similarity(plain, one.picture) >= 0.99


@pytest.mark.parametrize("side", [256, 512])
def test_loud_noise_holds_its_number(
    codec: SpreadSpectrum,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    side: int,
) -> None:
    """What drowns a mark hides a louder one."""
    noise = np.random.default_rng(5).integers(0, 256, (side, side, 3), np.uint8)
    tried = codec.attempts(noise, NUMBER)
    read = [codec.read(pixels_of(resave(one.picture, 95))) for one in tried]
    assert NUMBER in read


def test_the_lines_of_tiles_are_those_of_their_sum(codec: SpreadSpectrum, scene: Draw) -> None:
    """What an embedder hears of each tile, a reader hears of all."""
    luma = cv2.cvtColor(codec.embed(scene(4, 512), NUMBER), cv2.COLOR_RGB2GRAY).astype(np.float32)
    each = lattice.lines_of_tiles(luma, 128)
    assert each.shape == (4, 4, lattice.COUNT)
    together = lattice.fold(luma, lattice.upright(128)).heard().lines
    assert np.corrcoef(np.abs(each.sum(axis=(0, 1))), np.abs(together))[0, 1] > 0.9999


@pytest.mark.parametrize("scale", [0.53, 0.61, 0.74, 0.87, 1.31])
def test_a_faint_mark_is_found_at_any_size(
    codec: SpreadSpectrum,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    scale: float,
) -> None:
    """By lines of known phase: the power on all of them does not stand out of such texture."""
    marked = list(islice(codec.attempts(_torn(512), NUMBER), 2))[1].picture
    assert codec.read(pixels_of(resave(marked, 80, scale))) == NUMBER


def test_pictures_too_small_for_tiles_carry_nothing(codec: SpreadSpectrum) -> None:
    for height, width in ((1, 1), (31, 500), (40, 40), (33, 3000)):
        assert codec.read(np.full((height, width, 3), 90, np.uint8)) is None


def test_unmarked_pictures_carry_nothing(codec: SpreadSpectrum, scene: Draw) -> None:
    assert [codec.read(scene(seed, 256)) for seed in range(15)] == [None] * 15


def test_noise_and_plain_pictures_carry_nothing(codec: SpreadSpectrum) -> None:
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (256, 256, 3), np.uint8) for _ in range(15)]
    plain = [np.full((300, 200, 3), grey, np.uint8) for grey in (0, 128, 255)]
    assert [codec.read(picture) for picture in noise + plain] == [None] * 18


def test_a_word_counts_only_with_its_version_and_check(codec: SpreadSpectrum) -> None:
    word = codec._word(NUMBER)
    assert codec._payload(word) == NUMBER
    for at in range(word.size):
        changed = word.copy()
        changed[at] ^= 1
        assert codec._payload(changed) is None


def test_another_key_reads_nothing(codec: SpreadSpectrum, scene: Draw) -> None:
    marked = codec.embed(scene(7, 512), NUMBER)
    assert SpreadSpectrum(b"quite another secret key").read(marked) is None


def test_a_second_number_replaces_the_first(codec: SpreadSpectrum, scene: Draw) -> None:
    """Not at the first attempt, which leaves the picture's own lines as they are."""
    held = hold(codec, codec.embed(scene(8, 512), 1), NUMBER, Clock())
    assert held is not None
    assert codec.read(held.seen) == NUMBER


def test_a_picture_whose_copies_tell_too_little_is_marked_again(codec: SpreadSpectrum) -> None:
    def worst(picture: Pixels) -> float:
        luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        return min(codec.told(copy(luma), NUMBER) for copy in (copies.saved, copies.shown))

    plain = _torn(256, 53)
    held = hold(codec, plain, NUMBER, Clock())
    assert held is not None
    assert worst(codec.embed(plain, NUMBER)) < ENOUGH <= worst(held.seen)


def test_pictures_of_other_shapes_are_marked(codec: SpreadSpectrum, scene: Draw) -> None:
    tall = np.ascontiguousarray(scene(9, 1024)[:, :700])
    marked = codec.embed(tall, NUMBER)
    assert marked.shape == tall.shape
    assert codec.read(marked) == NUMBER


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        SpreadSpectrum(b"short")


def test_marks_of_today_are_read_in_years(codec: SpreadSpectrum) -> None:
    """All secrets come from the key alone; a change of algorithm needs a new name."""
    assert codec.name == "sosia.spread.3"
    assert codec._secrets.sync.which[:4].tolist() == [0, 2, 4, 11]
    assert codec._secrets._bit[:4].tolist() == [6, 253, 147, 240]
    word = np.packbits(codec._word(NUMBER)).tobytes()
    assert word.hex() == "30000000bb40e64de8d6b380"
    assert lattice.COUNT == 184


def test_a_smooth_place_beside_a_busy_one_holds_the_number(codec: SpreadSpectrum) -> None:
    random = np.random.default_rng(0)
    picture = np.zeros((256, 256, 3), np.uint8)  # black: a running mean rounds below zero here
    picture[60:120, 60:120] = random.integers(0, 256, (60, 60, 1))
    picture[140:220, 20:230] = random.integers(90, 160, (80, 210, 1))
    assert codec.read(codec.embed(picture, NUMBER)) == NUMBER
