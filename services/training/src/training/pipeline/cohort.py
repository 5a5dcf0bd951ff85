"""`python -m training cohort`: the people every twin is compared with, from a corpus."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from imaging.faces import Faces

from training.pipeline.base_training import corpus
from training.pipeline.fidelity.holding import shows_face

_LEAST, _MOST = 3, 5
"""Faces a person is the mean of."""


def main(argv: list[str]) -> int:
    """Embed people of the corpus and write their mean vectors, rounded, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m training cohort", description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="as for `training base`")
    parser.add_argument("--out", type=Path, required=True, help="JSON, (people, 128)")
    parser.add_argument("--pictures", type=Path, help="npz, each picture's vector as well")
    parser.add_argument("--people", type=int, default=120, help="how many at most")
    options = parser.parse_args(argv)
    found = corpus.read(options.corpus, size=256)
    shown: dict[object, list[int]] = defaultdict(list)
    for number, record in enumerate(found.records):
        if shows_face(record["caption"]):
            shown[record.get("person")].append(number)
    faces, people, each = Faces(), [], list[list[npt.NDArray[np.float32]]]()
    for places in shown.values():
        vectors = _embed(faces, found, places)
        if len(vectors) >= _LEAST:
            people.append([round(float(value), 4) for value in np.mean(vectors, axis=0)])
            each.append(vectors)
        if len(people) == options.people:
            break
    options.out.write_text("[\n" + ",\n".join(json.dumps(one) for one in people) + "\n]\n")
    if options.pictures:
        _keep(options.pictures, each)
    print(f"{len(people)} people in {options.out}")
    return 0


def _keep(path: Path, each: Sequence[Sequence[npt.NDArray[np.float32]]]) -> None:
    """Write every picture's vector, and whose it is: strangers a threshold is set with."""
    person = [number for number, vectors in enumerate(each) for _ in vectors]
    stacked = np.stack([vector for vectors in each for vector in vectors]).astype(np.float16)
    np.savez_compressed(path, vectors=stacked, person=np.asarray(person, dtype=np.int16))


def _embed(
    faces: Faces, found: corpus.Corpus, places: Sequence[int]
) -> list[npt.NDArray[np.float32]]:
    """Return vectors of the pictures in which exactly one face is found, a few at most."""
    vectors: list[npt.NDArray[np.float32]] = []
    for place in places:
        seen = faces.find(found.pictures[place])
        if len(seen) == 1:
            vectors.append(faces.embed(found.pictures[place], seen[0]))
        if len(vectors) == _MOST:
            break
    return vectors
