import json
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from render.pipeline.marking import garment, label, wording
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.wording import Wording

Draw = Callable[[int, int], Pixels]

HOUSE = wording.choose(())
VOCABULARY = Path(__file__).parents[3] / "licensing/src/licensing/vocabulary.json"
PRODUCT = (0, 300, 300, 512)


def named(row: Wording) -> str:
    return f"{row.market}-{row.degree}-{row.language}"


every_row = pytest.mark.parametrize("row", wording.rows(), ids=named)


@every_row
@pytest.mark.parametrize("shape", [(256, 256), (512, 512), (1280, 1024), (640, 960)])
def test_label_is_tall_enough_and_inside(shape: tuple[int, int], row: Wording) -> None:
    picture = np.full((*shape, 3), 128, np.uint8)
    drawn = label.draw(picture, row)
    left, top, right, bottom = drawn.box
    assert drawn.text == row.text
    assert row.height_share >= 0.05
    assert drawn.text_height >= 0.05 * min(shape)
    assert drawn.contrast >= label.CONTRAST
    assert 0 <= left < right <= shape[1]
    assert 0 <= top < bottom <= shape[0]


@every_row
def test_drawn_letters_are_as_tall_as_said(row: Wording) -> None:
    plain = Wording(row.market, row.language, row.degree, row.text, "", row.height_share)
    drawn = label.draw(np.zeros((512, 512, 3), np.uint8), plain)
    left, top, right, bottom = drawn.box
    bright = drawn.pixels[top:bottom, left:right].max(axis=2) > 150
    rows = np.flatnonzero(bright.any(axis=1))
    assert rows[-1] - rows[0] + 1 >= 0.05 * 512 - (row.text in ("AI", "KI", "IA")) * 8


@every_row
def test_its_font_has_every_letter(row: Wording) -> None:
    with resources.as_file(label.font_file(label.script_of(row.text))) as path:
        known = TTFont(str(path)).getBestCmap()
    assert [letter for letter in row.text if ord(letter) not in known] == []


@pytest.mark.parametrize(
    ("territories", "market", "language"),
    [
        ((), "HOUSE", "en"),
        (("US",), "HOUSE", "en"),
        (("GB", "US"), "HOUSE", "en"),
        (("SE",), "EU", "sv"),
        (("DE", "AT"), "EU", "de"),
        (("FR",), "EU", "fr"),
        (("SE", "FR"), "EU", "en"),
        (("US", "FR"), "EU", "en"),
        (("NORDICS",), "EU", "en"),
        (("CN",), "CN", "zh"),
        (("SE", "CN"), "CN", "en"),
        (("EU", "APAC"), "CN", "en"),
        (("WORLD",), "CN", "en"),
    ],
)
def test_the_strictest_territory_wins(
    territories: tuple[str, ...], market: str, language: str
) -> None:
    chosen = wording.choose(territories)
    assert (chosen.market, chosen.language) == (market, language)


def test_chinas_words_are_those_of_its_standard() -> None:
    """GB 45438-2025: artificial intelligence, or AI, and "generated"."""
    assert wording.choose(("CN",)).text == "人工智能生成"
    assert "AI生成" in wording.choose(("CN", "US")).text
    assert all("生成" in row.text for row in wording.rows() if row.market == "CN")


@pytest.mark.parametrize("degree", wording.DEGREES)
def test_europe_has_an_icon_for_every_degree(degree: str) -> None:
    icons = {row.icon for row in wording.rows() if (row.market, row.degree) == ("EU", degree)}
    assert icons == {degree}
    drawn = np.asarray(label._drawn(wording.icon(degree), 100))
    assert drawn[50, 97:].max() > 200  # the frame
    share = {"basic": (0.0, 0.5), "partial": (0.4, 0.7), "full": (0.6, 0.9)}[degree]
    assert share[0] < np.mean(drawn > 128) < share[1]


