"""A twin is taught alike wherever it is: by a worker, and by the command that measures talents."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from imaging.faces import Faces
from imaging.pipeline.families import Kind
from training.dataset import Dataset, Shown
from training.domain.runs import DEFAULT_RANK, Recipe
from training.making import Studio
from training.pipeline import album
from training.pipeline.adapter import Photo
from training.pipeline.fidelity import captures, command
from training.pipeline.fidelity.captures import Captured
from training.pipeline.recipes import RECIPES
from training.pipeline.teaching import find_faces

SAMPLES = Path(__file__).parents[3] / "samples/talents"


@pytest.fixture(scope="module")
def alba() -> Captured:
    return captures.read(SAMPLES / "alba")


@pytest.fixture(scope="module")
def photos(alba: Captured) -> list[Photo]:
    return find_faces(Faces(), alba.photos)


def test_faces_are_found_where_marks_on_them_are(alba: Captured, photos: list[Photo]) -> None:
    """The samples say exactly where a birthmark of the face is; nobody told the finder."""
    due, inside = 0, 0
    for photo, row in zip(photos, alba.rows, strict=True):
        assert photo.face is None or photo.is_close_up
        exact = [mark["px"] for mark in row["marks"] if mark["visible"] >= 0.5]
        if photo.face is None or not exact:
            continue
        left, top, right, bottom = photo.face
        due += 1
        inside += any(left <= x <= right and top <= y <= bottom for x, y in exact)
    assert due >= 10
    assert inside == due


def test_a_face_counts_more_than_hair_and_clothes_less(photos: list[Photo]) -> None:
    photo = next(one for one in photos if one.face is not None)
    recipe = RECIPES[Kind.MINI]
    (lesson,) = album.lessons_of([photo], [], recipe)
    cells = 16

    def counts(of: Photo) -> Any:
        shown = replace(lesson, photo=of)
        return album.regard(shown, lambda one: one.square(256), (cells, cells))[0]

    told, without = counts(photo), counts(replace(photo, face=None))
    assert float(told.max()) == pytest.approx(recipe.face)
    assert float(without.max()) == 1.0
    assert float(told[-1].max()) < 0.1
    assert 9 <= int((told > 2).sum()) <= cells * cells // 4


def test_the_command_teaches_as_a_worker_does(
    alba: Captured, tiny_bases: Path, tmp_path: Path
) -> None:
    """Once it forgot where faces are and looked at nothing along the way: twins were half as like
    their talents as the platform's."""
    options = argparse.Namespace(out=tmp_path, base=tiny_bases / "tiny", steps=3, seed=3)
    shown = tuple(Shown(photo.pixels, photo.caption) for photo in alba.photos)
    marks = tuple((mark.name, mark.site) for mark in alba.marks)
    made = Studio(tiny_bases, 1, 1).make(
        "tiny",
        Recipe(options.steps, DEFAULT_RANK, options.seed),
        tmp_path / "run",
        Dataset(shown, "", marks),
        (lambda _: None, lambda: False),
    )
    assert command._train(options, alba) == made.adapter
