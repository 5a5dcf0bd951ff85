from collections.abc import Callable

import numpy as np
import pytest
from render.pipeline.marking import label
from render.pipeline.marking.request import Pixels

Draw = Callable[[int, int], Pixels]


@pytest.mark.parametrize("language", sorted(label.WORDING))
@pytest.mark.parametrize("shape", [(256, 256), (512, 512), (1024, 1024), (1280, 1024), (640, 960)])
def test_label_is_tall_enough_and_inside(shape: tuple[int, int], language: str) -> None:
    picture = np.full((*shape, 3), 128, np.uint8)
    drawn = label.draw(picture, language)
    left, top, right, bottom = drawn.box
    assert drawn.text_height >= 0.05 * min(shape)
    assert 0 <= left < right <= shape[1]
    assert 0 <= top < bottom <= shape[0]


@pytest.mark.parametrize("language", sorted(label.WORDING))
def test_drawn_letters_are_as_tall_as_said(language: str) -> None:
    drawn = label.draw(np.zeros((512, 512, 3), np.uint8), language)
    left, top, right, bottom = drawn.box
    bright = drawn.pixels[top:bottom, left:right].max(axis=2) > 150
    rows = np.flatnonzero(bright.any(axis=1))
    assert rows[-1] - rows[0] + 1 >= 0.05 * 512


@pytest.mark.parametrize("grey", [0, 60, 119, 128, 180, 255])
def test_contrast_holds_on_any_plain_backdrop(grey: int) -> None:
    drawn = label.draw(np.full((512, 512, 3), grey, np.uint8), "en")
    assert drawn.contrast >= label.CONTRAST


def test_contrast_holds_on_the_worst_backdrop() -> None:
    """Stripes of black and white under the text, measured again on what was drawn."""
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[:, ::2] = 255
    picture[:, 200:] = 255
    drawn = label.draw(picture, "en")
    left, top, right, bottom = drawn.box
    patch = drawn.pixels[top:bottom, left:right]
    side = patch[:, 4:10]  # the panel beside the letters
    inks = (patch.min(), patch.max())
    middle = slice(patch.shape[0] // 3, -patch.shape[0] // 3)
    assert max(label.contrast(float(ink), side[middle]) for ink in inks) >= label.CONTRAST


def test_contrast_is_that_of_wcag() -> None:
    white = np.full((1, 1, 3), 255, np.uint8)
    assert label.contrast(0, white) == pytest.approx(21)
    assert label.contrast(118, white) == pytest.approx(4.61, abs=0.1)


def test_label_keeps_off_a_face_at_the_bottom() -> None:
    face = (0, 300, 300, 512)
    left, top, right, bottom = label.draw(np.zeros((512, 512, 3), np.uint8), "en", (face,)).box
    assert right <= face[0] or left >= face[2] or bottom <= face[1] or top >= face[3]


def test_label_finds_the_only_gap() -> None:
    faces = ((0, 0, 512, 200), (0, 270, 512, 512))
    _, top, _, bottom = label.draw(np.zeros((512, 512, 3), np.uint8), "en", faces).box
    assert 200 <= top < bottom <= 270


def test_label_never_covers_a_face_that_fills_the_picture() -> None:
    with pytest.raises(label.NoRoom):
        label.draw(np.zeros((512, 512, 3), np.uint8), "en", ((10, 10, 500, 500),))


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(KeyError):
        label.draw(np.zeros((512, 512, 3), np.uint8), "xx")


def test_the_given_picture_is_left_as_it_was(scene: Draw) -> None:
    picture = scene(3, 512)
    before = picture.copy()
    label.draw(picture, "sv")
    assert (picture == before).all()
