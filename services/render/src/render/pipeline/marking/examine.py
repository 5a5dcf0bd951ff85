"""Read every layer of a picture from the wild; the registry then judges them together."""

import hashlib
from collections.abc import Sequence, Set
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from imaging import pictures
from PIL import Image

from render.domain.verdicts import Layers
from render.pipeline.marking import credentials
from render.pipeline.marking.codec import Codec, read_first
from render.pipeline.marking.fingerprint import KeyedFingerprint, fingerprint
from render.pipeline.marking.metadata import Metadata, is_contradictory, named_render, read_metadata
from render.pipeline.marking.request import Pixels

_FORMATS = ("JPEG", "PNG", "WEBP")
_MOST_PIXELS = 50_000_000


class Unreadable(ValueError):
    """The file is no picture that can be decoded safely."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What layers are read with.

    Attributes:
        codecs: all that are switched on, the one with the strongest check first.
        anchors: PEM of the roots whose signatures count as trusted.
    """

    codecs: Sequence[Codec]
    keyed: KeyedFingerprint
    anchors: bytes


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: the layers a verdict weighs, and the metadata a page may show."""

    layers: Layers
    metadata: Metadata


def examine(data: bytes, reader: Reader, revoked: Set[int] = frozenset()) -> Examined:
    """Read all layers of the file `data`; decides nothing.

    Args:
        data: an uploaded file, of any origin.
        reader: with the keys our pictures were marked with.
        revoked: serial numbers of certificates that no longer count.

    Raises:
        Unreadable: the file is no picture that can be decoded safely.
    """
    pixels = decode(data)
    said = read_metadata(data)
    found = read_first(reader.codecs, pixels)
    layers = Layers(
        credentials=credentials.read(data, reader.anchors, revoked),
        watermark=found.number if found else None,
        watermark_by=found.codec if found else "",
        fingerprint=fingerprint(pixels),
        keyed_fingerprint=reader.keyed.of(pixels),
        sha256=hashlib.sha256(data).hexdigest(),
        named_render=named_render(said),
        metadata_contradicts=is_contradictory(said),
    )
    return Examined(layers, said)


def decode(data: bytes) -> Pixels:
    """Decode a stranger's picture, upright, its size checked before its pixels are read.

    Raises:
        Unreadable: it is no picture that can be decoded safely.
    """
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise Unreadable(f"{picture.width}x{picture.height} is more than can be examined")
            return np.asarray(pictures.turn_upright(picture).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable(str(error)) from error
