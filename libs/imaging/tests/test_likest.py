"""Pictures are drawn again until they look like her: counted, with faces that are what one says."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from imaging.failures import AdapterUnusable
from imaging.pictures import Rgb
from imaging.pipeline import likest
from imaging.pipeline.adapters import About
from imaging.pipeline.generate import Shot
from imaging.pipeline.recognition import Seen
from imaging.pipeline.reference import Reference, pack_faces
from imaging.pipeline.tracks import Track

HERSELF = Reference(np.zeros(128, np.float32), 0.45)


@dataclass
class Hand:
    """Draws pictures that tell how far each is from her, as planned; 0 shows no face."""

    plan: dict[str, list[int]]
    """Hundredths of the distance, by prompt, of the first picture, the second and so on."""
    asked: list[list[Shot]] = field(default_factory=list)

    def make(self, shots: Sequence[Shot]) -> list[Rgb]:
        """Draw a row of shots."""
        self.asked.append(list(shots))
        return [np.full((8, 8, 3), self.plan[shot.prompt].pop(0), np.uint8) for shot in shots]


class Eye:
    """Sees a face in every picture that is not black, as far from her as its grey says, and a
    flaw where that is odd."""

    def see(self, rgb: Rgb, wanted: Reference) -> Seen:
        """Return what the grey says."""
        grey = int(rgb[0, 0, 0])
        return Seen(grey / 100, grey % 2) if grey else Seen(math.inf)


def draw(
    hand: Hand, *, who: Reference | None = HERSELF, tries: int = 4
) -> dict[str, tuple[int, int]]:
    """Return grey and tries of what is kept, by prompt."""
    shots = [Shot("twin", prompt, seed) for seed, prompt in enumerate(hand.plan)]
    kept = likest.draw(hand.make, shots, [who] * len(shots), Eye(), tries=tries)
    return {
        shot.prompt: (int(one.pixels[0, 0, 0]), one.tries)
        for shot, one in zip(shots, kept, strict=True)
    }


def test_only_what_is_not_her_is_drawn_again() -> None:
    hand = Hand({"hers": [30], "another": [60, 44], "none": [0, 0, 20]})
    assert draw(hand) == {"hers": (30, 1), "another": (44, 2), "none": (20, 3)}
    assert [[shot.prompt for shot in row] for row in hand.asked] == [
        ["hers", "another", "none"], ["another", "none"], ["none"],
    ]  # fmt: skip


def test_the_nearest_is_kept_where_none_is_near_enough() -> None:
    hand = Hand({"far": [70, 50, 60, 90], "faceless": [0, 0, 0, 0], "once": [0, 80, 0, 0]})
    assert draw(hand) == {"far": (50, 4), "faceless": (0, 4), "once": (80, 4)}


def test_a_face_that_is_hers_with_marks_that_are_not_is_drawn_again() -> None:
    assert draw(Hand({"flawed": [31, 44]})) == {"flawed": (44, 2)}
    assert draw(Hand({"all flawed": [41, 31, 43, 60]})) == {"all flawed": (31, 4)}
    assert draw(Hand({"another without a flaw": [60, 43, 58, 62]})) == {
        "another without a flaw": (43, 4)
    }


def test_where_none_is_near_enough_marks_do_not_count() -> None:
    assert draw(Hand({"far": [70, 61, 90, 90]})) == {"far": (61, 4)}


def test_of_those_near_enough_the_one_with_fewest_flaws_counts() -> None:
    class Counts:
        def see(self, rgb: Rgb, wanted: Reference) -> Seen:
            return Seen(0.3, int(rgb[0, 0, 0]))

    hand = Hand({"flawed": [3, 2, 1, 2]})
    (kept,) = likest.draw(hand.make, [Shot("twin", "flawed", 1)], [HERSELF], Counts(), tries=4)
    assert (kept.flaws, kept.tries) == (1, 4)


def test_on_the_threshold_is_not_below_it() -> None:
    edge = Reference(HERSELF.vector, 0.5)
    assert draw(Hand({"edge": [50, 48]}), who=edge) == {"edge": (48, 2)}


def test_nobody_known_and_one_try_are_one_picture() -> None:
    assert draw(Hand({"any": [90]}), who=None) == {"any": (90, 1)}
    assert draw(Hand({"far": [90]}), tries=1) == {"far": (90, 1)}


def test_every_try_has_a_seed_of_its_own_and_always_the_same() -> None:
    rows = []
    for _ in range(2):
        hand = Hand({"far": [90] * 6})
        draw(hand, tries=6)
        rows.append([shot.seed for row in hand.asked for shot in row])
    assert rows[0] == rows[1]
    assert len(set(rows[0])) == 6
    assert all(0 <= seed < 1 << 63 for seed in rows[0])


def test_an_adapter_says_whom_its_pictures_look_like() -> None:
    vector = np.linspace(-1, 1, 128).astype(np.float32)
    cheek = Track(
        np.array([[0.3, 0.33], [-0.8, 0.0], [0.0, 0.1]]),
        0.04,
        np.array([-0.1, 0.0, 0.1]),
        np.array([False, True, True]),
    )
    rivals = np.stack([vector + 1, vector - 1])
    about = About("0" * 64, 4, "woman").of(Reference(vector, 0.4, (cheek,), rivals))
    about = About.unpack(about.pack())
    assert about.reference is not None
    assert np.array_equal(about.reference.vector, vector)
    assert np.array_equal(about.reference.rivals, rivals)
    assert about.reference.near == 0.4
    (track,) = about.reference.tracks or ()
    assert track.pack() == cheek.pack()
    assert about.of(Reference(vector, 0.4)).reference.tracks is None  # type: ignore[union-attr]
    assert about.of(Reference(vector, 0.4, ())).reference.tracks == ()  # type: ignore[union-attr]
    assert About("0" * 64, 4, "woman").reference is None


def test_older_and_newer_writers_are_read() -> None:
    plain = About("0" * 64, 4, "woman")
    assert set(json.loads(plain.pack())) == {"base_sha256", "rank", "subject"}
    newer = json.loads(plain.pack()) | {"aura": "blue"}
    assert About.unpack(json.dumps(newer)) == plain
    with pytest.raises(TypeError):
        About.unpack("{}")


@pytest.mark.parametrize("face", ["not base64!", "AAAA", "AAAAAA==", 5])
def test_a_face_that_is_no_vector_is_no_adapter_of_ours(face: Any) -> None:
    with pytest.raises(AdapterUnusable):
        _ = About("0" * 64, 4, "woman", face, 0.4).reference
    with pytest.raises(AdapterUnusable):
        _ = About("0" * 64, 4, "woman", pack_faces(HERSELF.vector), 0.4, rivals=face).reference
    for near in (math.nan, "near"):
        with pytest.raises(AdapterUnusable):
            _ = About("0" * 64, 4, "woman", pack_faces(HERSELF.vector), near).reference  # type: ignore[arg-type]


WHOLE = {"line": [[0.3, 0.3], [0, 0], [0, 0]], "radius": 0.04, "turns": [0.0], "shown": [True]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"line": [[0.3, 0.3]]},
        {"line": "along"},
        {"line": [[0.3, math.nan], [0, 0], [0, 0]]},
        {"radius": 0},
        {"radius": "wide"},
        {"line": [[10**400, 0], [0, 0], [0, 0]]},
        {"radius": math.inf},
        {"radius": math.nan},
        {"turns": []},
        {"turns": [math.nan]},
        {"shown": [True, False]},
    ],
    ids=str,
)
def test_marks_that_are_no_tracks_are_no_adapter_of_ours(wrong: dict[str, Any]) -> None:
    face = pack_faces(np.zeros(128, np.float32))
    assert About("0" * 64, 4, "woman", face, 0.4, [WHOLE]).reference is not None
    for broken in (WHOLE | wrong, {key: WHOLE[key] for key in WHOLE if key not in wrong}):
        with pytest.raises(AdapterUnusable):
            _ = About("0" * 64, 4, "woman", face, 0.4, [broken]).reference
    for none in (5, True, "marks", [5]):
        with pytest.raises(AdapterUnusable):
            _ = About("0" * 64, 4, "woman", face, 0.4, none).reference  # type: ignore[arg-type]


def test_a_face_that_is_hardly_nearer_to_her_than_to_a_rival_may_be_another() -> None:
    hers = Reference(np.zeros(128, np.float32), 0.4, rivals=np.eye(2, 128, dtype=np.float32))
    told = {
        place: hers.may_be_another(np.eye(1, 128, dtype=np.float32)[0] * np.float32(place))
        for place in (0.45, 0.48, 0.6, -0.3)
    }
    assert told == {0.45: False, 0.48: True, 0.6: True, -0.3: False}
    assert not HERSELF.may_be_another(np.full(128, 9, np.float32))
