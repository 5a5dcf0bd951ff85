"""Marks painted onto faces are where lessons say they are; the faces are discs of one colour."""

import cv2
import numpy as np
import pytest
from imaging.pipeline.frame import LEFT, SIDE, SPAN, TOP
from imaging.pipeline.spots import Spot
from training.pipeline.fidelity.finding import Shown
from training.pipeline.fidelity.painting import Lesson, Painter

SCALE = SIDE / SPAN
SKIN = (200, 160, 140)
MARK = Spot(0.2, 0.2, 0.05, 1.0)


def face(*marks: Spot, skin: tuple[int, int, int] = SKIN) -> Shown:
    """Return a face of one colour with dark discs."""
    cut = np.full((SIDE, SIDE, 3), skin, np.uint8)
    for mark in marks:
        at = (round((mark.x - LEFT) * SCALE - 0.5), round((mark.y - TOP) * SCALE - 0.5))
        cv2.circle(cut, at, round(mark.radius * SCALE), tuple(part // 2 for part in skin), -1)
    return Shown(cut, marks, (), "nobody")


def light(lesson: Lesson, spot: Spot) -> float:
    """Return the light of a place in a lesson, as a share of that of all its face."""
    column, row = (spot.x - LEFT) * SCALE - 0.5, (spot.y - TOP) * SCALE - 0.5
    window = np.s_[round(row) - 1 : round(row) + 2, round(column) - 1 : round(column) + 2]
    return float(lesson.face[window].mean() / np.median(lesson.face.mean(-1)))


def inside(spot: Spot) -> bool:
    """Tell whether a place is not at the edge of a cut-out."""
    return abs(spot.x) < 0.68 and -0.52 < spot.y < 0.82


def test_marks_stay_where_a_lesson_says_and_others_are_laid_on_bare_skin() -> None:
    painter = Painter([face(MARK), face()], np.random.default_rng(1))
    assert len(painter.patches) == 1
    lessons = [painter.lesson(place) for place in (0, 1) for _ in range(60)]
    own = [one.marks[0] for one in lessons[:60]]
    assert np.std([one.x for one in own]) > 0.1  # mirrored and turned
    shown = [(one, mark) for one in lessons for mark in one.marks if inside(mark)]
    assert len(shown) > 120
    assert max(light(one, mark) for one, mark in shown) < 0.85
    painted = [one for one in lessons[60:] if one.marks]
    assert 0.3 < len(painted) / 60 < 0.8
    elsewhere = [light(one, Spot(0.0, 0.0, 0.04, 1.0)) for one in lessons[60:] if not one.marks]
    assert min(elsewhere) > 0.9


def test_radii_grow_with_the_face() -> None:
    painter = Painter([face(MARK)], np.random.default_rng(2))
    radii = [painter.lesson(0).marks[0].radius / MARK.radius for _ in range(40)]
    assert 0.85 < min(radii) < 0.95
    assert 1.05 < max(radii) < 1.15


@pytest.mark.parametrize("skin", [(10, 9, 8), (60, 60, 200)], ids=["dark", "of another colour"])
def test_nothing_is_painted_where_no_mark_would_be_seen(skin: tuple[int, int, int]) -> None:
    blank = face(skin=skin)
    cheeks = np.array(blank.cut)
    left, right = (round((x - LEFT) * SCALE) for x in (-0.2, 0.2))
    cheeks[round((0.1 - TOP) * SCALE) : round((0.3 - TOP) * SCALE), left:right] = SKIN
    painter = Painter([face(MARK), Shown(cheeks, (), (), "nobody")], np.random.default_rng(3))
    marks = [mark for _ in range(400) for mark in painter.lesson(1).marks]
    assert marks
    assert all(abs(one.x) < 0.35 and -0.1 < one.y < 0.5 for one in marks)


def test_the_same_seed_paints_the_same() -> None:
    twice = [Painter([face(MARK)], np.random.default_rng(7)).lesson(0).face for _ in range(2)]
    assert np.array_equal(*twice)
