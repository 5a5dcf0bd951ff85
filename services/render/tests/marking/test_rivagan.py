"""RivaGAN's adapter, with the networks that its package ships."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from render.domain.judging import Outcome
from render.domain.verdicts import Candidate, Layers, verdict
from render.pipeline.marking.authority import SigningCredentials
from render.pipeline.marking.examine import Reader, examine
from render.pipeline.marking.fingerprint import KeyedFingerprint
from render.pipeline.marking.keyed import Keyed
from render.pipeline.marking.mark import Keys, Marked, Marker, WatermarkLost
from render.pipeline.marking.request import MarkRequest, Pixels, System
from render.pipeline.marking.rivagan import RivaGan, _frame, _shrink, _size
from render.pipeline.marking.watermark import SpreadSpectrum
from render.pipeline.marking.weights import WeightsUnusable

Draw = Callable[[int, int], Pixels]
KEY = b"a key that only tests know"
NUMBER = 1_000_003
LAST = 2**20 - 1
PHOTOS = sorted((Path(__file__).parents[4] / "samples/talents").glob("*/photos/*.jpg"))


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the package's networks lie; it is not imported, for it would bring torch."""
    spec = find_spec("imwatermark")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


@pytest.fixture(scope="module")
def rivagan(folder: Path) -> RivaGan:
    return RivaGan(KEY, folder)


@pytest.fixture(scope="module")
def photo() -> Pixels:
    """A photo of a sample talent, 512 x 640: the networks lose bits in drawings of flat colours."""
    return _photo(PHOTOS[0])


@pytest.fixture(scope="module")
def hidden(rivagan: RivaGan, photo: Pixels) -> Pixels:
    """A picture with a number, as gently as the codec does it."""
    return rivagan.embed(photo, NUMBER)


@pytest.fixture(scope="module")
def pair(
    codec: SpreadSpectrum, rivagan: RivaGan, keyed: KeyedFingerprint, signing: SigningCredentials
) -> Reader:
    """What reads once RivaGAN is switched on beside our own codec."""
    return Reader((codec, rivagan), keyed, signing.anchors)


@pytest.fixture(scope="module")
def whole(
    rivagan: RivaGan,
    keyed: KeyedFingerprint,
    signing: SigningCredentials,
    system: System,
    request_of: Callable[..., MarkRequest],
    photo: Pixels,
) -> Marked:
    """A finished picture that RivaGAN marked."""
    return Marker(Keys(rivagan, keyed, signing), system).mark(photo, request_of(NUMBER))


