"""`python -m training fidelity`: what a twin of any capture folder is worth, from its photos."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from imaging.faces import Faces
from imaging.pictures import Rgb, contact_sheet, decode, encode_jpeg, encode_png, square
from imaging.pipeline import adapters, base, families, likest, processor, spots
from imaging.pipeline.likest import Drawn
from imaging.pipeline.recognition import Recognizer
from imaging.pipeline.spots import Spotter

from training.domain.runs import DEFAULT_RANK, DEFAULT_STEPS
from training.pipeline import adapter, devices
from training.pipeline.fidelity import captures, detector, grid, identity, plots
from training.pipeline.fidelity.captures import Captured
from training.pipeline.fidelity.grid import Cell
from training.pipeline.fidelity.report import Examiner, Others, figures
from training.pipeline.teaching import Teacher, reference

_SHEET_SIDE = 192
_AT_ONCE = 6
_MOST_PIXELS = 2**24


def main(argv: list[str]) -> int:
    """Measure a twin and write report.json, plots, and a sheet of the renders."""
    parser = argparse.ArgumentParser(prog="python -m training fidelity", description=main.__doc__)
    parser.add_argument("--captures", type=Path, required=True, help="talent.json, photos.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is written")
    parser.add_argument("--base", type=Path, default=Path("models/mini"), help="diffusers folder")
    parser.add_argument("--adapter", type=Path, help="a twin's weights, safetensors")
    parser.add_argument("--train", action="store_true", help="train one, photos held out")
    parser.add_argument(
        "--others",
        type=Path,
        nargs="*",
        default=[],
        help="other capture folders; her own among them does not count",
    )
    parser.add_argument("--quick", action="store_true", help="16 pictures instead of 36")
    parser.add_argument("--seeds", type=int, default=1, help="so many times the 36 pictures")
    parser.add_argument(
        "--tries",
        type=int,
        default=likest.TRIES,
        help="close-ups drawn of one cell at most, as render does; 1 takes the first",
    )
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    if options.train == bool(options.adapter):
        parser.error("give --adapter or --train")
    processor.use_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    captured = captures.read(options.captures)
    began = time.monotonic()
    weights = _train(options, captured) if options.train else options.adapter.read_bytes()
    trained_s = time.monotonic() - began
    _report(options, captured, weights, trained_s)
    return 0


def _train(options: argparse.Namespace, captured: Captured) -> bytes:
    """Train on what is not held out; a run that was cut off goes on, a finished one is read."""
    done: Path = options.out / "adapter.safetensors"
    if done.exists():
        print(f"{done} is there and taken as it is; move it away to train anew", flush=True)
        return done.read_bytes()
    plan = adapter.Plan(
        options.base, options.out / "work", options.steps, DEFAULT_RANK, options.seed
    )
    teacher = Teacher(Faces(), identity.load_cohort())
    made = teacher.teach(
        plan, captured.taught, captured.marks, progress=_tell, should_stop=lambda: False
    )
    done.with_suffix(".part").write_bytes(made.adapter)
    done.with_suffix(".part").replace(done)
    (options.out / "work" / "checkpoint.pt").unlink(missing_ok=True)
    return made.adapter


def _tell(at: adapter.Progress) -> None:
    if at.step % 50 == 0:
        print(f"step {at.step}: loss {at.loss:.3f}, {at.seconds_left:.0f} s left", flush=True)


def _report(
    options: argparse.Namespace, captured: Captured, weights: bytes, trained_s: float
) -> None:
    began = time.monotonic()
    about = adapters.describe(weights)
    subject = about.subject
    cells = grid.quick(subject) if options.quick else grid.full(subject, seeds=options.seeds)
    pipeline = base.load(options.base, device=devices.name())
    faces = Faces()
    examiner = Examiner(faces)
    bare_of = f"base-{base.digest(options.base)[:12]}-{subject}"  # the same for every twin of it
    bare = _bare(options.out.parent / bare_of, pipeline, grid.of_base(cells))
    adapters.restore(families.denoiser(pipeline), adapter.NAME, weights)
    known = about.reference or reference(faces, captured.taught, captured.marks, examiner.cohort)
    chosen = grid.Chosen(Recognizer(faces), known, options.tries)
    drawn = _drawn(options.out / _folder(weights, about.of(known), chosen), pipeline, cells, chosen)
    made = [one.pixels for one in drawn]
    others = _others(examiner, find_others(captured, options.others))
    report = examiner.examine(captured.person, cells, made, others)
    told = figures(report, drawn) | {
        "talent": captured.name,
        "base": told_base(options.base),
        "base_obedience": asdict(examiner.obey(cells, bare)),
        "taught": len(captured.taught),
        "held_out": len(captured.held),
        "trained_s": round(trained_s, 1),
        "measured_s": round(time.monotonic() - began, 1),
        "detector": detector.check(Spotter(faces), captured),
    }
    (options.out / "report.json").write_text(json.dumps(told, indent=1) + "\n")
    (options.out / "roc.svg").write_text(plots.roc(told))
    (options.out / "distances.svg").write_text(plots.scatter(told))
    (options.out / "sheet.jpg").write_bytes(_sheet(captured, made))
    print(json.dumps({key: told[key] for key in ("identity", "separation", "marks", "obedience")}))


def _folder(weights: bytes, about: adapters.About, chosen: grid.Chosen) -> str:
    """Return a name for the pictures of a twin: another twin, or another choice, has another."""
    told = hashlib.sha256(weights + about.pack().encode() + spots.WEIGHTS.read_bytes()).hexdigest()
    return f"renders-{chosen.tries}-{told[:12]}"


def _bare(folder: Path, pipeline: Any, cells: Sequence[Cell]) -> list[Rgb]:
    """Return the base's own pictures of a grid, from `folder` those that were drawn before."""

    def make(part: Sequence[Cell]) -> list[Drawn]:
        return [Drawn(one, 1, math.nan) for one in grid.render(pipeline, part)]

    return [one.pixels for one in _kept(folder, cells, make)]


