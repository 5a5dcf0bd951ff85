"""What a caption says is worn, and how it is framed: what a picture is held against."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.words import FRAMINGS

GARMENTS = (
    "T-shirt", "V-neck top", "tank top", "long-sleeved top", "hoodie", "jacket", "coat", "dress",
)  # fmt: skip
COLOURS = (
    "white", "cream", "grey", "black", "navy", "indigo", "royal blue", "light blue", "teal",
    "forest green", "olive", "mustard", "camel", "orange", "red", "burgundy", "pink", "purple",
)  # fmt: skip
SHOTS = tuple(FRAMINGS)
"""Names of framings, in the judge's order."""


NECKLINES = (
    {"T-shirt", "long-sleeved top", "hoodie"},
    {"V-neck top", "tank top", "dress"},
    {"jacket", "coat"},
)
"""What a close-up shows of a garment: neither sleeves nor how long it is."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a caption says; empty where it says nothing a judge knows."""

    framing: str
    garment: str
    colour: str
    """Of the garment that covers the upper body."""


def look_alike(one: str, other: str, framing: str) -> bool:
    """Tell whether a framing shows no difference between two garments."""
    if one == other:
        return True
    cut = framing == "face"
    return cut and any({one, other} <= necklines for necklines in NECKLINES)


def read(caption: str) -> Said:
    """Read a caption; a skirt or trousers do not count, what is worn above them does."""
    framing = next((shot for shot, words in FRAMINGS.items() if words in caption), "")
    for worn in _worn(caption):
        garment = next((name for name in GARMENTS if worn.endswith(name)), "")
        if garment:
            colours = (name for name in sorted(COLOURS, key=len, reverse=True) if name in worn)
            return Said(framing, garment, next(colours, ""))
    return Said(framing, "", "")


def _worn(caption: str) -> list[str]:
    """Return the garments a caption names, the first before the second."""
    _, _, rest = caption.partition(" in a ")
    return [part.strip() for part in rest.partition(",")[0].split(" and ")]
