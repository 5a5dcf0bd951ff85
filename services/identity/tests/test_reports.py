"""What a capture set is judged by, on the photos of the sample talents as identity sees them."""

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import pytest
from house.people import SAMPLES
from identity.domain import coverage, quality, reports
from identity.domain.captures import CaptureSetInsufficient, Facts, Mark, Photo, SeenMark
from identity.domain.reports import CaptureReport
from identity.photos import Photographs, unpack_vector
from imaging.faces import Faces
from PIL import Image

Set = tuple[list[Photo], dict[str, quality.Vector]]
Take = Callable[[str, dict[str, Any], bytes], tuple[Photo, quality.Vector | None]]


@pytest.fixture(scope="session")
def take() -> Take:
    """Look at a photo as identity does; returns it and the vector of its face."""
    looker = Photographs(Faces())

    def _take(name: str, facts: dict[str, Any], content: bytes) -> Any:
        said = Facts(**facts)
        seen = asyncio.run(looker.look(content, said))
        now = datetime(2026, 1, 1, tzinfo=UTC)
        given = (f"pho_{name}", "cap_x", name, said, seen.measures, seen.perceptual_hash)
        vector = unpack_vector(seen.vector) if seen.vector else None
        return Photo(*given, "", "", now), vector

    return _take


def taken(take: Take, photos: list[dict[str, Any]], prefix: str = "") -> Set:
    """Look at photos."""
    found = [take(prefix + one["filename"], one["facts"], one["content"]) for one in photos]
    return [one for one, _ in found], {one.id: vector for one, vector in found if vector}


@pytest.fixture(scope="session")
def hers(take: Take, alba: list[dict[str, Any]]) -> Set:
    """Alba's set."""
    return taken(take, alba)


@pytest.fixture(scope="session")
def others(take: Take, cleo: list[dict[str, Any]]) -> Set:
    """Cleo's, under other names."""
    return taken(take, cleo, "cleo-")


def judged(*sets: Set, marks: tuple[Mark, ...] = ()) -> CaptureReport:
    """Judge photos of some sets as one."""
    photos = [photo for one, _ in sets for photo in one]
    vectors = {name: vector for _, found in sets for name, vector in found.items()}
    return reports.judge(marks, photos, vectors)


def without(one: Set, unwanted: Callable[[Facts], bool]) -> Set:
    """Leave photos out."""
    return [photo for photo in one[0] if not unwanted(photo.facts)], one[1]


def faults(report: CaptureReport) -> dict[str, tuple[str, ...]]:
    """Return what is wrong with photos, by file name."""
    return {photo.filename: photo.faults for photo in report.photos if photo.faults}


def lacking(report: CaptureReport, *, required: bool) -> list[str]:
    """Return what is lacking, in words."""
    return [lack.text for lack in report.lacks if lack.required is required]


@pytest.mark.parametrize("name", ["hers", "others"])
def test_the_sample_sets_pass_and_are_told_what_would_make_them_better(
    name: str, request: pytest.FixtureRequest
) -> None:
    report = judged(request.getfixturevalue(name))
    assert faults(report) == {}
    assert report.sufficient
    reports.require_sufficient(report)
    assert report.usable == 40
    assert report.compared >= 33
    assert lacking(report, required=False)[:2] == [
        "no left profile in hard side, golden hour or overcast light",
        "no right profile in hard side, golden hour or overcast light",
    ]
    assert report.next[0].text == "a left profile in hard side, golden hour and overcast light"


def test_the_map_holds_every_photo_once(hers: Set) -> None:
    report = judged(hers)
    assert sum(cell.photos for cell in report.cells) == 40
    assert len(report.cells) == 3 * 4 * 3 * 6
    front = next(cell for cell in report.cells if cell.photos > 1)
    assert (front.framing, front.lighting, front.yaw) == ("face", "studio soft", "front")
    wanted = {(cell.yaw, cell.lighting) for cell in report.cells if cell.wanted}
    assert ("left profile", "hard side") in wanted
    assert all(not cell.photos for cell in report.cells if cell.wanted)


def test_a_set_without_left_profiles_names_the_hole_and_asks_for_one_first(hers: Set) -> None:
    report = judged(without(hers, lambda facts: 65 <= facts.yaw < 110))
    assert lacking(report, required=True) == ["no left profile in any light"]
    with pytest.raises(CaptureSetInsufficient) as caught:
        reports.require_sufficient(report)
    assert caught.value.metadata["next"].startswith("a left profile; a right profile in hard side")
    assert "oddOnes" not in caught.value.metadata


@pytest.mark.parametrize(
    ("unwanted", "hole"),
    [
        (lambda facts: facts.framing == "full", "no full-body view in any light"),
        (lambda facts: facts.framing == "three-quarter", "no three-quarter-length view in any"),
        (lambda facts: facts.lighting != "overcast", "the face in overcast light only"),
        (lambda facts: facts.frontal and facts.lighting != "overcast", "3 close-ups from the"),
    ],
)
def test_what_no_set_may_lack(hers: Set, unwanted: Callable[[Facts], bool], hole: str) -> None:
    report = judged(without(hers, unwanted))
    assert not report.sufficient
    assert any(text.startswith(hole) for text in lacking(report, required=True))


