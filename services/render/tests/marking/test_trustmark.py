"""TrustMark's adapter. Its weights ship nowhere: small networks with its ports stand in for them,
run by the same runtime; what the bits say is compared with what TrustMark's own code says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from house import networks
from render.pipeline.marking import bch
from render.pipeline.marking.keyed import Keyed
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.trustmark import TrustMark
from render.pipeline.marking.watermark import SpreadSpectrum
from render.pipeline.marking.weights import WeightsUnusable

Draw = Callable[[int, int], Pixels]
KEY = b"a key that only tests know"
NUMBER = 3_141_592_653
THEIRS = {  # data, and its 100 bits by TrustMark 0.9.2's DataLayer, schema BCH_5
    1312494765889401333: "1001000110110111010110000100100100010011001011011000111110101"
    "000000011011011001100111110111110100001",
    271902015394427964: "0001111000101111111010111000101000001010011000011010000111100"
    "101011101110101010010100010100111100001",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("trustmark")
    networks.write_pair(where)
    return where


@pytest.fixture(scope="module")
def trustmark(folder: Path) -> TrustMark:
    return TrustMark(KEY, folder)


@pytest.mark.parametrize(("side", "quality"), [(256, 90), (512, 70), (1024, 50)])
def test_a_number_is_read_from_a_resave(
    trustmark: TrustMark,
    scene: Draw,
    resave: Callable[..., bytes],
    pixels_of: Callable[[bytes], Pixels],
    side: int,
    quality: int,
) -> None:
    marked = trustmark.embed(scene(1, side), NUMBER)
    assert trustmark.read(pixels_of(resave(marked, quality))) == NUMBER


def test_unmarked_pictures_and_other_marks_read_nothing(
    trustmark: TrustMark, codec: SpreadSpectrum, scene: Draw, folder: Path
) -> None:
    for seed in range(12):
        assert trustmark.read(scene(seed, 256)) is None
    assert trustmark.read(codec.embed(scene(1, 512), NUMBER)) is None
    forged = TrustMark(b"a key of somebody else's house", folder).embed(scene(1, 512), NUMBER)
    assert trustmark.read(forged) is None


def test_of_a_long_picture_the_middle_is_marked(trustmark: TrustMark, scene: Draw) -> None:
    plain = np.hstack([scene(seed, 256) for seed in range(3)])
    marked = trustmark.embed(plain, NUMBER)
    assert trustmark.read(marked) == NUMBER
    assert np.array_equal(marked[:, :256], plain[:, :256])
    assert not np.array_equal(marked[:, 256:512], plain[:, 256:512])


def test_what_was_marked_is_kept_from_others(trustmark: TrustMark) -> None:
    """Whoever has the networks reads bits; those of one number say nothing of the next's."""
    one, other = (int(trustmark.secret(number)[:61], 2) for number in (NUMBER, NUMBER + 1))
    assert 12 <= (one ^ other).bit_count() <= 48


def test_a_number_too_large_is_refused(trustmark: TrustMark, scene: Draw) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        trustmark.embed(scene(1, 256), 2**32)


@pytest.mark.parametrize("data", THEIRS)
def test_bits_are_protected_as_trustmark_does(data: int) -> None:
    assert f"{data:061b}{bch.protect(data << 3):035b}0001" == THEIRS[data]


def test_five_errors_are_corrected_and_more_are_told() -> None:
    chance = np.random.default_rng(1)
    told = 0
    for _ in range(200):
        data = int(chance.integers(0, 1 << 61)) << 3
        word = data << bch.ECC_BITS | bch.protect(data)
        for count in range(7):
            wrong = sum(1 << int(at) for at in chance.choice(99, count, replace=False))
            found = bch.correct(word ^ wrong, 99)
            if count <= bch.ERRORS:
                assert found == word
            else:
                assert found != word
                told += found is None
    assert told >= 190


def test_hidden_words_are_all_different_and_come_back() -> None:
    keyed = Keyed(KEY, "some.codec.1")
    hidden = {keyed.hide(word, 12) for word in range(1 << 12)}
    assert hidden == set(range(1 << 12))
    assert all(keyed.show(keyed.hide(word, 60), 60) == word for word in (0, 1, 2**60 - 1))
    assert Keyed(KEY, "some.codec.2").check(7, 28) != keyed.check(7, 28)


def test_absent_weights_are_named_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnusable, match=r"RENDER_TRUSTMARK_WEIGHTS: .*encoder_Q\.onnx"):
        TrustMark(KEY, tmp_path / "nowhere")
    networks.write_pair(tmp_path)
    (tmp_path / "decoder_Q.onnx").unlink()
    with pytest.raises(WeightsUnusable, match=r"RENDER_TRUSTMARK_WEIGHTS: .*decoder_Q\.onnx"):
        TrustMark(KEY, tmp_path)


@pytest.mark.parametrize("content", [b"", b"no network at all", b"\x08\x08"])
def test_a_broken_file_is_named_with_the_setting(tmp_path: Path, content: bytes) -> None:
    networks.write_pair(tmp_path)
    (tmp_path / "encoder_Q.onnx").write_bytes(content)
    with pytest.raises(WeightsUnusable, match=r"RENDER_TRUSTMARK_WEIGHTS: .*is no ONNX network"):
        TrustMark(KEY, tmp_path)


def test_another_network_is_refused_by_its_ports(tmp_path: Path) -> None:
    networks.write_pair(tmp_path)
    (tmp_path / "encoder_Q.onnx").write_bytes((tmp_path / "decoder_Q.onnx").read_bytes())
    with pytest.raises(WeightsUnusable, match="has the inputs image, must have onnx::Concat_0"):
        TrustMark(KEY, tmp_path)
