"""Soft bindings: what is left on a copy that lost its manifest, and the manifest it leads to."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kit.errors import FieldInvalid, NotFound

MARK_BYTES, LOOKS_BYTES = 12, 32
"""Lengths of what a manifest asserts: the asset number, big-endian, and a keyed check of 4 bytes;
how the picture looks."""
_NUMBER_BYTES = 8

MOST_RESULTS = 10
"""Unless asked otherwise, as the C2PA's API has it."""
_LONGEST_ID = 200


class ManifestNotFound(NotFound):
    """No released picture has this manifest."""

    reason = "MANIFEST_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The Content Credentials of one picture, apart from its file."""

    id: str
    """The active manifest's label in the store: "urn:c2pa:..."."""
    store: bytes = field(repr=False)
    """JUMBF, as it lies in the signed file."""


@dataclass(frozen=True, slots=True)
class Match:
    """A manifest that was found, and where else than here it is to be had, if anywhere."""

    manifest_id: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Binding:
    """One value under one algorithm, as a manifest asserts it."""

    alg: str
    value: bytes
    is_watermark: bool

    @property
    def number(self) -> int:
        """Return the asset number that a watermark's value begins with."""
        return int.from_bytes(self.value[:_NUMBER_BYTES], "big")


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Names of what our pictures carry and look like.

    Attributes:
        watermarks: with what states an asset number as a watermark's value.
    """

    watermarks: Mapping[str, Callable[[int], bytes]]
    fingerprints: tuple[str, ...]

    def check(self, alg: str) -> None:
        """Check that an algorithm is one of ours.

        Raises:
            FieldInvalid: it is not.
        """
        ours = (*self.watermarks, *self.fingerprints)
        if alg not in ours:
            raise FieldInvalid("alg", f"must be one of {', '.join(ours)}")

    def read(self, alg: str, value: str) -> Binding:
        """Read a binding from its name and the base64 of its value.

        Raises:
            FieldInvalid: `alg` is not one of ours, or `value` not as long as its values are.
        """
        self.check(alg)
        is_watermark = alg in self.watermarks
        length = MARK_BYTES if is_watermark else LOOKS_BYTES
        found = _decode(value)
        if len(found) != length:
            raise FieldInvalid("value", f"must be base64 of the {length} bytes of {alg}")
        return Binding(alg, found, is_watermark)

    def holds(self, binding: Binding) -> bool:
        """Tell whether we may have made this value: numbers follow each other, checks do not, so
        nobody gets at the pictures of others by counting."""
        if not binding.is_watermark:
            return True
        return hmac.compare_digest(self.watermarks[binding.alg](binding.number), binding.value)


def check_most(most: int | None) -> int:
    """Return how many matches are wanted.

    Raises:
        FieldInvalid: less than one.
    """
    if most is None:
        return MOST_RESULTS
    if most < 1:
        raise FieldInvalid("max_results", "must be at least 1")
    return min(most, MOST_RESULTS)


def is_label(text: str) -> bool:
    """Tell whether a text may be the label of a manifest."""
    return text.startswith("urn:") and text.isascii() and len(text) <= _LONGEST_ID


def _decode(text: str) -> bytes:
    """Return what base64 stands for; nothing where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
