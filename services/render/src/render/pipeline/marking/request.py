"""What a picture is marked with: the facts that travel with it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from render.pipeline.marking.wording import Wording, choose

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB in [0, 255]."""

GENERATED = "trainedAlgorithmicMedia"
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels, right and bottom outside."""


@dataclass(frozen=True, slots=True)
class Credit:
    """One person who worked on the picture, and as what."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Party:
    """One side of the license, by the platform's id and by name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """Something a picture was made from, by its hash alone: no face goes into a manifest.

    Attributes:
        relationship: "inputTo" what trained the twin, "componentOf" what is to be seen.
        sha256: in hexadecimal.
        is_photo: whether it is a real photo of what is to be seen, of a garment for one: the
            picture is a composite then.
    """

    title: str
    relationship: str
    sha256: str
    is_photo: bool = False


def source_type(sources: Iterable[Source]) -> str:
    """Return what kind of picture is made from these, as IPTC's digital source types have it."""
    composite = any(source.is_photo for source in sources)
    return _SOURCE_TYPES + (COMPOSITE if composite else GENERATED)


@dataclass(frozen=True, slots=True)
class System:
    """The software that made the picture."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRequest:
    """Everything the layers say about one picture.

    Attributes:
        asset_number: the picture's number in the registry, in [0, 2**60); the watermark carries it.
        faces: boxes the label must stay off, in pixels of the picture to be marked.
        sources: what the picture was made from.
        products: boxes the label should stay off, and a crop should keep.
        wording: of the label.
        supplier: who delivers the picture, the platform's operator.
        license_starts_at: the term is half-open: it ends before `license_ends_at`.
    """

    asset_number: int
    render_id: str
    license_id: str
    twin_version_id: str
    consent_receipt_id: str
    title: str
    credits: tuple[Credit, ...]
    licensor: Party
    licensee: Party
    supplier: Party
    created_at: datetime
    license_starts_at: datetime
    license_ends_at: datetime
    wording: Wording = field(default_factory=lambda: choose(()))
    sources: tuple[Source, ...] = ()
    faces: tuple[Box, ...] = ()
    products: tuple[Box, ...] = ()
