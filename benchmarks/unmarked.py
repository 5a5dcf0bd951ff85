"""Count numbers read where there are none: 10,000 pictures without a mark of ours.

`python benchmarks/unmarked.py --corpus DIR` reads every picture of the tar files in DIR and as many
made by models/mini as are wanting to `--count`; without a corpus all are made. What was read is
noted a line a picture in `--notes`, and a run that was ended goes on where it was. It takes an hour
of one core, so run it under `nice`.
"""

import argparse
import json
import statistics
import sys
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from marks import codecs
from marks.pictures import Pixels
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTES = ROOT / ".cache/bench/unmarked.jsonl"


class Shown(NamedTuple):
    """One picture without a mark."""

    name: str
    kind: str
    pixels: Pixels


def main(argv: list[str]) -> int:
    """Read on from where the last run ended, and print the tally; fails where a number is read."""
    parser = argparse.ArgumentParser(prog="unmarked", description=__doc__)
    parser.add_argument("--corpus", type=Path, help="folder of tar files of pictures")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--notes", type=Path, default=NOTES)
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    options.notes.parent.mkdir(parents=True, exist_ok=True)
    done = _done(options.notes)
    codec = codecs.ours()
    with options.notes.open("a") as notes:
        for shown in _pictures(options.corpus, options.count, set(done)):
            began = time.process_time()
            read = codec.read(shown.pixels)
            took = round(time.process_time() - began, 4)
            done[shown.name] = {"name": shown.name, "kind": shown.kind, "read": read, "s": took}
            notes.write(json.dumps(done[shown.name]) + "\n")
            notes.flush()
            print(f"\r{len(done)} of {options.count}", end="", file=sys.stderr, flush=True)
    print(f"\n{_tally(list(done.values()))}")
    return int(any(note["read"] is not None for note in done.values()))


def _done(path: Path) -> dict[str, dict[str, object]]:
    """Return the notes of earlier runs by name; a line that was cut short does not count."""
    lines = path.read_text().splitlines() if path.exists() else []
    notes = [json.loads(line) for line in lines if line.endswith("}")]
    return {note["name"]: note for note in notes}


def _pictures(corpus: Path | None, count: int, done: set[str]) -> Iterator[Shown]:
    """Yield the pictures that are still wanting: first a batch made, then some of the corpus."""
    names = _names(corpus)[:count] if corpus else []
    made = _made(count - len(names), done)
    every = max(1, len(names) // max(1, count - len(names)))
    for at, (path, name) in enumerate(names):
        if at % every == 0:
            yield from _next(made)
        if name not in done:
            with tarfile.open(path) as tar:
                content = tar.extractfile(name).read()
            yield Shown(name, "corpus", np.asarray(Image.open(BytesIO(content)).convert("RGB")))
    yield from made


def _next(made: Iterator[Shown]) -> Iterator[Shown]:
    found = next(made, None)
    if found is not None:
        yield found


def _names(corpus: Path) -> list[tuple[Path, str]]:
    found = []
    for path in sorted(corpus.glob("*.tar")):
        with tarfile.open(path) as tar:
            found += [(path, name) for name in tar.getnames() if name.endswith(".jpg")]
    return found


def _made(count: int, done: set[str]) -> Iterator[Shown]:
    """Make pictures of nobody in particular; the number of a picture is its seed."""
    wanted = [at for at in range(count) if f"made-{at}" not in done]
    if not wanted:
        return
    from marks.pipeline import small  # noqa: PLC0415 -- takes seconds, where pictures are made

    for seed, pixels in zip(wanted, small.make(wanted), strict=True):
        yield Shown(f"made-{seed}", "made", pixels)


def _tally(notes: list[dict[str, object]]) -> str:
    lines = ["| pictures without a mark | read | false ids | read s, median / worst |"]
    lines.append("| ---: | ---: | ---: | ---: |")
    for kind in sorted({str(note["kind"]) for note in notes}):
        own = [note for note in notes if note["kind"] == kind]
        false = sum(note["read"] is not None for note in own)
        seconds = [float(str(note["s"])) for note in own]
        spread = f"{statistics.median(seconds):.2f} / {max(seconds):.2f}"
        lines.append(f"| {kind} | {len(own)} | {false} | {spread} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
