"""Faces on the samples: found where one is, and told apart."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from imaging import pictures
from imaging.faces import Faces

TALENTS = Path(__file__).parents[3] / "samples" / "talents"


@pytest.fixture(scope="module")
def faces() -> Faces:
    """The models, loaded once."""
    return Faces()


def photo(name: str, number: int) -> pictures.Rgb:
    """Decode a sample."""
    path = TALENTS / name / "photos" / f"{number:03d}.jpg"
    return pictures.decode(path.read_bytes(), max_pixels=10**6)


def vector(faces: Faces, name: str, number: int) -> np.ndarray:
    """Embed the one face of a sample."""
    rgb = photo(name, number)
    (face,) = faces.find(rgb)
    return faces.embed(rgb, face)


def test_one_person_is_nearer_to_herself_than_to_another(faces: Faces) -> None:
    alba = [vector(faces, "alba", number) for number in (2, 3, 4)]
    cleo = [vector(faces, "cleo", number) for number in (2, 3, 4)]
    assert alba[0].shape == (128,)
    assert alba[0].dtype == np.float32
    own = [np.linalg.norm(a[0] - b) for a in (alba, cleo) for b in a[1:]]
    others = [np.linalg.norm(a - c) for a in alba for c in cleo]
    assert max(own) < min(others)


def test_a_back_has_no_face(faces: Faces) -> None:
    assert faces.find(photo("alba", 7)) == []


def test_threads_may_share_the_models(faces: Faces) -> None:
    rgb = photo("alba", 3)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(faces.find, [rgb] * 8))
    assert all(one == found[0] for one in found)
    left, top, right, bottom = found[0][0].box
    assert 0 < left < right < 512
    assert 0 < top < bottom < 640
