"""A batch of pictures of several twins on one base, made in one pass."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from imaging.failures import OutOfMemory
from imaging.pipeline import adapters, base, families, generate, likest
from imaging.pipeline.likest import Drawn, Eye, Sampler
from imaging.pipeline.reference import Reference
from torch import nn


@dataclass(frozen=True, slots=True)
class Row:
    """One picture to make: whose weights, which words, which seed."""

    twin: str
    adapter: bytes = field(repr=False)
    prompt: str
    seed: int
    reference: Reference | None = None
    """Whom it shall look like; None where no face is to be seen, or nobody knows."""


class Bases:
    """Base pipelines by name; the one used last stays in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._kept: tuple[str, str, DiffusionPipeline] | None = None

    @property
    def kept(self) -> str:
        """Return the name of the base in memory; empty while there is none."""
        return self._kept[0] if self._kept else ""

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a base's files, hex.

        Raises:
            BaseUnusable: there is none of that name, or it cannot be loaded safely.
        """
        base.check(self._folder / name)
        return base.digest(self._folder / name)

    def get(self, name: str) -> DiffusionPipeline:
        """Return a base, loaded unless it is in memory as it lies on disk.

        Raises:
            BaseUnusable: as `digest`.
        """
        digest = self.digest(name)
        if self._kept is None or self._kept[:2] != (name, digest):
            self._kept = None  # first make room
            self._kept = (name, digest, base.load(self._folder / name, device=self._device))
        return self._kept[2]


def make(
    pipeline: DiffusionPipeline,
    rows: Sequence[Row],
    sampler: Sampler,
    eye: Eye,
    should_stop: Callable[[], bool],
) -> list[Drawn]:
    """Make one picture per row, every row with its own twin.

    All rows go through the network together, then once more those that do not look like her.
    Where that takes more memory than there is, the two halves are made one after the other, once.

    Args:
        pipeline: the base every row's twin was trained on.
        rows: at least one.
        sampler: for all rows.
        eye: tells how near a picture is to its reference.
        should_stop: asked before every step.

    Raises:
        AdapterUnusable: a twin's weights do not fit the base.
        Stopped: `should_stop` said yes.
        OutOfMemory: half of the rows is still too much.
    """
    run = partial(_run, pipeline, sampler, eye, should_stop)
    with _dressed(families.denoiser(pipeline), rows):
        try:
            return run(rows)
        except torch.OutOfMemoryError:
            _free()
        half = (len(rows) + 1) // 2
        parts = [part for part in (rows[:half], rows[half:]) if part]
        try:
            return [one for part in parts for one in run(part)]
        except torch.OutOfMemoryError as error:
            _free()
            raise OutOfMemory(f"no room for {half} pictures at once") from error


def _run(
    pipeline: DiffusionPipeline,
    sampler: Sampler,
    eye: Eye,
    should_stop: Callable[[], bool],
    rows: Sequence[Row],
) -> list[Drawn]:
    shots = [generate.Shot(row.twin, row.prompt, row.seed) for row in rows]
    references = [row.reference for row in rows]
    return likest.pictures(pipeline, shots, references, eye, sampler, should_stop)


@contextmanager
def _dressed(denoiser: nn.Module, rows: Sequence[Row]) -> Iterator[None]:
    """Put every row's twin onto the denoiser, and take all of them off again."""
    weights = {row.twin: row.adapter for row in rows}
    with ExitStack() as stack:
        for twin, data in weights.items():
            _quietly(adapters.restore, denoiser, twin, data)
            stack.callback(_quietly, adapters.detach, denoiser, twin)
        denoiser.eval()  # in training mode peft takes no rows of several twins
        yield


def _quietly(function: Callable[..., object], *arguments: object) -> None:
    """Call without peft's warnings that there are several adapters: that is meant here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"peft\.")
        function(*arguments)


def _free() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
