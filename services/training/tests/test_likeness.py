"""Captions, folders of runs, and the people a twin is compared with."""

from pathlib import Path

import numpy as np
import pytest
from house.people import photos
from imaging.faces import Faces
from imaging.failures import Stopped
from imaging.pictures import decode
from imaging.pipeline import adapters, base
from kit.errors import FieldInvalid
from kit.fields import check_id, is_id
from training.domain.captions import Facts, caption_of, view_of
from training.making import load_cohort
from training.pipeline import adapter, likeness
from training.pipeline.adapter import Photo
from training.workplace import Workplace

RUN = "run_01m88jc25phky6yjve6cvsyw6v"


def shown(name: str) -> list[Photo]:
    """Return a sample talent's close-ups from the front."""
    rows = [one for one in photos(name) if one["facts"]["framing"] == "face"]
    return [
        Photo(decode(one["content"], max_pixels=10**7), one["facts"]["caption"])
        for one in rows
        if abs(one["facts"]["yaw"]) < 30
    ][:4]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            Facts("face", -86.8, "studio soft", "stand", "a woman in a camel skirt, standing"),
            "close-up portrait of a woman in a camel skirt, standing, profile view,"
            " studio soft light",
        ),
        (
            Facts("full", 180, "Overcast light", "hand_on_hip", "A man wearing black  jeans; x"),
            "full-body photo of a man in a black jeans, with a hand on the hip, back view,"
            " overcast light",
        ),
        (Facts("three-quarter", 358, "", "", ""), "three-quarter shot of a person, front view"),
        (Facts("face", 0, "", "turning_round", "x"), "close-up portrait of a person,"
            " turning round, front view"),
    ],
)  # fmt: skip
def test_a_caption_says_what_was_said(facts: Facts, expected: str) -> None:
    assert caption_of(facts) == expected


def test_views_are_named_alike_from_both_sides() -> None:
    for yaw, view in ((0, "front"), (40, "three-quarter"), (90, "profile"), (180, "back")):
        assert {view_of(yaw), view_of(-yaw), view_of(yaw - 360)} == {view}


def test_every_sample_photo_is_captioned_as_its_photographer_did() -> None:
    for one in photos("alba"):
        facts = one["facts"]
        keys = ("framing", "yaw", "lighting", "pose", "caption")
        made = caption_of(Facts(**{key: facts[key] for key in keys}))
        said = facts["caption"].split(", ")
        assert made.split(", ")[0] in said[0]
        assert "woman" in made


def test_an_id_is_of_its_kind() -> None:
    assert is_id("run", RUN)
    for text in ("", "run_", RUN.upper(), RUN + "x", RUN[:-1] + "u", RUN + "\n", "../" + RUN):
        assert not is_id("run", text)
    with pytest.raises(FieldInvalid, match="capture set"):
        check_id("cap", RUN, "capture_set_id", what="a capture set")


def test_an_attempt_goes_on_from_the_newest_checkpoint_and_leaves_it_alone(tmp_path: Path) -> None:
    place = Workplace(tmp_path / "work")
    (place.prepare(RUN, 1) / "checkpoint.pt").write_text("first")
    assert place.find() == [RUN]
    second = place.prepare(RUN, 2)
    assert (second / "checkpoint.pt").read_text() == "first"
    (second / "checkpoint.pt").write_text("second")
    third = place.prepare(RUN, 3)
    assert [path.name for path in third.iterdir()] == ["checkpoint.pt"]
    assert (third / "checkpoint.pt").read_text() == "second"
    assert (tmp_path / "work" / RUN / "1" / "checkpoint.pt").read_text() == "first"
    assert (tmp_path / "work").stat().st_mode & 0o077 == 0
    (tmp_path / "work" / "lost+found").mkdir()
    place.remove(RUN)
    place.remove(RUN)
    assert place.find() == []


def test_the_cohort_is_of_many_people_who_differ() -> None:
    cohort = load_cohort()
    assert cohort.shape[0] >= 50
    assert cohort.shape[1] == 128
    apart = np.linalg.norm(cohort[:, None] - cohort[None], axis=2)
    assert np.median(apart[np.triu_indices(len(cohort), 1)]) > 0.5


def test_her_own_photos_are_nearer_to_her_than_to_anybody_of_the_cohort() -> None:
    faces, cohort, alba, cleo = Faces(), load_cohort(), shown("alba"), shown("cleo")
    herself = likeness.measure(faces, [photo.pixels for photo in alba[:2]], alba[2:], cohort)
    assert herself.own < herself.nearest_other
    assert (herself.faces, herself.renders) == (2, 2)
    other = likeness.measure(faces, [photo.pixels for photo in cleo[:2]], alba[2:], cohort)
    assert other.own > herself.own + 0.1


def test_pictures_without_a_face_have_no_likeness() -> None:
    blank = np.zeros((256, 256, 3), np.uint8)
    found = likeness.measure(Faces(), [blank], [Photo(blank, "")], load_cohort())
    assert (found.own, found.nearest_other, found.faces, found.renders) == (0, 0, 0, 1)


@pytest.mark.parametrize("asked", [20, 52], ids=["drawing clothes", "training"])
def test_a_run_stops_at_the_next_step_of_whatever_it_does(
    tiny_bases: Path, tmp_path: Path, asked: int
) -> None:
    plan = adapter.Plan(tiny_bases / "tiny", tmp_path, steps=60, rank=2, seed=1)
    asks, told = [], []

    def should_stop() -> bool:
        asks.append(1)
        return len(asks) >= asked

    with pytest.raises(Stopped):
        adapter.train(plan, shown("alba"), progress=told.append, should_stop=should_stop)
    assert len(asks) == asked
    assert not told


def test_close_ups_stop_at_the_next_step(tiny_bases: Path) -> None:
    pipeline = base.load(tiny_bases / "tiny")
    adapters.attach(pipeline.unet, adapter.NAME, rank=2)
    asks: list[int] = []

    def should_stop() -> bool:
        asks.append(1)
        return len(asks) >= 3

    with pytest.raises(Stopped):
        likeness.close_ups(pipeline, "woman", seed=1, should_stop=should_stop)
    assert len(asks) == 3
