"""Pictures are drawn again until they look like her: counted, with faces that are what one says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from imaging.faces import Face
from imaging.failures import AdapterUnusable
from imaging.pictures import Rgb
from imaging.pipeline import likest
from imaging.pipeline.adapters import About
from imaging.pipeline.generate import Shot
from imaging.pipeline.reference import Reference

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
    """Sees a face in every picture that is not black, as far from her as its grey says."""

    def find(self, rgb: Rgb, *, upsample: int | None = None) -> list[Face]:
        """Return the one face."""
        return [Face((0, 0, 8, 8), 1.0)] if rgb.any() else []

    def embed(self, rgb: Rgb, face: Face) -> np.ndarray:
        """Return a vector that far from the origin."""
        vector = np.zeros(128, np.float32)
        vector[0] = rgb[0, 0, 0] / 100
        return vector


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


def test_on_the_threshold_is_not_below_it() -> None:
    edge = Reference(HERSELF.vector, 0.5)
    assert draw(Hand({"edge": [50, 49]}), who=edge) == {"edge": (49, 2)}


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
    about = About("0" * 64, 4, "woman").of(Reference(vector, 0.4))
    assert about.reference is not None
    assert np.array_equal(about.reference.vector, vector)
    assert about.reference.near == 0.4
    assert About("0" * 64, 4, "woman").reference is None


@pytest.mark.parametrize("face", ["not base64!", "AAAA", "AAAAAA=="])
def test_a_face_that_is_no_vector_is_no_adapter_of_ours(face: str) -> None:
    with pytest.raises(AdapterUnusable):
        _ = About("0" * 64, 4, "woman", face, 0.4).reference