def _drawn(folder: Path, pipeline: Any, cells: Sequence[Cell], chosen: grid.Chosen) -> list[Drawn]:
    """Return the twin's pictures of a grid, from `folder` those that were drawn before."""
    return _kept(folder, cells, lambda part: grid.draw(pipeline, part, adapter.NAME, chosen))


def _kept(
    folder: Path, cells: Sequence[Cell], make: Callable[[Sequence[Cell]], list[Drawn]]
) -> list[Drawn]:
    """Return pictures from `folder`, in which those it lacks are put."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{len(cells)}-{place:03}.png" for place in range(len(cells))]
    told = [path.with_suffix(".json") for path in paths]
    missing = [
        place for place, path in enumerate(paths) if not (path.exists() and told[place].exists())
    ]
    for start in range(0, len(missing), _AT_ONCE):
        part = missing[start : start + _AT_ONCE]
        for place, one in zip(part, make([cells[place] for place in part]), strict=True):
            told[place].write_text(
                json.dumps({"tries": one.tries, "distance": one.distance, "flaws": one.flaws})
            )
            paths[place].write_bytes(encode_png(one.pixels))
    pictures = [decode(path.read_bytes(), max_pixels=_MOST_PIXELS) for path in paths]
    return [
        Drawn(one, **json.loads(path.read_text())) for one, path in zip(pictures, told, strict=True)
    ]


def told_base(folder: Path) -> dict[str, str]:
    """Return which base it was."""
    return {"name": folder.name, "sha256": base.digest(folder)}


def find_others(captured: Captured, folders: Sequence[Path]) -> list[Captured]:
    """Return the people of some folders; whose twin it is, named among them, is nobody else."""
    people = [captures.read(folder) for folder in folders]
    return [one for one in people if one.name != captured.name]


def _others(examiner: Examiner, people: Sequence[Captured]) -> Others:
    """Return templates of other people from their held-out photos."""
    if not people:
        return Others()
    rows = [examiner.see_template(one.person.held) for one in people]
    return Others([one.name for one in people], np.stack(rows))


def _sheet(captured: Captured, made: Sequence[Rgb]) -> bytes:
    held = [square(one, _SHEET_SIDE) for one in captured.person.held[:8]]
    rows = held + [np.full_like(held[0], 255)] * (8 - len(held)) if held else []
    return encode_jpeg(
        contact_sheet([*rows, *(square(one, _SHEET_SIDE) for one in made)], columns=8), quality=88
    )
