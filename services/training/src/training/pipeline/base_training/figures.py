"""`python -m training base-report`: how good a base is on captions of its own corpus."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from imaging.faces import Faces
from imaging.pictures import Rgb, contact_sheet, encode_jpeg, square
from imaging.pipeline import base as bases
from imaging.words import VIEWS

from training.pipeline import devices
from training.pipeline.base_training import captions, corpus
from training.pipeline.fidelity import grid, judging, wording
from training.pipeline.fidelity.grid import Cell

_SEED = 70_000
_SHEET_SIDE, _COLUMNS = 192, 12


def main(argv: list[str]) -> int:
    """Draw captions of the corpus anew and compare with the corpus' own pictures of them.

    Told of both: close-ups with exactly one face by dlib's detector, by view; and how often the
    judge of obedience sees the framing, garment and colour the caption names, by framing.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training base-report", description=main.__doc__
    )
    add = parser.add_argument
    add("--corpus", type=Path, required=True, help="as for `training base`")
    add("--base", type=Path, default=Path("models/mini"), help="diffusers folder")
    add("--out", type=Path, required=True, help="folder for base.json and base.jpg")
    add("--pictures", type=int, default=48, help="captions of each framing")
    add("--threads", type=int, default=1)
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    pipeline = bases.load(options.base, device=devices.name())
    found = corpus.read(options.corpus, size=bases.side_px(pipeline))
    places = _choose([record["caption"] for record in found.records], options.pictures)
    cells = [_cell(found.records[place]["caption"], n) for n, place in enumerate(places)]
    made = grid.render(pipeline, cells)
    told = {
        "base": bases.digest(options.base),
        "drawn": measure(cells, made),
        "corpus": measure(cells, [found.pictures[place] for place in places]),
    }
    (options.out / "base.json").write_text(json.dumps(told, indent=1) + "\n")
    close = [picture for cell, picture in zip(cells, made, strict=True) if cell.framing == "face"]
    sheet = contact_sheet([square(one, _SHEET_SIDE) for one in close], columns=_COLUMNS)
    (options.out / "base.jpg").write_bytes(encode_jpeg(sheet, quality=88))
    print(json.dumps(told))
    return 0


def measure(cells: Sequence[Cell], pictures: Sequence[Rgb]) -> dict[str, Any]:
    """Return shares, 0 to 1: faces by view of close-ups, obedience by framing."""
    faces, judge = Faces(), judging.Judge()
    pairs = list(zip(cells, pictures, strict=True))
    close = [(cell, len(faces.find(one)) == 1) for cell, one in pairs if cell.framing == "face"]
    by_view = {view: [one for cell, one in close if cell.view == view] for view in VIEWS}
    by_framing = {
        framing: judging.score(
            [wording.read(cell.prompt) for cell, _ in chosen],
            judge.see([one for _, one in chosen]),
        )
        for framing in wording.SHOTS
        if (chosen := [(cell, one) for cell, one in pairs if cell.framing == framing])
    }
    return {
        "one_face": {
            view: {"pictures": len(seen), "share": round(sum(seen) / len(seen), 3)}
            for view, seen in by_view.items()
            if seen
        },
        "obedience": {framing: asdict(one) for framing, one in by_framing.items()},
    }


def _choose(texts: Sequence[str], each: int) -> list[int]:
    """Return places of captions, `each` of every framing; of close-ups those that see a face.

    The same corpus gives the same captions.
    """
    chance = random.Random(_SEED)
    chosen: list[int] = []
    for framing in wording.SHOTS:
        fitting = [
            place
            for place, text in enumerate(texts)
            if wording.read(text).framing == framing
            and (captions.CLOSE_UP not in text or _view(text) in VIEWS[:2])
        ]
        chosen += sorted(chance.sample(fitting, min(each, len(fitting))))
    return chosen


def _view(text: str) -> str:
    return next((view for view in VIEWS if f"{view} view" in text or f", {view}," in text), "")


def _cell(text: str, number: int) -> Cell:
    said = wording.read(text)
    return Cell(text, said.framing, _view(text), "", _SEED + number)
