"""Where marks are as a head turns, on faces of which nothing but the spots is known."""

import numpy as np
import pytest
from imaging.pipeline.frame import Frame
from imaging.pipeline.spots import Sighting, Spot
from imaging.pipeline.tracks import Mapped, Track, flaws, follow_map

TURNS = (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15)
CHEEK, BROW = Mapped("birthmark", "left cheek"), Mapped("scar", "right brow")


def face(turn: float, *spots: tuple[float, float]) -> Sighting:
    """Return a face turned so far, with spots of one size."""
    frame = Frame(np.eye(2, 3), turn, 0.0)
    return Sighting(frame, tuple(Spot(x, y, 0.04, 0.9) for x, y in spots))


def cheek(turn: float) -> tuple[float, float]:
    """Return where a mark on her left cheek is when the head is turned."""
    return 0.3 - 0.8 * turn, 0.33


def brow(turn: float) -> tuple[float, float]:
    """Return where one over her right eye is then."""
    return -0.2 - 0.6 * turn, -0.12


def test_a_mark_that_is_missing_and_one_that_is_not_hers_are_flaws() -> None:
    tracks = follow_map([CHEEK, BROW], [face(turn, cheek(turn), brow(turn)) for turn in TURNS])
    assert tracks is not None
    assert len(tracks) == 2
    strange = (0.0, 0.6)
    seen = (
        face(0.0, cheek(0), brow(0)),
        face(0.0, cheek(0)),
        face(0.0, cheek(0), brow(0), strange),
    )
    assert [flaws(one, tracks) for one in seen] == [0, 1, 1]
    assert flaws(face(0.0, strange), tracks) == 3
    assert flaws(face(0.0, strange), ()) == 1


def test_a_mark_is_due_where_both_photos_turned_most_alike_show_it() -> None:
    """Photos come in any order."""
    line = np.array([cheek(0.0), (-0.8, 0.0), (0.0, 0.0)])
    turns = np.array([0.3, -0.3, 0.1, -0.1, 0.2])
    shown = np.array([False, True, False, True, False])
    track = Track(line, 0.04, turns, shown)
    assert track.is_due(face(-0.6))
    assert not track.is_due(face(0.6))
    assert not track.is_due(face(0.0))  # one of two


@pytest.mark.parametrize(
    ("mapped", "photos"),
    [
        ([], [face(turn) for turn in TURNS]),
        ([CHEEK, BROW], [face(turn, cheek(turn)) for turn in TURNS]),
        ([Mapped("mole", "philtrum")], [face(turn, cheek(turn)) for turn in TURNS]),
        ([CHEEK, Mapped("mole", "left cheek")], [face(turn, cheek(turn)) for turn in TURNS]),
        ([CHEEK], [face(turn, cheek(turn), (0.0, 4 * turn)) for turn in TURNS]),
    ],
    ids=["no map", "one not shown", "a site unknown", "two in one place", "her own would not pass"],
)
def test_marks_are_not_spoken_of_without(mapped: list[Mapped], photos: list[Sighting]) -> None:
    assert follow_map(mapped, photos) is None


def test_marks_off_her_face_are_nobodys_business_here() -> None:
    photos = [face(turn, cheek(turn)) for turn in TURNS]
    body = [Mapped("scar", site) for site in ("left Forearm", "collarbone", "right hip")]
    assert len(follow_map([*body, CHEEK], photos) or ()) == 1
    assert follow_map(body, [face(turn) for turn in TURNS]) == ()