def _photo(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


def registered(one: Marked, codec: str, number: int | None = None) -> Candidate:
    """Return a finished picture's record, under another number if one is given."""
    rights = one.rights if number is None else replace(one.rights, asset_number=number)
    looks = (one.fingerprint, one.keyed_fingerprint, one.sha256, one.outline)
    return Candidate(rights, *looks, watermark_by=codec)


def read_by(reader: Reader, pixels: Pixels) -> Layers:
    """Return the layers of pixels saved without loss."""
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return examine(out.getvalue(), reader).layers


def test_a_number_is_read_from_a_resave(
    rivagan: RivaGan,
    hidden: Pixels,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
) -> None:
    assert rivagan.read(pixels_of(resave(hidden, 70))) == NUMBER


def test_a_number_is_read_from_half_of_the_area(rivagan: RivaGan, hidden: Pixels) -> None:
    cut = hidden[94:546, 75:437]
    assert rivagan.read_whole(cut) is None
    assert rivagan.read(cut) == NUMBER


@pytest.mark.parametrize("number", [0, LAST])
def test_every_number_of_twenty_bits_can_be_carried(
    rivagan: RivaGan, photo: Pixels, number: int
) -> None:
    assert number in [rivagan.read_whole(one.picture) for one in rivagan.attempts(photo, number)]


def test_the_gentlest_attempt_is_above_42_db(hidden: Pixels, photo: Pixels) -> None:
    error = np.square(hidden.astype(np.float64) - photo).mean()
    assert 10 * np.log10(255**2 / error) > 42


def test_unmarked_pictures_and_other_marks_read_nothing(
    rivagan: RivaGan, codec: SpreadSpectrum, scene: Draw, hidden: Pixels
) -> None:
    for seed in range(3):
        assert rivagan.read(scene(seed, 256)) is None
        assert rivagan.read(_photo(PHOTOS[18 * seed])) is None
    assert rivagan.read(codec.embed(scene(1, 512), NUMBER)) is None
    assert codec.read(hidden) is None


def test_a_check_that_agrees_by_chance_is_no_number(
    rivagan: RivaGan, folder: Path, photo: Pixels
) -> None:
    """Of 4,096 keys one finds its check in a picture without a mark; but such bits are quiet."""
    (heard,) = rivagan._decoder.run(None, {"frame": _frame(_shrink(photo, 384))})
    word = int.from_bytes(np.packbits(heard[0] > 0).tobytes(), "big")
    lucky = RivaGan(KEY, folder)
    for at in range(100_000):
        lucky._keyed = Keyed(at.to_bytes(4, "big"), RivaGan.name)
        number, check = divmod(lucky._keyed.show(word, 32), 1 << 12)
        if check == lucky._keyed.check(number, 12):
            break
    else:
        pytest.fail("no key was found")
    assert lucky.read_whole(photo) is None
    assert NUMBER in [lucky.read_whole(one.picture) for one in lucky.attempts(photo, NUMBER)]


def test_forged_marks_are_refused(rivagan: RivaGan, folder: Path, photo: Pixels) -> None:
    """By who has the networks and not the key: his own word, or the bare number."""
    assert rivagan.read(RivaGan(b"a key of somebody else's", folder).embed(photo, NUMBER)) is None
    bare = RivaGan(KEY, folder)
    bare._keyed = Bare(KEY, RivaGan.name)
    assert bare.read_whole(bare.embed(photo, NUMBER)) == NUMBER
    assert rivagan.read(bare.embed(photo, NUMBER)) is None


class Bare(Keyed):
    """Says the number as it is, as one would who knows how words are made but has no key."""

    def hide(self, word: int, bits: int) -> int:
        return word

    def show(self, word: int, bits: int) -> int:
        return word


def test_of_words_by_chance_one_in_four_thousand_has_its_check() -> None:
    """What twelve bits are worth, and no more: why a number never counts without the looks."""
    keyed = Keyed(KEY, RivaGan.name)
    words = np.random.default_rng(1).integers(0, 1 << 32, 40_960)
    shown = (divmod(keyed.show(int(word), 32), 1 << 12) for word in words)
    assert 1 <= sum(check == keyed.check(number, 12) for number, check in shown) <= 25


def test_a_number_too_large_is_refused(
    rivagan: RivaGan,
    keyed: KeyedFingerprint,
    signing: SigningCredentials,
    system: System,
    request_of: Callable[..., MarkRequest],
    scene: Draw,
) -> None:
    with pytest.raises(ValueError, match="20 bits"):
        rivagan.embed(scene(1, 256), LAST + 1)
    marker = Marker(Keys(rivagan, keyed, signing), system)
    with pytest.raises(WatermarkLost, match=r"needs 21 bits, sosia\.rivagan\.1 carries 20"):
        marker.mark(scene(1, 256), request_of(LAST + 1))


def test_a_grey_copy_has_lost_the_number(rivagan: RivaGan, hidden: Pixels) -> None:
    grey = np.asarray(cv2.cvtColor(hidden, cv2.COLOR_RGB2GRAY), np.uint8)
    assert rivagan.read(np.stack([grey] * 3, axis=2)) is None
    assert rivagan.read(grey) is None


@pytest.mark.parametrize("shape", [(1, 40_000, 3), (40_000, 2, 3), (31, 31, 3)])
def test_no_picture_is_seen_larger_than_two_to_one(shape: tuple[int, int, int]) -> None:
    width, height = _size(np.zeros(shape, np.uint8), 384)
    assert width * height <= 2 * 384 * 384


def test_a_picture_it_marked_is_verified_and_recovered_beside_ours(
    whole: Marked, pair: Reader, resave: Callable[..., bytes]
) -> None:
    record = registered(whole, RivaGan.name)
    found = examine(whole.data, pair).layers
    assert (found.watermark, found.watermark_by) == (NUMBER, "sosia.rivagan.1")
    assert verdict(found, [record]).outcome is Outcome.VERIFIED
    answer = verdict(examine(resave(whole.data, 80), pair).layers, [record])
    assert (answer.outcome, answer.reasons[0]) == (Outcome.RECOVERED, "WATERMARK_AGREES")


def test_a_picture_we_marked_is_read_as_before_beside_it(marked: Marked, pair: Reader) -> None:
    found = examine(marked.data, pair).layers
    assert (found.watermark, found.watermark_by) == (marked.watermark, SpreadSpectrum.name)


def test_a_number_it_reads_is_none_of_a_picture_we_marked(
    marked: Marked, other: Marked, pair: Reader, hidden: Pixels
) -> None:
    """Or its check of 12 bits would stand for ours of 28."""
    layers = read_by(pair, hidden)
    assert layers.watermark == NUMBER
    ours = registered(marked, SpreadSpectrum.name, NUMBER)
    answer = verdict(layers, [ours, registered(other, SpreadSpectrum.name)])
    assert str(answer.states.watermark) == "unknown"
    theirs = registered(marked, RivaGan.name, NUMBER)
    assert str(verdict(layers, [theirs]).states.watermark) == "same"


@pytest.mark.parametrize("name", ["rivagan_encoder.onnx", "rivagan_decoder.onnx"])
def test_other_weights_than_the_package_ships_are_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    """Or what was marked with one pair would silently not be read by another."""
    for one in ("rivagan_encoder.onnx", "rivagan_decoder.onnx"):
        (tmp_path / one).write_bytes((folder / one).read_bytes())
    RivaGan(KEY, tmp_path)
    with (tmp_path / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(WeightsUnusable, match=rf"RENDER_RIVAGAN_WEIGHTS: .*{name} has SHA-256"):
        RivaGan(KEY, tmp_path)
