"""Formats of a picture: the same picture for a license, each a file of its own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.errors import FieldInvalid, NotFound

if TYPE_CHECKING:
    from render.domain.bindings import Manifest
    from render.domain.renders import Picture

FORMATS = {"1x1": (1, 1), "4x5": (4, 5), "9x16": (9, 16), "16x9": (16, 9)}
"""Name -> width to height."""


class FormatNotFound(NotFound):
    """The picture has no file in this format."""

    reason = "FORMAT_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Format:
    """A picture in one format, with a number of its own."""

    name: str
    asset_number: int
    picture: "Picture"


@dataclass(frozen=True, slots=True)
class MadeFormat:
    """A format as an attempt makes it."""

    format: Format
    manifest: "Manifest"


def check_format(name: str) -> None:
    """Check which format is asked for.

    Raises:
        FieldInvalid: none that is made.
    """
    if name not in FORMATS:
        raise FieldInvalid("format", f"must be one of {', '.join(FORMATS)}")
