"""A contact sheet of a campaign, to hang on a wall: pictures first, few words."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from PIL import Image, ImageDraw, ImageFont

_SIDE, _GAP, _EDGE, _HEAD, _FOOT = 512, 24, 72, 150, 74
_INK, _GREY, _PAPER = (24, 22, 20), (128, 122, 116), (250, 249, 247)


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and the two lines under it."""

    picture: bytes
    line: str
    note: str


def contact_sheet(title: str, subtitle: str, frames: Sequence[Frame], *, columns: int = 4) -> bytes:
    """Return a PNG with the pictures in rows, as large as they are to be seen."""
    rows = -(-len(frames) // columns)
    width = 2 * _EDGE + columns * _SIDE + (columns - 1) * _GAP
    height = _HEAD + rows * (_SIDE + _FOOT) + _EDGE
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_EDGE, 48), title, fill=_INK, font=_font("Light", 46))
    pen.text((_EDGE, 106), subtitle, fill=_GREY, font=_font("Regular", 21))
    for place, frame in enumerate(frames):
        left = _EDGE + place % columns * (_SIDE + _GAP)
        top = _HEAD + place // columns * (_SIDE + _FOOT)
        picture = Image.open(io.BytesIO(frame.picture)).convert("RGB")
        sheet.paste(picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (left, top))
        below = top + _SIDE + 12
        pen.text((left, below), frame.line, fill=_INK, font=_font("Semibold", 20))
        pen.text((left, below + 26), frame.note, fill=_GREY, font=_font("Regular", 18))
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    folder = resources.files("font_source_sans_pro") / "files"
    with resources.as_file(folder / f"SourceSansPro-{weight}.ttf") as path:
        return ImageFont.truetype(str(path), size)
