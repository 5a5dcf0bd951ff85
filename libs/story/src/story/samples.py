"""What the story is told with: a synthetic talent's photos and a campaign, from samples/."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FACTS = ("framing", "yaw", "pitch", "lighting", "pose", "caption")


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo and what its photographer says of it."""

    name: str
    content: bytes
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A person who does not exist, as a capture would bring her."""

    name: str
    marks: list[Mapping[str, Any]]
    photos: list[Photo]


def load_talent(folder: Path) -> Sample:
    """Read a talent's folder.

    Raises:
        ValueError: it does not say that the person is synthetic.
    """
    told = json.loads((folder / "talent.json").read_text())
    if told.get("synthetic") is not True:
        raise ValueError(f"{folder.name}: a sample talent must be synthetic and say so")
    lines = (folder / "photos.jsonl").read_text().splitlines()
    photos = [_photo(folder, json.loads(line)) for line in lines]
    return Sample(told["slug"].capitalize(), told["marks"], photos)


def load_campaign(path: Path) -> dict[str, Any]:
    """Read a campaign: name, purpose, category, products, shots."""
    return dict(json.loads(path.read_text()))


def _photo(folder: Path, row: Mapping[str, Any]) -> Photo:
    content = (folder / "photos" / row["file"]).read_bytes()
    return Photo(row["file"], content, {key: row[key] for key in _FACTS})
