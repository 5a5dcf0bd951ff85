"""Pictures of several twins in one pass, on a base of random weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from imaging.faces import Faces
from imaging.failures import AdapterUnusable, OutOfMemory, Stopped
from imaging.pictures import Rgb
from imaging.pipeline import base
from imaging.pipeline.likest import Drawn, Sampler
from imaging.pipeline.recognition import Recognizer
from imaging.pipeline.reference import Reference
from render.pipeline.batch import Bases, Row, make

SAMPLER = Sampler(steps=3, guidance=2.5)


@pytest.fixture(scope="module")
def bases(tiny_bases: Path) -> Bases:
    return Bases(tiny_bases)


@pytest.fixture(scope="module")
def eye() -> Recognizer:
    return Recognizer(Faces())


@pytest.fixture(scope="module")
def rows(adapter_of: Callable[[int], bytes]) -> list[Row]:
    adapters = [adapter_of(seed) for seed in (1, 2)]
    prompt = "sosia, close-up portrait of a woman in a red dress"
    return [
        Row("twn_a", adapters[0], prompt, 7),
        Row("twn_b", adapters[1], prompt, 7),
        Row("twn_a", adapters[0], prompt, 8),
    ]


def never() -> bool:
    return False


def pixels(made: list[Drawn]) -> list[Rgb]:
    return [one.pixels for one in made]


def test_twins_in_one_batch_are_told_apart(bases: Bases, rows: list[Row], eye: Recognizer) -> None:
    one, other, again = pixels(make(bases.get("tiny"), rows, SAMPLER, eye, never))
    assert one.shape == (256, 256, 3)
    for left, right in ((one, other), (one, again)):
        assert np.abs(left.astype(int) - right).mean() > 1


def test_the_same_seeds_give_the_same_bytes(bases: Bases, rows: list[Row], eye: Recognizer) -> None:
    first = pixels(make(bases.get("tiny"), rows, SAMPLER, eye, never))
    second = pixels(make(bases.get("tiny"), rows, SAMPLER, eye, never))
    assert [one.tobytes() for one in first] == [one.tobytes() for one in second]


def test_a_picture_does_not_depend_on_its_neighbours(
    bases: Bases, rows: list[Row], eye: Recognizer
) -> None:
    """Sums of floats may fall differently in a batch of another size: one grey level at most."""
    together = pixels(make(bases.get("tiny"), rows, SAMPLER, eye, never))
    for row, picture in zip(rows, together, strict=True):
        (alone,) = pixels(make(bases.get("tiny"), [row], SAMPLER, eye, never))
        assert np.abs(alone.astype(int) - picture).max() <= 1


def test_a_base_is_bare_after_each_batch(bases: Bases, rows: list[Row], eye: Recognizer) -> None:
    pipeline = bases.get("tiny")
    make(pipeline, rows, SAMPLER, eye, never)
    with pytest.raises(Stopped):
        make(pipeline, rows, SAMPLER, eye, lambda: True)
    assert not [name for name, _ in pipeline.unet.named_parameters() if "lora" in name]


def test_weights_of_another_shape_are_refused(
    bases: Bases, rows: list[Row], eye: Recognizer
) -> None:
    with pytest.raises(AdapterUnusable):
        make(bases.get("tiny"), [Row("twn_c", b"\x08" + bytes(40), "x", 1)], SAMPLER, eye, never)
    assert len(make(bases.get("tiny"), rows[:1], SAMPLER, eye, never)) == 1


def test_only_rows_that_shall_look_like_somebody_are_drawn_again(
    bases: Bases, rows: list[Row], eye: Recognizer
) -> None:
    """A base of random weights draws nobody, so what is looked at is drawn as often as allowed."""
    nobody = Reference(np.zeros(128, np.float32), 0.4)
    asked = [rows[0], replace(rows[1], reference=nobody), rows[2]]
    sampler = replace(SAMPLER, tries=3)
    made = make(bases.get("tiny"), asked, sampler, eye, never)
    assert [one.tries for one in made] == [1, 3, 1]
    before = make(bases.get("tiny"), rows, sampler, eye, never)
    assert np.array_equal(made[0].pixels, before[0].pixels)


def test_without_memory_halves_are_made_once(
    bases: Bases, rows: list[Row], eye: Recognizer
) -> None:
    whole = pixels(make(bases.get("tiny"), rows, SAMPLER, eye, never))
    asked = []

    def first_time() -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise torch.OutOfMemoryError("no room")
        return False

    halves = pixels(make(bases.get("tiny"), rows, SAMPLER, eye, first_time))
    assert len(asked) == 1 + 2 * SAMPLER.steps
    for one, other in zip(whole, halves, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_without_memory_for_halves_it_fails(bases: Bases, rows: list[Row], eye: Recognizer) -> None:
    def always() -> bool:
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(OutOfMemory):
        make(bases.get("tiny"), rows, SAMPLER, eye, always)


def test_a_base_changed_on_disk_is_loaded_anew(bases: Bases, tiny_bases: Path) -> None:
    pipeline = bases.get("tiny")
    assert bases.get("tiny") is pipeline
    assert bases.kept == "tiny"
    note = tiny_bases / "tiny" / "README.md"
    digest = bases.digest("tiny")
    note.write_text("changed\n")
    try:
        assert bases.digest("tiny") != digest
        assert bases.get("tiny") is not pipeline
    finally:
        note.unlink()
    assert base.digest(tiny_bases / "tiny") == digest
