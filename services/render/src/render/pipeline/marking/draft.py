"""The reviewers' preview: small enough and marked enough to be of no other use."""

from importlib import resources
from io import BytesIO
from math import hypot

from PIL import Image, ImageDraw, ImageFont

_LONGEST = 640
_SHARE = 0.5  # of the delivery size at most, whatever that is
_WORD = "DRAFT"
_QUALITY = 80
_VEIL = 92  # of 255


def draft(jpeg: bytes) -> bytes:
    """Return a reduced copy of a picture with DRAFT across it, as a JPEG without metadata."""
    with Image.open(BytesIO(jpeg), formats=("JPEG", "PNG")) as picture:
        whole = picture.convert("RGB")
    factor = min(_SHARE, _LONGEST / max(whole.size))
    size = (max(1, round(whole.width * factor)), max(1, round(whole.height * factor)))
    small = whole.resize(size, Image.Resampling.LANCZOS)
    edge, fill = _word(size)
    small.paste((0, 0, 0), (0, 0), edge)
    small.paste((255, 255, 255), (0, 0), fill)
    out = BytesIO()
    small.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _word(size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """Return two masks: the word's edge, for bright places, and its face, for dark ones."""
    width, height = size
    diagonal = hypot(width, height)
    path = resources.files("font_source_sans_pro") / "files" / "SourceSansPro-Bold.ttf"
    with resources.as_file(path) as file:
        probe = ImageFont.truetype(str(file), 100)
        font = ImageFont.truetype(str(file), round(diagonal * 0.66 / probe.getlength(_WORD) * 100))
    masks = []
    for stroke, veil in ((max(1, font.size // 50), _VEIL // 2), (0, _VEIL)):
        mask = Image.new("L", size)
        pen = ImageDraw.Draw(mask)
        middle = (width / 2, height / 2)
        pen.text(middle, _WORD, fill=veil, font=font, anchor="mm", stroke_width=stroke)
        masks.append(mask.rotate(30, Image.Resampling.BICUBIC))
    return masks[0], masks[1]
