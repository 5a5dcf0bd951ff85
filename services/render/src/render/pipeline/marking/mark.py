"""One pass over a finished picture: every layer, in the order that keeps them all true."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count
from time import perf_counter
from typing import Protocol

import numpy as np
from PIL import Image

from render.domain.bindings import Manifest
from render.domain.verdicts import Rights
from render.pipeline.marking import credentials, label, metadata
from render.pipeline.marking.authority import SigningCredentials
from render.pipeline.marking.fingerprint import NAME as FINGERPRINT
from render.pipeline.marking.fingerprint import KeyedFingerprint, fingerprint
from render.pipeline.marking.outline import outline
from render.pipeline.marking.request import Box, MarkRequest, Pixels, System
from render.pipeline.marking.watermark import Codec

_QUALITY = 95
_COPIED = 40  # quality of a copy that the number shall survive
_PATIENCE = 4  # attempts after the first that are made for a copy's sake; they keep to SSIM


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
        clock = _Clock()
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

    def _hold(self, pixels: Pixels, request: MarkRequest, clock: "_Clock") -> tuple[bytes, Pixels]:
        """Return the file that holds the number, marked as gently as goes, and its pixels.

        It must hold in a copy as the web makes them too, if one of the first attempts can.

        Raises:
            WatermarkLost: no attempt of the codec reads back.
        """
        xmp = metadata.packet(request, self._system)
        attempts = self._codec.attempts(pixels, request.asset_number)
        found = None
        for number in count():
            with clock.step("watermark"):
                marked = next(attempts, None)
            if marked is None or (found and number > _PATIENCE):
                break
            with clock.step("encode"):
                jpeg = _encode(marked, xmp)
            with clock.step("read_back"):
                seen = decode(jpeg)
                if self._codec.read(seen) != request.asset_number:
                    continue
                found = found or (jpeg, seen)
                if self._codec.read(decode(_copy(seen))) == request.asset_number:
                    return jpeg, seen
        if found is None:
            raise WatermarkLost(f"render {request.render_id} does not hold its watermark")
        return found

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


class _Clock:
    """Notes how long each step took, in all where it is done again."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = perf_counter()
        yield
        taken = perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + taken


def _encode(pixels: Pixels, xmp: bytes) -> bytes:
    out = BytesIO()
    picture = Image.fromarray(pixels)
    picture.save(out, "JPEG", quality=_QUALITY, subsampling=0, optimize=True, xmp=xmp)
    return out.getvalue()


def _copy(pixels: Pixels) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_COPIED)
    return out.getvalue()


def decode(jpeg: bytes) -> Pixels:
    """Return the pixels of a JPEG of our own making."""
    with Image.open(BytesIO(jpeg), formats=("JPEG",)) as picture:
        return np.asarray(picture.convert("RGB"))
