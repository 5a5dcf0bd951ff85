"""A twin is taught alike wherever it is: by a worker, and by the command that measures talents."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from imaging.faces import Faces
from imaging.pictures import Rgb
from imaging.pipeline.families import Kind
from imaging.pipeline.recognition import Recognizer
from imaging.pipeline.tracks import Mapped
from training.dataset import Dataset, Shown
from training.domain.runs import DEFAULT_RANK, Recipe
from training.making import Studio
from training.pipeline import album
from training.pipeline.adapter import Photo, Plan
from training.pipeline.fidelity import captures, command, identity
from training.pipeline.fidelity.captures import Captured
from training.pipeline.fidelity.holding import shows_face
from training.pipeline.recipes import RECIPES
from training.pipeline.teaching import Teacher, find_faces, reference

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


def painted_over(rgb: Rgb, marks: list[dict[str, Any]]) -> Rgb:
    hole = np.zeros(rgb.shape[:2], np.uint8)
    for mark in marks:
        at = (round(mark["px"][0]), round(mark["px"][1]))
        cv2.circle(hole, at, round(1.6 * mark["radius_px"]) + 2, 255, -1)
    return np.asarray(cv2.inpaint(rgb, hole, 3, cv2.INPAINT_TELEA), np.uint8)


def test_her_photos_are_of_her_and_without_her_birthmark_they_have_a_flaw(alba: Captured) -> None:
    """It is painted over where the samples say it is; nobody told the finder."""
    faces, cohort = Faces(), identity.load_cohort()
    whom = reference(faces, alba.taught, alba.marks, cohort)
    assert whom is not None
    assert whom.tracks is not None
    assert len(whom.tracks) == 1  # the other one is on her arm
    eye = Recognizer(faces)
    held = [eye.see(alba.photos[place].pixels, whom) for place in alba.held]
    assert sum(one.distance < whom.near for one in held) >= len(held) - 1
    assert sum(one.flaws for one in held) <= 3  # two views of six barely show it
    before, after = list[int](), list[int]()
    for photo, row in zip(alba.photos, alba.rows, strict=True):
        seen = [mark for mark in row["marks"] if mark["visible"] >= 0.5 and mark["in_frame"]]
        if shows_face(photo.caption) and faces.find(photo.pixels) and seen:
            before.append(eye.see(photo.pixels, whom).flaws)
            after.append(eye.see(painted_over(photo.pixels, seen), whom).flaws)
    assert len(before) >= 10
    assert np.mean(before) <= 0.2
    assert np.mean(after) >= 0.7  # of a head turned far a nostril may be taken for it
    another = captures.read(SAMPLES / "cleo")
    far = [eye.see(another.photos[place].pixels, whom).distance for place in another.held]
    assert min(far) > whom.near
    assert np.isfinite(far).any()
    cleo = reference(faces, another.taught, another.marks, cohort)
    assert cleo is not None
    rival = replace(whom, tracks=None, rivals=cleo.vector[None])
    near = [alba.photos[place].pixels for place in alba.held]
    assert [eye.see(rgb, rival).flaws for rgb in near] == [0] * len(near)
    twice = [eye.see(another.photos[place].pixels, rival) for place in another.held]
    assert all(one.flaws == 1 for one in twice if np.isfinite(one.distance))
    assert whom.rivals.shape == (64, 128)
    assert min(np.linalg.norm(whom.rivals - whom.vector, axis=1)) > 0.3


def test_marks_are_not_spoken_of_where_her_photos_do_not_tell_one(alba: Captured) -> None:
    faces, cohort = Faces(), identity.load_cohort()
    twice = [*alba.marks, *(mark for mark in alba.marks if "lip" in mark.site)]
    another = [*alba.marks, Mapped("mole", "chin")]
    for mapped in ([], another, twice, [Mapped("mole", "earlobe")], [Mapped("scar", "left wrist")]):
        unknown = reference(faces, alba.taught, mapped, cohort)
        assert unknown is not None
        assert unknown.tracks is None


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


def test_a_teacher_looks_along_the_way(alba: Captured, tiny_bases: Path, tmp_path: Path) -> None:
    plan = Plan(tiny_bases / "tiny", tmp_path, steps=5, rank=4, seed=3)
    teacher = Teacher(Faces(), identity.load_cohort())
    made = teacher.teach(
        plan, alba.taught[:12], alba.marks, progress=lambda _: None, should_stop=lambda: False
    )
    assert made.marks
