"""One pass over a finished picture: every layer, in the order that keeps them all true."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from time import perf_counter
from typing import Protocol

import cv2
import numpy as np
from PIL import Image

from render.domain.bindings import Manifest
from render.domain.verdicts import Rights
from render.pipeline.marking import copies, credentials, label, metadata
from render.pipeline.marking.authority import SigningCredentials
from render.pipeline.marking.codec import CLEAR, ENOUGH, LOUD, Codec
from render.pipeline.marking.fingerprint import NAME as FINGERPRINT
from render.pipeline.marking.fingerprint import KeyedFingerprint, fingerprint
from render.pipeline.marking.outline import outline
from render.pipeline.marking.request import Box, MarkRequest, Pixels, System

_QUALITY = 95
_COPIES = (copies.saved, copies.shown)


class WatermarkLost(ValueError):
    """The picture cannot hold the watermark: it does not read back from the encoded file."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A picture that may leave, and what the registry must remember of it.

    Attributes:
        data: the JPEG exactly as it was signed; any change breaks the credentials.
        manifest: the credentials in it, for whoever loses them.
        sha256: of `data`, in hexadecimal.
        fingerprint: of the pixels `data` decodes to, as are `keyed_fingerprint` and `outline`.
        size: (width, height) in pixels.
        label_box: where the visible label stands.
        seconds: wall time of each step.
    """

    data: bytes
    manifest: Manifest
    sha256: str
    fingerprint: bytes
    keyed_fingerprint: bytes
    outline: bytes
    watermark: int
    rights: Rights
    size: tuple[int, int]
    label_box: Box
    seconds: dict[str, float]


class Signing(Protocol):
    """Signing credentials, kept valid."""

    def current(self) -> SigningCredentials:
        """Return what signs now."""
        ...


@dataclass(frozen=True, slots=True)
class Keys:
    """What pictures are marked with.

    Attributes:
        signing: asked anew for every picture, for certificates are renewed.
        stamps_url: of the time-stamp authority; without one there are no time stamps.
    """

    codec: Codec
    keyed: KeyedFingerprint
    signing: Signing
    stamps_url: str = ""


class Marker:
    """Marks pictures with one watermark codec and one signing identity."""

    def __init__(self, keys: Keys, system: System) -> None:
        self._codec = keys.codec
        self._keyed = keys.keyed
        self._signing = keys.signing
        self._stamps_url = keys.stamps_url
        self._system = system

    def mark(self, pixels: Pixels, request: MarkRequest, parent: bytes = b"") -> Marked:
        """Label, watermark, encode with metadata, fingerprint, sign, and hash what leaves.

        The label comes first so that every later layer covers it; the signature last, so that
        it covers all. The watermark is read back from the encoded file before it is signed;
        where it is lost, the picture is marked again, louder.

        Args:
            pixels: the finished picture at its delivery size.
            request: the facts to state; they must be in the registry before the picture leaves.
            parent: the marked JPEG of the whole picture, where `pixels` are a part of it.

        Raises:
            NoRoom: the label would cover a face wherever it stood.
            WatermarkLost: the picture does not hold the number: too small, too loud.
        """
        clock = Clock()
        with clock.step("label"):
            labelled = label.draw(pixels, request.wording, request.faces, request.products)
        jpeg, seen = self._hold(labelled.pixels, request, clock)
        with clock.step("fingerprint"):
            looks, keyed = fingerprint(seen), self._keyed.of(seen)
        with clock.step("credentials"):
            claim = replace(self._claim(request, looks), parent=parent)
            signed = credentials.sign(jpeg, claim, self._signing.current(), self._stamps_url)
            manifest = Manifest(credentials.label_of(signed), signed.manifest)
        return Marked(
            data=signed.data,
            manifest=manifest,
            sha256=hashlib.sha256(signed.data).hexdigest(),
            fingerprint=looks,
            keyed_fingerprint=keyed,
            outline=outline(seen),
            watermark=request.asset_number,
            rights=claim.rights(),
            size=(pixels.shape[1], pixels.shape[0]),
            label_box=labelled.box,
            seconds=clock.seconds,
        )

    def _hold(self, pixels: Pixels, request: MarkRequest, clock: Clock) -> tuple[bytes, Pixels]:
        """Return the file that holds the number, marked as gently as goes, and its pixels.

        A copy as the web makes them shall tell it too, if one of the attempts can.

        Raises:
            WatermarkLost: the codec has no room for the number, or no attempt of it reads back.
        """
        room = self._codec.payload_bits
        if request.asset_number.bit_length() > room:
            raise WatermarkLost(
                f"asset number {request.asset_number} needs {request.asset_number.bit_length()} "
                f"bits, {self._codec.name} carries {room}"
            )
        xmp = metadata.packet(request, self._system)
        held = hold(self._codec, pixels, request.asset_number, clock, xmp=xmp)
        if held is None:
            raise WatermarkLost(f"render {request.render_id} does not hold its watermark")
        return held.jpeg, held.seen

    def _claim(self, request: MarkRequest, looks: bytes) -> credentials.Claim:
        return credentials.Claim(
            asset_number=request.asset_number,
            render_id=request.render_id,
            license_id=request.license_id,
            twin_version_id=request.twin_version_id,
            consent_receipt_id=request.consent_receipt_id,
            credits=request.credits,
            person=request.licensor.name,
            title=request.title,
            created_at=request.created_at,
            system=self._system,
            watermark=self._codec.name,
            watermark_value=self._codec.value(request.asset_number),
            fingerprint_name=FINGERPRINT,
            fingerprint=looks,
            sources=request.sources,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """A picture with a number, as it was written and as its file shows it."""

    marked: Pixels
    jpeg: bytes
    seen: Pixels


def hold(
    codec: Codec, pixels: Pixels, number: int, clock: Clock, *, xmp: bytes = b""
) -> Held | None:
    """Return the file that holds a number, marked as gently as goes; None where none does.

    A copy as the web makes them shall tell it clearly. Where none of the faithful attempts does,
    the clearest of them will do if it is clear enough, else a picture that is less faithful.
    """
    attempts, best, clear = codec.attempts(pixels, number), None, 0.0
    while True:
        with clock.step("watermark"):
            attempt = next(attempts, None)
        if attempt is None or (clear >= ENOUGH and not attempt.is_faithful):
            return best
        with clock.step("encode"):
            jpeg = _encode(attempt.picture, xmp)
        with clock.step("read_back"):
            seen = decode(jpeg)
            shown = seen if codec.in_colour else _luma(seen)
            if codec.read_whole(shown) != number:
                continue
            told = min(codec.told(copy(shown), number) for copy in _COPIES)
        if best is None or told > clear:
            best, clear = Held(attempt.picture, jpeg, seen), told
        if told >= (CLEAR if attempt.is_faithful else LOUD):
            return best


class Clock:
    """Notes how long each step took, in all where it is done again."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the wall time of what is done within to the step."""
        started = perf_counter()
        yield
        taken = perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + taken


def _encode(pixels: Pixels, xmp: bytes) -> bytes:
    out = BytesIO()
    picture = Image.fromarray(pixels)
    # Codes made for the file (`optimize`) would save 3 % of it and take longer than all the rest.
    picture.save(out, "JPEG", quality=_QUALITY, subsampling=0, xmp=xmp)
    return out.getvalue()


def _luma(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def decode(jpeg: bytes) -> Pixels:
    """Return the pixels of a JPEG of our own making."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
