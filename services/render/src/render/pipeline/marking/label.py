"""The visible label: says, in the picture itself, that it is generated."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFont

from render.pipeline.marking.request import Box, Pixels
from render.pipeline.marking.wording import Icon, Wording, icon

CONTRAST = 4.5
"""Least ratio between text and backdrop (WCAG 2.2, 1.4.3)."""

_HEADROOM = 1.1  # the watermark and JPEG come after, and may cost some contrast
_MARGIN_SHARE = 0.03
_FACE_MARGIN_SHARE = 0.02
_INKS = ((245.0, 14.0), (18.0, 252.0))  # grey levels: (text, panel), the dark panel preferred


_PROBES = {"latin": "dg", "cjk": "\u751f"}
"""What the height of letters is measured on: some without accents, so that all languages get one
size."""
_CJK = 0x2E80  # where the blocks of Chinese, Japanese and Korean begin
_FINE = 4  # times: icons are drawn that much larger first


class NoRoom(ValueError):
    """The label would cover a face wherever it stood."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with its label, and what was measured on it.

    Attributes:
        box: the panel, in pixels.
        text_height: of the letters, in pixels: d and g together, or one Chinese character.
        contrast: the worst WCAG ratio of text to any pixel of its panel.
        covers_product: whether there was no place clear of the product.
    """

    pixels: Pixels
    text: str
    box: Box
    text_height: int
    contrast: float
    covers_product: bool


def draw(
    image: Pixels,
    wording: Wording,
    faces: tuple[Box, ...] = (),
    products: tuple[Box, ...] = (),
) -> Labelled:
    """Draw the label into a copy of `image`, away from `faces` and, where it can be, `products`.

    Raises:
        NoRoom: every place would cover a face.
    """
    height, width = image.shape[:2]
    letters, text_height = _letters(wording, min(height, width), width)
    box, covers_product = _find_place(letters.shape, (height, width), faces, products)
    left, top, right, bottom = box
    below = image[top:bottom, left:right].astype(np.float32)
    panel, ink, ratio = _panel(below)
    shape = _rounded(letters.shape)[..., None]
    patch = below + (panel - below) * shape
    patch += (ink - patch) * letters[..., None]
    pixels = image.copy()
    pixels[top:bottom, left:right] = np.clip(patch + 0.5, 0, 255)
    return Labelled(pixels, wording.text, box, text_height, ratio, covers_product)


def contrast(ink: float, backdrop: NDArray[np.floating | np.unsignedinteger]) -> float:
    """Return the worst WCAG ratio between grey level `ink` and the pixels (..., 3) of `backdrop`.

    Source: WCAG 2.2, definitions of contrast ratio and relative luminance.
    """
    text = float(_linear(np.float64(ink)))
    luminance = _linear(backdrop.astype(np.float32)) @ np.array(
        [0.2126, 0.7152, 0.0722], np.float32
    )
    lighter, darker = np.maximum(luminance, text), np.minimum(luminance, text)
    return float(((lighter + 0.05) / (darker + 0.05)).min())


def _linear(grey: NDArray[np.floating] | np.floating) -> NDArray[np.floating]:
    share = np.asarray(grey) / np.float32(255)
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


@lru_cache(maxsize=16)
def _font(kind: str, size: int) -> ImageFont.FreeTypeFont:
    with resources.as_file(font_file(kind)) as path:
        return ImageFont.truetype(str(path), size)


def font_file(kind: str) -> Traversable:
    """Return the font of "latin" or "cjk"."""
    if kind == "cjk":
        return resources.files("pylopdf_fonts_cjk") / "NotoSansJP-Regular.otf"
    return resources.files("font_source_sans_pro") / "files" / "SourceSansPro-Semibold.ttf"


def script_of(text: str) -> str:
    """Return which font has the letters of a text."""
    return "cjk" if any(ord(letter) >= _CJK for letter in text) else "latin"


@lru_cache(maxsize=16)
def _letters(wording: Wording, shortest: int, width: int) -> tuple[NDArray[np.float32], int]:
    """Return the coverage (h, w) in [0, 1] of icon and text with padding, and the text's height.

    Breaks at the dot where one line would not fit.
    """
    text = wording.text
    kind = script_of(text)
    least = int(np.ceil(shortest * wording.height_share))
    size = least
    while _tall(kind, text, size) < least:
        size += 1
    font = _font(kind, size)
    room = width - 2 * round(shortest * _MARGIN_SHARE)
    pad_x, pad_y, step = round(size * 0.5), round(size * 0.3), round(size * 1.15)
    mark = _drawn(icon(wording.icon), round(size * 1.05)) if wording.icon else None
    indent = pad_x + (0 if mark is None else mark.width + round(size * 0.35))
    lines = [text]
    if font.getlength(text) + indent + pad_x > room:
        lines = text.split(" \u00b7 ")
    across = int(np.ceil(max(font.getlength(line) for line in lines))) + indent + pad_x
    _, top, _, bottom = font.getbbox(text)
    canvas = Image.new("L", (across, round(bottom - top) + step * (len(lines) - 1) + 2 * pad_y))
    pen = ImageDraw.Draw(canvas)
    for row, line in enumerate(lines):
        pen.text((indent, pad_y - top + row * step), line, fill=255, font=font)
    if mark is not None:
        canvas.paste(mark, (pad_x, max(0, (canvas.height - mark.height) // 2)))
    return np.asarray(canvas, np.float32) / np.float32(255), _tall(kind, text, size)


def _tall(kind: str, text: str, size: int) -> int:
    """Return the height in pixels of the smallest letters that `text` has."""
    probes = [_PROBES[kind]]
    if kind == "cjk" and any(letter.isascii() and letter.isalpha() for letter in text):
        probes.append(_PROBES["latin"])
    boxes = [_font(kind, size).getbbox(probe) for probe in probes]
    return min(int(bottom - top) for _, top, _, bottom in boxes)


def _drawn(shown: Icon, side: int) -> Image.Image:
    """Return the coverage of an icon, (side, side) in [0, 255]."""
    scale = side * _FINE / 100
    size = (side * _FINE, side * _FINE)
    edge, corner = max(1, round(shown.stroke * scale)), shown.corner * scale
    frame = (0.0, 0.0, size[0] - 1.0, size[1] - 1.0)
    filled, whole, letters = Image.new("L", size), Image.new("L", size), Image.new("L", size)
    ImageDraw.Draw(whole).rounded_rectangle(frame, radius=corner, fill=255)
    filled.paste(whole.crop((0, 0, round(shown.filled * scale), size[1])), (0, 0))
    pen = ImageDraw.Draw(letters)
    for line in shown.strokes:
        pen.line([(x * scale, y * scale) for x, y in line], fill=255, width=edge, joint="curve")
    drawn = ImageChops.difference(filled, letters)
    ImageDraw.Draw(drawn).rounded_rectangle(frame, radius=corner, outline=255, width=edge)
    return ImageChops.darker(drawn, whole).resize((side, side), Image.Resampling.BOX)


def _find_place(
    label: tuple[int, ...],
    picture: tuple[int, int],
    faces: tuple[Box, ...],
    products: tuple[Box, ...],
) -> tuple[Box, bool]:
    """Return where the label stands and whether that is on a product: a face is never covered."""
    try:
        return _place(label, picture, faces + products), False
    except NoRoom:
        return _place(label, picture, faces), bool(products)


def _place(label: tuple[int, ...], picture: tuple[int, int], faces: tuple[Box, ...]) -> Box:
    """Return the first box clear of all faces: the corners, lowest first, then anywhere."""
    height, width = picture
    tall, wide = label
    margin = round(min(picture) * _MARGIN_SHARE)
    gap = round(min(picture) * _FACE_MARGIN_SHARE)
    last_x, last_y = width - wide - margin, height - tall - margin
    if last_x < 0 or last_y < 0:
        raise NoRoom(f"a label of {wide}x{tall} does not fit into {width}x{height}")
    rows = list(range(last_y, margin - 1, -max(1, tall // 3)))
    columns = list(range(margin, last_x + 1, max(1, tall)))
    corners = product((last_y, margin), (min(margin, last_x), last_x))
    for top, left in (*corners, *product(rows, columns)):
        box = (left, top, left + wide, top + tall)
        if not any(_touch(box, face, gap) for face in faces):
            return box
    raise NoRoom(f"no place for the label clear of {len(faces)} faces")


def _touch(a: Box, b: Box, gap: int) -> bool:
    across = a[0] < b[2] + gap and b[0] - gap < a[2]
    return across and a[1] < b[3] + gap and b[1] - gap < a[3]


def _panel(below: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, float]:
    """Return the frosted backdrop, the ink for it and their contrast; as clear as allowed."""
    frosted = cv2.GaussianBlur(below, (0, 0), max(1.0, below.shape[0] / 6))
    for strength in np.arange(0.35, 1.01, 0.05):
        for ink, paper in _INKS:
            panel = (frosted + (paper - frosted) * strength).astype(np.float32)
            if contrast(ink, panel[::8, ::8]) < CONTRAST * _HEADROOM:
                continue  # a quick look first: measuring every pixel takes a while
            ratio = contrast(ink, panel)
            if ratio >= CONTRAST * _HEADROOM:
                return panel, ink, ratio
    raise AssertionError("unreachable: at full strength the inks alone have the contrast")


@lru_cache(maxsize=16)
def _rounded(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the coverage (h, w) in [0, 1] of a rectangle with round corners."""
    tall, wide = shape
    fine = Image.new("L", (wide * 4, tall * 4))
    ImageDraw.Draw(fine).rounded_rectangle(
        (0, 0, wide * 4 - 1, tall * 4 - 1), radius=tall, fill=255
    )
    smooth = fine.resize((wide, tall), Image.Resampling.BOX)
    return np.asarray(smooth, np.float32) / np.float32(255)
