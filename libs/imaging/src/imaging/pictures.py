"""Pictures from outside: decoded within limits, measured, and written without metadata."""

import io
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

Rgb = NDArray[np.uint8]
"""(H, W, 3) uint8, sRGB."""

FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What to do with a picture of each orientation (EXIF 3.0, tag 0x0112)."""
_HASH_SIDE = 16
_HASH_CELLS = 64
_LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
_BLACK, _WHITE = 8, 250
"""Of 255: at and beyond these a camera tells no difference any more."""


class UnreadablePicture(ValueError):
    """The bytes are not a whole picture in a format we take."""


class PictureTooLarge(ValueError):
    """The picture has more pixels than are decoded."""


def decode(data: bytes, *, max_pixels: int) -> Rgb:
    """Decode a JPEG, PNG or WebP upright and in sRGB.

    The size is read and checked before a pixel is decoded. Of an animation the first picture
    counts; what is transparent lies on white.

    Raises:
        UnreadablePicture: another format, cut short, or broken.
        PictureTooLarge: more than `max_pixels`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata is dropped anyway
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > max_pixels:
                    raise PictureTooLarge(f"{picture.width} x {picture.height} pixels")
                picture.load()
                return _upright_rgb(picture)
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(str(error)) from error
    except (OSError, ValueError, SyntaxError, EOFError, UnidentifiedImageError) as error:
        if isinstance(error, PictureTooLarge):
            raise
        raise UnreadablePicture(f"not a whole JPEG, PNG or WebP: {error}") from error


def turn_upright(picture: Image.Image) -> Image.Image:
    """Return a picture as its EXIF says it is to be seen; EXIF nobody can read says nothing.

    Pillow's own `exif_transpose` also writes the EXIF anew, and fails where that is broken.
    """
    try:
        orientation = picture.getexif().get(_ORIENTATION)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, EOFError, struct.error):
        return picture
    way = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if way is None else picture.transpose(way)


def _upright_rgb(picture: Image.Image) -> Rgb:
    upright = turn_upright(picture)
    profile = picture.info.get("icc_profile")
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        upright = Image.alpha_composite(white, layer)
    rgb = upright.convert("RGB")
    if profile and upright.mode in ("RGB", "RGBA"):
        rgb = _to_srgb(rgb, profile)
    return np.ascontiguousarray(np.asarray(rgb, dtype=np.uint8))


def _to_srgb(rgb: Image.Image, profile: bytes) -> Image.Image:
    """Convert from the embedded profile; a profile nobody can read counts as sRGB."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(rgb, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return rgb
    return converted or rgb


def encode_jpeg(rgb: Rgb, *, quality: int = 95) -> bytes:
    """Encode as a JPEG that carries no metadata of any kind."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=quality, subsampling=0, optimize=True)
    return out.getvalue()


def encode_png(rgb: Rgb) -> bytes:
    """Encode without loss and without metadata."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG", optimize=True)
    return out.getvalue()


def square(rgb: Rgb, side: int, *, whole: bool = False) -> Rgb:
    """Return the largest square in the middle, `side` pixels; with `whole`, all of the picture.

    What a whole picture lacks to a square is filled with its outermost pixels, so that nobody
    loses head or feet.
    """
    height, width = rgb.shape[:2]
    edge = max(height, width) if whole else min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    if whole:
        borders = (-top, edge - height + top, -left, edge - width + left)
        cut = cv2.copyMakeBorder(rgb, *borders, cv2.BORDER_REPLICATE)
    else:
        cut = rgb[top : top + edge, left : left + edge]
    way = cv2.INTER_AREA if edge > side else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(cut, (side, side), interpolation=way), dtype=np.uint8)


def contact_sheet(rows: Sequence[Rgb], *, columns: int, gap: int = 8) -> Rgb:
    """Lay pictures of one size out in rows on white, `gap` pixels apart.

    Raises:
        ValueError: no picture, or pictures of different sizes.
    """
    if not rows or any(picture.shape != rows[0].shape for picture in rows):
        raise ValueError("a contact sheet takes one or more pictures of one size")
    height, width = rows[0].shape[:2]
    lines = -(-len(rows) // columns)
    size = (lines * (height + gap) + gap, columns * (width + gap) + gap, 3)
    sheet = np.full(size, 255, dtype=np.uint8)
    for place, picture in enumerate(rows):
        top = gap + place // columns * (height + gap)
        left = gap + place % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def shrink(rgb: Rgb, *, longest: int) -> Rgb:
    """Scale down so that the longer side is at most `longest` pixels."""
    height, width = rgb.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def sharpness(rgb: Rgb, *, longest: int = 640) -> float:
    """Measure how much fine detail there is: variance of the Laplacian of the grey picture.

    Taken at `longest` pixels at most, so that pictures of any size compare.
    """
    grey = cv2.cvtColor(shrink(rgb, longest=longest), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


@dataclass(frozen=True, slots=True)
class Exposure:
    """Mean luminance, and the shares of pixels that are black or white to a camera, 0 to 1."""

    luminance: float
    shadows: float
    highlights: float


def exposure(rgb: Rgb) -> Exposure:
    """Measure how light `rgb` is, on its sRGB values as they are."""
    luma = rgb.astype(np.float32) @ np.asarray(_LUMA, dtype=np.float32)  # (H, W), 0 to 255
    return Exposure(
        float(luma.mean()) / 255, float((luma <= _BLACK).mean()), float((luma >= _WHITE).mean())
    )


def perceptual_hash(rgb: Rgb) -> bytes:
    """Return 32 bytes that barely change when a picture is re-encoded or resized.

    Each of 256 bits says whether one of the lowest 16 x 16 frequencies of the grey picture
    is above their median. Measured on 320 photos of eight talents: at most 4 bits change by
    JPEG 50, half size, double size or brightness; two shots of one person differ in 30 or
    more.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (_HASH_CELLS, _HASH_CELLS), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(cells.astype(np.float32))[1 : _HASH_SIDE + 1, 1 : _HASH_SIDE + 1]
    return np.packbits(waves > np.median(waves)).tobytes()


def hash_distance(one: bytes, other: bytes) -> int:
    """Count the bits in which two hashes of the same length differ.

    Raises:
        ValueError: their lengths differ.
    """
    if len(one) != len(other):
        raise ValueError(f"hashes of {len(one)} and {len(other)} bytes do not compare")
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