def test_the_table_knows_every_region_that_touches_a_market() -> None:
    """A region of licensing's that holds one country of a market belongs to it."""
    said = json.loads(VOCABULARY.read_text())
    for market, territories in wording.markets().items():
        if "*" in territories:
            continue
        countries = territories & set(said["countries"])
        regions = {name for name, held in said["regions"].items() if countries & set(held)}
        assert territories == countries | regions | {"WORLD"}, market


def test_the_last_market_is_everywhere() -> None:
    *others, last = wording.markets().values()
    assert last == {"*"}
    assert all("*" not in one for one in others)


def _touch(a: Iterable[int], b: Iterable[int]) -> bool:
    left, top, right, bottom = a
    x0, y0, x1, y1 = b
    return left < x1 and x0 < right and top < y1 and y0 < bottom


def test_label_keeps_off_face_and_product() -> None:
    picture = np.zeros((512, 512, 3), np.uint8)
    basic = wording.choose(("SE", "FR"), "basic")
    drawn = label.draw(picture, basic, ((300, 20, 420, 140),), (PRODUCT,))
    assert not _touch(drawn.box, PRODUCT)
    assert not drawn.covers_product


def test_a_product_everywhere_gets_the_label_but_a_face_never() -> None:
    picture = np.zeros((512, 512, 3), np.uint8)
    face, product = (0, 300, 512, 512), (0, 0, 512, 512)
    drawn = label.draw(picture, HOUSE, (face,), (product,))
    assert drawn.covers_product
    assert not _touch(drawn.box, face)


def test_the_garment_lies_below_the_face() -> None:
    face = (200, 60, 300, 180)
    left, top, right, bottom = garment.area("three-quarter", (face,), (512, 640))
    assert (left, top, right) == (150, 180, 350)
    assert 180 < bottom <= 640
    assert garment.area("full", (), (500, 1000)) == (150, 200, 350, 950)


@pytest.mark.parametrize("framing", ["three-quarter", "full"])
def test_a_head_that_is_turned_away_is_not_covered(framing: str) -> None:
    (box,) = garment.head(framing, (256, 256))
    product = garment.area(framing, (), (256, 256))
    drawn = label.draw(np.full((256, 256, 3), 128, np.uint8), HOUSE, (box,), (product,))
    left, top, right, _ = drawn.box
    assert right <= box[0] or left >= box[2] or top >= box[3]
    assert garment.head("face", (256, 256)) == ()


@pytest.mark.parametrize("grey", [0, 60, 119, 128, 180, 255])
def test_contrast_holds_on_any_plain_backdrop(grey: int) -> None:
    drawn = label.draw(np.full((512, 512, 3), grey, np.uint8), HOUSE)
    assert drawn.contrast >= label.CONTRAST


def test_contrast_holds_on_the_worst_backdrop() -> None:
    """Stripes of black and white under the text, measured again on what was drawn."""
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[:, ::2] = 255
    picture[:, 200:] = 255
    drawn = label.draw(picture, HOUSE)
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
    left, top, right, bottom = label.draw(np.zeros((512, 512, 3), np.uint8), HOUSE, (face,)).box
    assert right <= face[0] or left >= face[2] or bottom <= face[1] or top >= face[3]


def test_label_finds_the_only_gap() -> None:
    faces = ((0, 0, 512, 200), (0, 270, 512, 512))
    _, top, _, bottom = label.draw(np.zeros((512, 512, 3), np.uint8), HOUSE, faces).box
    assert 200 <= top < bottom <= 270


def test_label_never_covers_a_face_that_fills_the_picture() -> None:
    with pytest.raises(label.NoRoom):
        label.draw(np.zeros((512, 512, 3), np.uint8), HOUSE, ((10, 10, 500, 500),))


def test_an_unknown_degree_is_an_error_and_an_unknown_language_is_english() -> None:
    with pytest.raises(KeyError):
        wording.choose(("SE",), "entirely")
    assert wording.choose(("SE",), language="xx").language == "en"


def test_the_given_picture_is_left_as_it_was(scene: Draw) -> None:
    picture = scene(3, 512)
    before = picture.copy()
    label.draw(picture, wording.choose(("SE",)))
    assert (picture == before).all()
