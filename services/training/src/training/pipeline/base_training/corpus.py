"""A training corpus: pictures with captions, from a folder or from tars in a folder."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


class CorpusUnusable(ValueError):
    """The folder holds no pictures with captions."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pictures (N, size, size, 3) uint8 and, in the same order, their records."""

    pictures: npt.NDArray[np.uint8]
    records: list[dict[str, Any]]


def read(folder: Path, *, size: int) -> Corpus:
    """Read every picture under `folder` that a `*.jsonl` line (`file`, `caption`, …) names.

    Pictures and lines may lie in the folder or in `*.tar` files in it. A picture that is not
    square is cut around its middle; all are scaled to `size`.

    Raises:
        CorpusUnusable: no line names a picture that is there, or a line has no caption.
    """
    lines: list[dict[str, Any]] = []
    blobs: dict[str, bytes] = {}
    for name, content in _files(folder):
        if name.endswith(".jsonl"):
            lines += [json.loads(line) for line in content.decode().splitlines() if line.strip()]
        elif Path(name).suffix.lower() in _PICTURES:
            blobs[name] = content
    records = sorted((line for line in lines if line.get("file") in blobs), key=_by_file)
    if not records:
        raise CorpusUnusable(f"no *.jsonl line under {folder} names a picture that is there")
    missing = next((record["file"] for record in records if not record.get("caption")), None)
    if missing:
        raise CorpusUnusable(f"the record of {missing} has no caption")
    pictures = np.stack([_square(blobs[record["file"]], size) for record in records])
    return Corpus(pictures, records)


def _by_file(record: dict[str, Any]) -> str:
    return str(record["file"])


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".tar":
            yield from _members(path)
        elif path.is_file() and (path.suffix == ".jsonl" or path.suffix.lower() in _PICTURES):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                yield member.name, content.read()


def _square(blob: bytes, size: int) -> npt.NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(blob)).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side))
    if side != size:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(picture, dtype=np.uint8)
