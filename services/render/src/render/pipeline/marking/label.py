"""The visible label: says, in the picture itself, that it is generated."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from render.pipeline.marking.request import Box, Pixels

WORDING = {
    "en": "AI-generated · digital twin",
    "sv": "AI-genererad · digital tvilling",
    "de": "KI-generiert · digitaler Zwilling",
    "fr": "Généré par IA · jumeau numérique",
}
"""Words per language. Another market is another row."""

HEIGHT_SHARE = 0.05
"""Least height of the drawn text, of the picture's shortest side (GB 45438-2025)."""

CONTRAST = 4.5
"""Least ratio between text and backdrop (WCAG 2.2, 1.4.3)."""

_HEADROOM = 1.1  # the watermark and JPEG come after, and may cost some contrast
_MARGIN_SHARE = 0.03
_FACE_MARGIN_SHARE = 0.02
_INKS = ((245.0, 14.0), (18.0, 252.0))  # grey levels: (text, panel), the dark panel preferred


class NoRoom(ValueError):
    """The label would cover a face wherever it stood."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with its label, and what was measured on it.

    Attributes:
        box: the panel, in pixels.
        text_height: of the letters d and g together, in pixels.
        contrast: the worst WCAG ratio of text to any pixel of its panel.
    """

    pixels: Pixels
    text: str
    box: Box
    text_height: int
    contrast: float


def draw(image: Pixels, language: str, faces: tuple[Box, ...] = ()) -> Labelled:
    """Draw the label into a copy of `image`, away from `faces`.

    Raises:
        KeyError: no wording in `language`.
        NoRoom: every place would cover a face.
    """
    text = WORDING[language]
    height, width = image.shape[:2]
    letters, text_height = _letters(text, min(height, width), width)
    box = _place(letters.shape, (height, width), faces)
    left, top, right, bottom = box
    below = image[top:bottom, left:right].astype(np.float32)
    panel, ink, ratio = _panel(below)
    shape = _rounded(letters.shape)[..., None]
    patch = below + (panel - below) * shape
    patch += (ink - patch) * letters[..., None]
    pixels = image.copy()
    pixels[top:bottom, left:right] = np.clip(patch + 0.5, 0, 255)
    return Labelled(pixels, text, box, text_height, ratio)


def contrast(ink: float, backdrop: NDArray[np.floating | np.unsignedinteger]) -> float:
    """Return the worst WCAG ratio between grey level `ink` and the pixels (..., 3) of `backdrop`.

    Source: WCAG 2.2, definitions of contrast ratio and relative luminance.
    """
    text = float(_linear(np.float64(ink)))
    luminance = _linear(backdrop.astype(np.float64)) @ np.array([0.2126, 0.7152, 0.0722])
    lighter, darker = np.maximum(luminance, text), np.minimum(luminance, text)
    return float(((lighter + 0.05) / (darker + 0.05)).min())


def _linear(grey: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    share = np.asarray(grey) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    folder = resources.files("font_source_sans_pro") / "files"
    with resources.as_file(folder / "SourceSansPro-Semibold.ttf") as path:
        return ImageFont.truetype(str(path), size)


def _letters(text: str, shortest: int, width: int) -> tuple[NDArray[np.float32], int]:
    """Return the text's coverage (h, w) in [0, 1] with padding, and its height in pixels.

    Breaks at the dot where one line would not fit.
    """
    least = int(np.ceil(shortest * HEIGHT_SHARE))
    size = least
    while _tall(_font(size)) < least:
        size += 1
    font = _font(size)
    room = width - 2 * round(shortest * _MARGIN_SHARE)
    pad_x, pad_y = round(size * 0.5), round(size * 0.3)
    lines = [text]
    if font.getlength(text) + 2 * pad_x > room:
        lines = text.split(" · ")
    step = round(size * 1.15)
    across = int(np.ceil(max(font.getlength(line) for line in lines))) + 2 * pad_x
    _, top, _, bottom = font.getbbox(text)
    canvas = Image.new("L", (across, round(bottom - top) + step * (len(lines) - 1) + 2 * pad_y))
    pen = ImageDraw.Draw(canvas)
    for row, line in enumerate(lines):
        pen.text((pad_x, pad_y - top + row * step), line, fill=255, font=font)
    return np.asarray(canvas, np.float32) / np.float32(255), _tall(font)


def _tall(font: ImageFont.FreeTypeFont) -> int:
    """Return the height of letters without accents, so that all languages get one size."""
    _, top, _, bottom = font.getbbox("dg")
    return int(bottom - top)


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


def _rounded(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the coverage (h, w) in [0, 1] of a rectangle with round corners."""
    tall, wide = shape
    fine = Image.new("L", (wide * 4, tall * 4))
    ImageDraw.Draw(fine).rounded_rectangle(
        (0, 0, wide * 4 - 1, tall * 4 - 1), radius=tall, fill=255
    )
    smooth = fine.resize((wide, tall), Image.Resampling.BOX)
    return np.asarray(smooth, np.float32) / np.float32(255)
