"""What is to be sent: the photos of a capture folder, and what is said of each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FACTS = ("framing", "yaw", "pitch", "lighting", "pose", "caption")


class FolderMalformed(ValueError):
    """A capture folder is not as it should be; says which file and line, and why."""


@dataclass(frozen=True, slots=True)
class File:
    """A photo, as bytes or where it lies, and what its photographer says of it."""

    name: str
    source: Path | bytes
    facts: Mapping[str, Any]

    def read(self) -> bytes:
        """Return what is in it. Raises OSError."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True, slots=True)
class Folder:
    """A capture folder: photos, the map of marks, and how many clips lie there."""

    photos: list[File]
    marks: Sequence[Mapping[str, Any]]
    clips: int


def read_folder(folder: Path) -> Folder:
    """Read a folder in the samples' format: photos.jsonl, photos/, and talent.json if there.

    No photo is opened yet: one that is missing is told when its turn comes.

    Raises:
        FolderMalformed: photos.jsonl or talent.json is missing or malformed.
    """
    lines = _read(folder / "photos.jsonl").splitlines()
    photos = [_file(folder, number, line) for number, line in enumerate(lines, start=1) if line]
    if not photos:
        raise FolderMalformed("photos.jsonl: names no photo")
    talent: Mapping[str, Any] = {}
    if (folder / "talent.json").exists():
        talent = _parse(_read(folder / "talent.json"), "talent.json")
    marks = [
        {key: mark[key] for key in ("name", "site", "radius_mm") if key in mark}
        for mark in talent.get("marks", ())
    ]
    return Folder(photos, marks, len(talent.get("clips", ())))


def _file(folder: Path, number: int, line: str) -> File:
    where = f"photos.jsonl, line {number}"
    row = _parse(line, where)
    name = row.get("file")
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise FolderMalformed(f"{where}: file must be a name without folders")
    missing = [key for key in _FACTS if key not in row]
    if missing:
        raise FolderMalformed(f"{where}: {', '.join(missing)} must be given")
    return File(name, folder / "photos" / name, {key: row[key] for key in _FACTS})


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FolderMalformed(f"{path.name}: cannot be read: {error}") from error


def _parse(text: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(text)
    except ValueError as error:
        raise FolderMalformed(f"{where}: must be JSON: {error}") from error
    if not isinstance(row, dict):
        raise FolderMalformed(f"{where}: must be an object")
    return row
