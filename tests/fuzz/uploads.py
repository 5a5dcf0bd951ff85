"""Files that nobody would send in good faith, and what reading one may end with.

Seeds are whole pictures of every kind that is taken, signed ones among them. A mutation changes
bytes, lengths and the order of segments and chunks; checksums of PNG are made right again, or
nothing behind them would ever be reached.
"""

import asyncio
import random
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from kit.errors import DomainError
from PIL import Image, ImageCms, PngImagePlugin
from render.domain.verdicts import find_cropped, verdict
from render.examining import Examiner
from render.pipeline.marking.authority import make_credentials
from render.pipeline.marking.examine import Reader
from render.pipeline.marking.fingerprint import KeyedFingerprint
from render.pipeline.marking.mark import Keys, Marker
from render.pipeline.marking.request import Credit, MarkRequest, Party, System
from render.pipeline.marking.watermark import SpreadSpectrum

KEY = b"a key that only the fuzzer knows"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
WORDS = (
    b"\xff\xd8",
    b"\xff\xd9",
    b"\xff\xe1",
    b"\xff\xeb",
    b"<x:xmpmeta",
    b"Exif\0\0",
    b"]]>",
    b"&a;",
)
STRANGE = b'<?xml version="1.0" encoding="no-such"?>'


class Uploads:
    """The way a stranger's file takes, from its bytes to a verdict."""

    def __init__(self, folder: Path) -> None:
        self._signing = make_credentials(
            folder / "keys", organization="Fuzz", now=datetime.now(UTC)
        )
        codec, keyed = SpreadSpectrum(KEY), KeyedFingerprint(KEY)
        self._examiner = Examiner(Reader((codec,), keyed, self._signing.anchors), None)
        marker = Marker(Keys(codec, keyed, self._signing), System("Sosia", "1"))
        self._marked = marker.mark(picture(1), _request())
        self.seeds = [self._marked.data, *others()]

    def check(self, content: bytes) -> str:
        """Read a file as the service does; whatever escapes but a domain error is a finding.

        Returns the reason of the refusal, or the verdict.
        """
        return asyncio.run(self._check(content))

    async def _check(self, content: bytes) -> str:
        try:
            layers = await self._examiner.look(content)
        except DomainError as error:
            return error.reason
        find_cropped(layers, [])
        await self._examiner.is_part(content, self._marked.outline)
        return str(verdict(layers, []).outcome)


