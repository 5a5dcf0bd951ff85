"""Formats: where they are cut, and what their credentials say."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import c2pa  # type: ignore[import-untyped]
import pytest
from render.domain.formats import FORMATS
from render.domain.judging import Outcome
from render.domain.verdicts import Candidate, Seal, verdict
from render.pipeline.marking import cropping
from render.pipeline.marking.authority import SigningCredentials
from render.pipeline.marking.cropping import NoCrop, window
from render.pipeline.marking.examine import Reader, examine
from render.pipeline.marking.mark import Marked, Marker
from render.pipeline.marking.request import Box, MarkRequest, Pixels
from render.pipeline.marking.watermark import SpreadSpectrum

Draw = Callable[[int, int], Pixels]
FACE = (120, 40, 200, 140)
GARMENT = (60, 140, 260, 640)
SIZE = (512, 640)


@pytest.fixture(scope="module")
def cut(
    marker: Marker, marked: Marked, scene: Draw, request_of: Callable[..., MarkRequest]
) -> Marked:
    """The tall format of the finished picture, under a number of its own."""
    part = cropping.crop(scene(1, 1024), (9, 16), (), ())
    request = request_of(render_id=marked.rights.render_id, asset_number=505)
    return marker.mark(part.pixels, request, marked.data)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_its_ratio_and_holds_the_face(name: str) -> None:
    across, down = FORMATS[name]
    left, top, right, bottom = window(SIZE, (across, down), (FACE,), (GARMENT,))
    assert 0 <= left < right <= SIZE[0]
    assert 0 <= top < bottom <= SIZE[1]
    assert abs((right - left) * down - (bottom - top) * across) < max(across, down)
    assert (right - left, bottom - top)[across < down] in SIZE  # as large as can be
    assert left <= FACE[0]
    assert top <= FACE[1]
    assert right >= FACE[2]
    assert bottom >= FACE[3]


def test_of_the_places_that_hold_the_face_the_one_with_most_product_is_taken() -> None:
    face: Box = (10, 0, 60, 60)
    assert window((300, 100), (1, 1), (face,), ((50, 0, 90, 100),)) == (4, 0, 104, 100)
    right: Box = (110, 0, 160, 60)
    assert window((300, 100), (1, 1), (right,), ((60, 0, 90, 100),))[0] == 66
    assert window((300, 100), (1, 1), (), ()) == (100, 0, 200, 100)


def test_a_face_is_never_cut() -> None:
    with pytest.raises(NoCrop):
        window((640, 360), (9, 16), ((100, 50, 400, 300),), ())
    with pytest.raises(NoCrop):
        window((640, 360), (1, 1), ((10, 50, 60, 90), (580, 50, 630, 90)), ())


def test_boxes_move_with_the_crop(scene: Draw) -> None:
    part = cropping.crop(scene(1, 256), (9, 16), ((100, 20, 150, 80),), ((0, 80, 256, 256),))
    assert part.pixels.shape == (256, 144, 3)
    left = 100 - part.faces[0][0]
    assert part.faces == ((100 - left, 20, 150 - left, 80),)
    assert part.products == ((0, 80, 144, 256),)


def test_a_format_is_signed_as_a_crop_of_the_whole(
    cut: Marked, marked: Marked, signing: SigningCredentials, reader: Reader
) -> None:
    settings = {"trust": {"trust_anchors": signing.anchors.decode()}}
    with c2pa.Context.from_dict(settings) as context:
        store = json.loads(c2pa.Reader("image/jpeg", BytesIO(cut.data), context=context).json())
    assert store["validation_state"] == "Trusted"
    manifest = store["manifests"][store["active_manifest"]]
    whole, trained = sorted(manifest["ingredients"], key=lambda one: one["relationship"])[::-1]
    assert (whole["relationship"], trained["relationship"]) == ("parentOf", "inputTo")
    assert whole["active_manifest"] == marked.manifest.id
    named = {one["label"]: one["data"] for one in manifest["assertions"]}
    actions = [one["action"] for one in named["c2pa.actions.v2"]["actions"]]
    assert actions == ["c2pa.opened", "c2pa.cropped", "c2pa.watermarked.bound"]
    found = examine(cut.data, reader).layers
    assert found.credentials.seal is Seal.TRUSTED
    assert found.credentials.rights == cut.rights
    assert found.watermark == cut.watermark == 505 != marked.watermark


def test_a_format_is_verified_beside_the_whole(
    cut: Marked, registry: list[Candidate], reader: Reader
) -> None:
    record = Candidate(
        cut.rights,
        cut.fingerprint,
        cut.keyed_fingerprint,
        cut.sha256,
        cut.outline,
        SpreadSpectrum.name,
    )
    answer = verdict(examine(cut.data, reader).layers, [*registry, record])
    assert (answer.outcome, answer.record) == (Outcome.VERIFIED, record)


def test_a_copy_that_looks_like_the_whole_and_like_a_format_of_it_is_still_found(
    marked: Marked, registry: list[Candidate], resave: Callable[..., bytes], reader: Reader
) -> None:
    """A square format of a square picture: two files of one render look alike."""
    one = registry[0]
    twin = replace(one, rights=marked.rights, sha256="0" * 64)
    layers = examine(resave(marked.data, 60, 0.1), reader).layers
    assert layers.watermark is None
    answer = verdict(layers, [twin, *registry])
    assert answer.outcome is Outcome.RECOVERED
    assert answer.record is not None
    assert answer.record.rights.render_id == marked.rights.render_id
