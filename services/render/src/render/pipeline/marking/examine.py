"""Read every layer of a picture from the wild; the registry then judges them together."""

import hashlib
from collections.abc import Set
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from render.domain.verdicts import Layers
from render.pipeline.marking import credentials
from render.pipeline.marking.fingerprint import fingerprint
from render.pipeline.marking.metadata import Metadata, is_contradictory, named_render, read_metadata
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.watermark import Codec

_FORMATS = ("JPEG", "PNG", "WEBP")
_MOST_PIXELS = 50_000_000


class Unreadable(ValueError):
    """The file is no picture that can be decoded safely."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: the layers a verdict weighs, and the metadata a page may show."""

    layers: Layers
    metadata: Metadata


def examine(data: bytes, codec: Codec, anchors: bytes, revoked: Set[int] = frozenset()) -> Examined:
    """Read all layers of the file `data`; decides nothing.

    Args:
        data: an uploaded file, of any origin.
        codec: with the key our pictures were marked with.
        anchors: PEM of the roots whose signatures count as trusted.
        revoked: serial numbers of certificates that no longer count.

    Raises:
        Unreadable: the file is no picture that can be decoded safely.
    """
    pixels = _pixels(data)
    said = read_metadata(data)
    layers = Layers(
        credentials=credentials.read(data, anchors, revoked),
        watermark=codec.read(pixels),
        fingerprint=fingerprint(pixels),
        sha256=hashlib.sha256(data).hexdigest(),
        named_render=named_render(said),
        metadata_contradicts=is_contradictory(said),
    )
    return Examined(layers, said)


def _pixels(data: bytes) -> Pixels:
    """Decode a stranger's picture, upright, its size checked before its pixels are read."""
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise Unreadable(f"{picture.width}x{picture.height} is more than can be examined")
            upright = ImageOps.exif_transpose(picture)
            return np.asarray(upright.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable(str(error)) from error