def picture(seed: int, side: int = 256) -> Any:
    """Return a soft scene with shapes, (side, side, 3) uint8."""
    chance = np.random.default_rng(seed)
    scene = cv2.resize(chance.uniform(40, 230, (2, 2, 3)).astype(np.float32), (side, side))
    for _ in range(12):
        x, y, across, up = (int(n) for n in chance.integers(side // 12, side, 4))
        colour = tuple(float(c) for c in chance.uniform(0, 255, 3))
        cv2.ellipse(scene, ((x, y), (across // 2, up // 2), float(x)), colour, -1, cv2.LINE_AA)
    return np.clip(scene + chance.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)


@cache
def others() -> tuple[bytes, ...]:
    """Return small files of every kind that is taken, with all that may be in them."""
    image = Image.fromarray(picture(2, 64))
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010E: "words", 0x9286: b"ASCII\0\0\0words"})
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp(3).decode(), zip=True)
    text.add_text("a", "b", zip=True)
    info: dict[str, Any] = {"exif": exif, "icc_profile": profile}
    second = Image.fromarray(picture(3, 64))
    transparent = image.convert("RGBA")
    transparent.putalpha(90)
    return tuple(
        _saved(one, kind, **options)
        for one, kind, options in (
            (image, "JPEG", info | {"xmp": STRANGE + xmp(3), "comment": b"words"}),
            (image, "JPEG", info | {"progressive": True, "xmp": xmp(2_000)}),
            (image.convert("CMYK"), "JPEG", {}),
            (image.convert("L"), "JPEG", {"restart_marker_blocks": 2}),
            (image, "MPO", {"save_all": True, "append_images": [second], "exif": exif}),
            (image, "PNG", info | {"pnginfo": text}),
            (image.quantize(16), "PNG", {"transparency": 3}),
            (image.convert("I;16"), "PNG", {}),
            (image.convert("1"), "PNG", {}),
            (transparent, "PNG", {"save_all": True, "append_images": [second], "duration": 9}),
            (image, "WEBP", info | {"xmp": xmp(3)}),
            (transparent, "WEBP", {"lossless": True}),
            (image, "WEBP", {"save_all": True, "append_images": [second], "duration": 9}),
        )
    )


def xmp(deep: int) -> bytes:
    """Return an XMP packet whose properties lie that deep in one another."""
    inner = b"<dc:title>" * deep + b"words" + b"</dc:title>" * deep
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
        + inner
        + b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def mutate(content: bytes, chance: random.Random, seeds: list[bytes]) -> bytes:
    """Change a file in one to six places."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        if not changed:
            break
        changed = chance.choice(_WAYS)(changed, chance, seeds)
    if changed[:8] == b"\x89PNG\r\n\x1a\n" and chance.random() < 0.9:
        return mend_png(bytes(changed))
    return bytes(changed)


def mend_png(content: bytes) -> bytes:
    """Return a PNG whose chunks have the checksums of what is in them, as far as can be read."""
    out, at = bytearray(content[:8]), 8
    while at + 12 <= len(content):
        (size,) = struct.unpack_from(">I", content, at)
        body = content[at + 4 : at + 8 + size]
        out += struct.pack(">I", size) + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + size
    return bytes(out) + content[at:]


def _flip(data: bytearray, chance: random.Random, _: list[bytes]) -> bytearray:
    data[_place(data, chance)] ^= 1 << chance.randrange(8)
    return data


def _set(data: bytearray, chance: random.Random, _: list[bytes]) -> bytearray:
    data[_place(data, chance)] = chance.choice(INTERESTING)
    return data


def _number(data: bytearray, chance: random.Random, _: list[bytes]) -> bytearray:
    """Write a number where a length, a size or an offset may stand."""
    at, wide = _place(data, chance), chance.choice((2, 4, 8))
    value = chance.choice((0, 1, (1 << 8 * wide - 1) - 1, (1 << 8 * wide) - 1, 1 << 15, len(data)))
    order: Any = chance.choice(("big", "little"))
    data[at : at + wide] = (value % (1 << 8 * wide)).to_bytes(wide, order)
    return data


def _drop(data: bytearray, chance: random.Random, _: list[bytes]) -> bytearray:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 2, 4, 64, len(data) // 8))]
    return data


def _repeat(data: bytearray, chance: random.Random, _: list[bytes]) -> bytearray:
    at, wide = _place(data, chance), chance.choice((2, 12, 64, 1024))
    data[at:at] = data[at : at + wide] * chance.choice((1, 1, 1, 40))
    return data


def _splice(data: bytearray, chance: random.Random, seeds: list[bytes]) -> bytearray:
    other = chance.choice(seeds)
    begin = chance.randrange(len(other))
    data[_place(data, chance) :] = other[begin:]
    return data


def _word(data: bytearray, chance: random.Random, _: list[bytes]) -> bytearray:
    at = _place(data, chance)
    data[at:at] = chance.choice(WORDS)
    return data


def _cut(data: bytearray, chance: random.Random, _: list[bytes]) -> bytearray:
    del data[_place(data, chance) :]
    return data


def _place(data: bytearray, chance: random.Random) -> int:
    """Return a place, half of the time among the first bytes, where the structure is."""
    return chance.randrange(min(len(data), chance.choice((64, 1024, len(data), len(data)))))


_WAYS: tuple[Callable[[bytearray, random.Random, list[bytes]], bytearray], ...] = (
    *(_flip, _set, _number, _number, _drop, _repeat, _splice, _word, _cut),
)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _request() -> MarkRequest:
    party = Party("p", "Party")
    return MarkRequest(
        asset_number=7,
        render_id="ren_7",
        license_id="lic_7",
        twin_version_id="twn_7",
        consent_receipt_id="rcp_7",
        title="Title",
        credits=(Credit("A", "photographer"),),
        licensor=party,
        licensee=party,
        supplier=party,
        created_at=NOW,
        license_starts_at=NOW,
        license_ends_at=NOW + timedelta(days=9),
    )
