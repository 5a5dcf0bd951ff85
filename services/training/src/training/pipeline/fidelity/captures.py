"""A capture folder in the samples' format: talent.json, photos.jsonl, photos/."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imaging.pictures import Rgb, decode, shrink
from imaging.pipeline.tracks import Mapped

from training.domain.captions import Facts, caption_of
from training.pipeline.adapter import Photo
from training.pipeline.fidelity.holding import held_out, shows_face
from training.pipeline.fidelity.report import Person

_MOST_PIXELS, _LONGEST = 50_000_000, 1536


@dataclass(frozen=True, slots=True)
class Captured:
    """A person's photos as her photographer took them, and her map of marks.

    Attributes:
        rows: what photos.jsonl says of each photo.
        held: places of the photos that no training may see.
    """

    name: str
    photos: tuple[Photo, ...]
    rows: tuple[dict[str, Any], ...]
    marks: tuple[Mapped, ...]
    held: tuple[int, ...]

    @property
    def taught(self) -> list[Photo]:
        """Return the photos a twin may be trained on."""
        return [one for place, one in enumerate(self.photos) if place not in self.held]

    @property
    def person(self) -> Person:
        """Return whom a twin is held against."""
        faces = [one.pixels for one in self.taught if shows_face(one.caption)]
        return Person(faces, [self.photos[place].pixels for place in self.held], self.marks)


def read(folder: Path) -> Captured:
    """Read a capture folder.

    Raises:
        OSError, ValueError, KeyError: it is none.
    """
    told = json.loads((folder / "talent.json").read_text())
    lines = (folder / "photos.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    photos = [_photo(folder / "photos" / row["file"], row) for row in rows]
    marks = tuple(Mapped(mark["name"], mark["site"]) for mark in told.get("marks", []))
    held = held_out([photo.caption for photo in photos])
    return Captured(folder.name, tuple(photos), tuple(rows), marks, tuple(held))


def _photo(path: Path, row: dict[str, Any]) -> Photo:
    pixels: Rgb = decode(path.read_bytes(), max_pixels=_MOST_PIXELS)
    facts = Facts(
        row["framing"], row.get("yaw", 0.0), row.get("lighting", ""), row.get("pose", ""),
        row.get("caption", ""),
    )  # fmt: skip
    return Photo(shrink(pixels, longest=_LONGEST), caption_of(facts))
