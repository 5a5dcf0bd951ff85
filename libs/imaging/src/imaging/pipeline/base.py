"""Base pipelines: any diffusers folder, checked before anything in it is loaded."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import torch
from diffusers import DiffusionPipeline

from imaging.failures import BaseUnusable
from imaging.pipeline import families
from imaging.pipeline.autoencoder import PatchAutoencoder

_LIBRARIES = {"diffusers", "transformers", PatchAutoencoder.__module__}
_SUFFIXES = {".json", ".safetensors", ".txt", ".model", ".md", ".png", ".jpg"}


def check(folder: Path) -> None:
    """See that `folder` is a diffusers folder of safetensors and of known libraries only.

    Raises:
        BaseUnusable: no index, a file of a kind that can carry code, or an unknown class.
    """
    index = folder / "model_index.json"
    if not index.is_file():
        raise BaseUnusable(f"{folder.name} has no model_index.json")
    for path in _files(folder):
        if path.suffix not in _SUFFIXES:
            raise BaseUnusable(f"{folder.name}/{path.relative_to(folder)}: weights are safetensors")
    try:
        entries = json.loads(index.read_text())
        parts = {name: entry for name, entry in entries.items() if isinstance(entry, list)}
        strange = [name for name, (library, _) in parts.items() if library not in _known(library)]
    except (ValueError, TypeError, AttributeError) as error:
        raise BaseUnusable(f"{folder.name}/model_index.json is malformed") from error
    if strange:
        raise BaseUnusable(f"{folder.name}: {strange[0]} is of an unknown library")


def digest(folder: Path) -> str:
    """Return the SHA-256, hex, over names and contents of all files of a base."""
    newest = max(path.stat().st_mtime_ns for path in _files(folder))
    return _digest(folder, newest)


def load(
    folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None
) -> DiffusionPipeline:
    """Load a base, unless told in float32 on a CPU and float16 elsewhere.

    Raises:
        BaseUnusable: see `check`.
    """
    check(folder)
    usual = torch.float32 if device == "cpu" else torch.float16
    pipeline = DiffusionPipeline.from_pretrained(
        folder,
        dtype=dtype or usual,
        use_safetensors=True,
        local_files_only=True,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def side_px(pipeline: DiffusionPipeline) -> int:
    """Return the side of the square pictures the base was made for."""
    return families.side_px(pipeline)


def _known(library: object) -> set[object]:
    return {*_LIBRARIES, None} if library is None or isinstance(library, str) else set()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@cache
def _digest(folder: Path, _: int) -> str:
    sha256 = hashlib.sha256()
    for path in _files(folder):
        sha256.update(path.relative_to(folder).as_posix().encode() + b"\0")
        sha256.update(hashlib.sha256(path.read_bytes()).digest())
    return sha256.hexdigest()