def test_photos_of_another_person_are_found_out_and_named(hers: Set, others: Set) -> None:
    for numbers in ([3], [9, 22, 35], list(range(2, 5)) + list(range(21, 33))):
        mixed = ([others[0][number] for number in numbers], others[1])
        report = judged(mixed, hers)
        assert {photo.filename for photo in report.odd} == {
            f"cleo-{number:03d}.jpg" for number in numbers
        }
        with pytest.raises(CaptureSetInsufficient) as caught:
            reports.require_sufficient(report)
        named = caught.value.metadata["oddOnes"]
        assert named.startswith(f"pho_cleo-{numbers[0]:03d}.jpg cleo-{numbers[0]:03d}.jpg")
        assert caught.value.metadata["next"].startswith("the set without cleo-")
        assert len(named) < 2000


def test_who_a_set_is_of_needs_faces(hers: Set) -> None:
    report = judged((hers[0], {}))
    assert not report.sufficient
    assert "too few faces" in lacking(report, required=True)[0]


def changed(content: bytes, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """Change the pixels of a photo."""
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    out = io.BytesIO()
    Image.fromarray(change(pixels)).save(out, "PNG")
    return out.getvalue()


def exposed(stops: float) -> Callable[[np.ndarray], np.ndarray]:
    """Let more or less light in."""

    def change(pixels: np.ndarray) -> np.ndarray:
        light = np.clip((pixels / 255.0) ** 2.2 * 2.0**stops, 0, 1)
        return (light ** (1 / 2.2) * 255).astype(np.uint8)

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (exposed(-3), "dark"),
        (exposed(2), "bright"),
        (lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 0.7), "soft"),
    ],
)
def test_a_photo_too_dark_too_bright_or_soft_is_named_and_counts_for_nothing(
    take: Take, alba: list[dict[str, Any]], hers: Set, change: Any, fault: str
) -> None:
    whole = alba[12]
    content = changed(whole["content"], change)
    photo, vector = take(whole["filename"], whole["facts"], content)
    assert vector
    rest = [one for one in hers[0] if one.filename != whole["filename"]]
    report = judged(([*rest, photo], {**hers[1], photo.id: vector}))
    assert faults(report).keys() == {whole["filename"]}
    assert fault in faults(report)[whole["filename"]]  # what is dark may be soft as well
    assert report.usable == 39
    assert sum(cell.photos for cell in report.cells) == 39


def test_a_near_duplicate_is_named_with_the_photo_it_repeats(
    take: Take, alba: list[dict[str, Any]], hers: Set
) -> None:
    moved = changed(alba[3]["content"], lambda pixels: np.roll(pixels, 3, axis=1))
    photo, vector = take("burst.jpg", alba[3]["facts"], moved)
    assert vector
    report = judged(hers, ([photo], {photo.id: vector}))
    assert faults(report) == {"burst.jpg": ("near-duplicate",)}
    assert report.photos[-1].repeats == "pho_003.jpg"
    assert report.sufficient


def with_marks(one: Set, name: str) -> Set:
    """Let the photos say which marks they show."""
    lines = (SAMPLES / name / "photos.jsonl").read_text().splitlines()
    rows = {row["file"]: row for row in map(json.loads, lines)}
    noted = []
    for photo in one[0]:
        row = rows[photo.filename.removeprefix("cleo-")]
        seen = [
            SeenMark(mark["name"], 0.5, 0.5)
            for mark in row["marks"]
            if mark["in_frame"] and mark["visible"] >= 0.5
        ]
        noted.append(replace(photo, facts=replace(photo.facts, marks=tuple(seen))))
    return noted, one[1]


def test_every_mark_of_the_map_is_counted(hers: Set) -> None:
    marks = (Mark("birthmark", "upper lip right", 5.6), Mark("birthmark2", "right forearm", 10.6))
    report = judged(with_marks(hers, "alba"), marks=marks)
    assert [(mark.seen, mark.wanting) for mark in report.marks] == [(33, False), (7, False)]
    bare = without(with_marks(hers, "alba"), lambda facts: facts.framing == "three-quarter")
    few = judged(without(bare, lambda facts: facts.lighting != "studio soft"), marks=marks)
    found = {mark.name: mark for mark in few.marks}["birthmark2"]
    assert found.wanting
    assert any("birthmark2 on her right forearm is seen in" in lack.text for lack in few.lacks)


def test_marks_nobody_noted_are_not_held_against_a_set(hers: Set) -> None:
    report = judged(hers, marks=(Mark("scar", "left knee", 3),))
    assert not report.marks_noted
    assert not any("scar" in lack.text for lack in report.lacks)


@pytest.mark.parametrize(
    ("degrees", "name"),
    [
        (-88.6, "right profile"),
        (-42, "right half-profile"),
        (17.5, "front"),
        (46, "left half-profile"),
        (93.6, "left profile"),
        (181.7, "back"),
        (-179, "back"),
        (270, "right profile"),
        (360, "front"),
    ],
)
def test_an_angle_has_one_name(degrees: float, name: str) -> None:
    assert coverage.yaw_of(degrees) == name


def test_a_light_is_known_however_it_is_written() -> None:
    assert coverage.light_of("  Hard  SIDE light") == "hard side"
    assert coverage.light_of("") == "unnamed"
    shot = coverage.Shot("face", 0, 0, "Candle")
    assert {cell.lighting for cell in coverage.map_cells([shot])} == {*coverage.LIGHTS, "candle"}


def test_an_empty_set_is_judged_too() -> None:
    report = judged(([], {}))
    assert not report.sufficient
    assert report.next[0].text == "a front view"
    assert len(report.next) == reports.MOST_NEXT
