"""Pictures from outside, on the samples and on what an attacker would send."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imaging import pictures
from PIL import Image

ALBA = Path(__file__).parents[3] / "samples" / "talents" / "alba" / "photos"


def photo(number: int) -> pictures.Rgb:
    """Decode a sample."""
    return pictures.decode((ALBA / f"{number:03d}.jpg").read_bytes(), max_pixels=10**6)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Encode a picture."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_a_picture_comes_out_as_it_went_in() -> None:
    rgb = photo(3)
    assert rgb.shape == (640, 512, 3)
    assert rgb.dtype == np.uint8
    again = pictures.decode(encoded(Image.fromarray(rgb), "PNG"), max_pixels=10**6)
    assert np.array_equal(rgb, again)
    jpeg = pictures.decode(pictures.encode_jpeg(rgb), max_pixels=10**6)
    assert np.abs(jpeg.astype(int) - rgb).mean() < 1.5


@pytest.mark.parametrize("side", [1001, 30_000])
def test_too_many_pixels_are_never_decoded(side: int) -> None:
    bomb = encoded(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 2**18
    with pytest.raises(pictures.PictureTooLarge):
        pictures.decode(bomb, max_pixels=10**6)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"GIF89a", bytes(1000)])
def test_what_is_no_picture_is_unreadable(data: bytes) -> None:
    with pytest.raises(pictures.UnreadablePicture):
        pictures.decode(data, max_pixels=10**6)


def test_a_picture_cut_short_is_unreadable() -> None:
    data = (ALBA / "003.jpg").read_bytes()
    with pytest.raises(pictures.UnreadablePicture):
        pictures.decode(data[:-200], max_pixels=10**6)


def test_transparent_lies_on_white() -> None:
    clear = encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG")
    assert (pictures.decode(clear, max_pixels=64) == 255).all()


def test_the_same_photo_hashes_alike_and_another_does_not() -> None:
    rgb = photo(3)
    half = np.asarray(Image.fromarray(rgb).resize((256, 320)))
    same = pictures.perceptual_hash(rgb)
    assert pictures.hash_distance(same, pictures.perceptual_hash(half)) <= 4
    assert pictures.hash_distance(same, pictures.perceptual_hash(photo(4))) >= 30
    with pytest.raises(ValueError, match="do not compare"):
        pictures.hash_distance(same, b"")


def test_size_hardly_changes_sharpness_and_blur_does() -> None:
    rgb = photo(3)
    image = Image.fromarray(rgb)
    large = np.asarray(image.resize((1024, 1280), Image.Resampling.LANCZOS))
    assert pictures.sharpness(large) > 0.5 * pictures.sharpness(rgb)
    soft = np.asarray(image.resize((64, 80)).resize((512, 640)))
    assert pictures.sharpness(soft) < 0.1 * pictures.sharpness(rgb)


def test_a_whole_picture_keeps_head_and_feet() -> None:
    tall = np.zeros((640, 512, 3), np.uint8)
    tall[0], tall[-1] = 255, 255  # the first and the last row
    whole = pictures.square(tall, 640, whole=True)
    cut = pictures.square(tall, 512)
    assert whole.shape == (640, 640, 3)
    assert whole[0].min() == whole[-1].min() == 255
    assert cut.max() == 0
