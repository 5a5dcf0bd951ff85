"""Our codec and its peers behind one face, each with a number of the bits it has room for."""

import importlib
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from render.pipeline.marking.mark import Clock, hold
from render.pipeline.marking.rivagan import RivaGan
from render.pipeline.marking.watermark import SpreadSpectrum

from marks.pictures import Pixels

KEY = b"a key that only the benchmark knows"
_BITS = 32


class Subject(Protocol):
    """Something that marks and reads."""

    name: str
    bits: int
    """How many the number has."""
    checks: bool
    """Whether it says None for a picture without a mark."""

    def embed(self, picture: Pixels, number: int) -> Pixels:
        """Return the picture with the number."""
        ...

    def read(self, picture: Pixels) -> int | None:
        """Return the number; one without check bits always returns some."""
        ...


class Product:
    """One of the product's codecs under a key of the benchmark's own."""

    checks = True

    def __init__(self, codec: SpreadSpectrum | RivaGan, name: str) -> None:
        self._codec = codec
        self.bits = codec.payload_bits
        self.name = f"{name} ({codec.name})"

    def embed(self, picture: Pixels, number: int) -> Pixels:
        """Return the picture with the number, as loud as the product makes it for it to hold."""
        held = hold(self._codec, picture, number, Clock())
        return self._codec.embed(picture, number) if held is None else held.marked

    def read(self, picture: Pixels) -> int | None:
        """Return the number or None."""
        return self._codec.read(picture)


def ours() -> Product:
    """Return the codec that the product uses unless told otherwise."""
    return Product(SpreadSpectrum(KEY), "ours")


def _rivagan() -> Product:
    """Return RivaGAN as the product's adapter has it, its networks out of the package."""
    spec = find_spec("imwatermark")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("no package imwatermark")
    return Product(RivaGan(KEY, Path(spec.submodule_search_locations[0])), "RivaGAN")


class InvisibleWatermark:
    """dwtDctSvd of invisible-watermark: 32 bare bits, BGR."""

    bits = _BITS
    checks = False

    def __init__(self, package: Any, method: str) -> None:
        self._encoder, self._method = package.WatermarkEncoder(), method
        self._decoder = package.WatermarkDecoder("bits", _BITS)
        self.name = f"{method} (invisible-watermark {version('invisible-watermark')})"

    def embed(self, picture: Pixels, number: int) -> Pixels:
        """Return the picture with the number."""
        self._encoder.set_watermark("bits", _bits(number))
        return _swapped(self._encoder.encode(_swapped(picture), self._method))

    def read(self, picture: Pixels) -> int | None:
        """Return what the bits say."""
        if picture.shape[0] * picture.shape[1] < 256 * 256:
            return None  # it raises
        return _number(self._decoder.decode(_swapped(picture), self._method))


class BlindWatermark:
    """blind-watermark: 32 bare bits, BGR."""

    bits = _BITS
    checks = False

    def __init__(self, package: Any) -> None:
        package.bw_notes.close()
        self._make: Callable[[], Any] = lambda: package.WaterMark(password_img=1, password_wm=1)
        self.name = f"blind-watermark {version('blind-watermark')}"

    def embed(self, picture: Pixels, number: int) -> Pixels:
        """Return the picture with the number."""
        mark = self._make()
        mark.read_img(img=_swapped(picture))
        mark.read_wm([bit == 1 for bit in _bits(number)], mode="bit")
        return _swapped(np.clip(mark.embed() + 0.5, 0, 255).astype(np.uint8))

    def read(self, picture: Pixels) -> int | None:
        """Return what the bits say."""
        bits = self._make().extract(embed_img=_swapped(picture), wm_shape=_BITS, mode="bit")
        return _number(np.asarray(bits) > 0.5)


def peers(packages: Path) -> tuple[list[Subject], list[str]]:
    """Return the peers that can be imported from `packages`, and what is absent and why."""
    sys.path.append(str(packages))
    makers: dict[str, Callable[[], Subject]] = {
        "dwtDctSvd": lambda: InvisibleWatermark(
            importlib.import_module("imwatermark"), "dwtDctSvd"
        ),
        "RivaGAN": _rivagan,
        "blind-watermark": lambda: BlindWatermark(importlib.import_module("blind_watermark")),
    }
    found: list[Subject] = []
    absent = []
    for name, make in makers.items():
        try:
            found.append(make())
        except ImportError as error:
            absent.append(f"{name} is absent: {error}")
    return found, absent


def _bits(number: int) -> list[int]:
    return [number >> at & 1 for at in range(_BITS)]


def _number(bits: Any) -> int:
    return sum(1 << at for at, bit in enumerate(bits) if bit)


def _swapped(picture: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8)
