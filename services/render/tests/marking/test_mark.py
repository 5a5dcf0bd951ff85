import hashlib
import json
from collections.abc import Callable
from io import BytesIO

import c2pa  # type: ignore[import-untyped]
import cv2
import numpy as np
import pytest
from PIL import Image
from render.domain.judging import Outcome
from render.domain.verdicts import Candidate, Layers, Seal, verdict
from render.pipeline.marking.authority import SigningCredentials
from render.pipeline.marking.draft import draft
from render.pipeline.marking.examine import Reader, Unreadable, examine
from render.pipeline.marking.fingerprint import SAME_PICTURE_BITS, distance, fingerprint
from render.pipeline.marking.mark import Marked, Marker, WatermarkLost
from render.pipeline.marking.request import MarkRequest, Pixels
from render.pipeline.marking.watermark import SpreadSpectrum

Draw = Callable[[int, int], Pixels]


def test_what_leaves_is_what_was_signed_and_hashed(
    marked: Marked,
    reader: Reader,
    pixels_of: Callable[[bytes], Pixels],
) -> None:
    assert marked.sha256 == hashlib.sha256(marked.data).hexdigest()
    assert marked.size == (1024, 1024)
    found = examine(marked.data, reader)
    assert found.layers.credentials.seal is Seal.TRUSTED
    assert found.layers.credentials.rights == marked.rights
    assert found.layers.watermark == marked.watermark
    assert found.layers.fingerprint == marked.fingerprint == fingerprint(pixels_of(marked.data))
    assert found.layers.named_render == marked.rights.render_id
    assert found.metadata.fields["plus:ModelReleaseID"] == ("rcp_alba_1",)


def test_every_step_is_timed(marked: Marked) -> None:
    steps = ["label", "watermark", "encode", "read_back", "fingerprint", "credentials"]
    assert list(marked.seconds) == steps
    assert sum(marked.seconds.values()) > 0


def test_label_stays_off_the_face(
    marker: Marker, scene: Draw, request_of: Callable[..., MarkRequest]
) -> None:
    face = (0, 600, 1024, 1024)
    box = marker.mark(scene(3, 1024), request_of(faces=(face,))).label_box
    assert box[3] <= face[1]


def test_marking_differs_only_a_little_outside_the_label(
    marked: Marked, scene: Draw, pixels_of: Callable[[bytes], Pixels]
) -> None:
    after = pixels_of(marked.data).astype(np.float64)
    left, top, right, bottom = marked.label_box
    error = after - scene(1, 1024)
    error[top:bottom, left:right] = 0
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 36


def test_a_picture_that_loses_its_number_never_leaves(
    marker: Marker, scene: Draw, request_of: Callable[..., MarkRequest]
) -> None:
    with pytest.raises(WatermarkLost):
        marker.mark(scene(1, 24), request_of())


def _blocks(seed: int) -> Pixels:
    """Draw what a base of random weights draws: 256 pixels of loud blocks, no two alike."""
    random = np.random.default_rng(seed)
    coarse = random.normal(0, 1, (8, 5, 5)).astype(np.float32)
    drawn = [cv2.resize(one, (16, 16), interpolation=cv2.INTER_CUBIC) for one in coarse]
    weights = random.normal(0, 20, (16, 16, 8))
    grey = np.einsum("yxk,kab->yaxb", weights, np.stack(drawn)).reshape(256, 256)
    return np.repeat(np.clip(128 + grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("seed", range(4))
def test_texture_that_drowns_a_mark_gets_a_louder_one(
    marker: Marker,
    codec: SpreadSpectrum,
    request_of: Callable[..., MarkRequest],
    pixels_of: Callable[[bytes], Pixels],
    seed: int,
) -> None:
    gentle = codec.embed(_blocks(seed), 71_234_567)
    assert codec.read(gentle) is None  # or this test shows nothing
    marked = marker.mark(_blocks(seed), request_of())
    assert codec.read(pixels_of(marked.data)) == 71_234_567


def test_the_released_file_is_verified(
    marked: Marked, registry: list[Candidate], look: Callable[[bytes], Layers]
) -> None:
    layers = look(marked.data)
    answer = verdict(layers, registry)
    assert (answer.outcome, answer.record) == (Outcome.VERIFIED, registry[0])


@pytest.mark.parametrize(("quality", "scale"), [(90, 1.0), (70, 1.0), (70, 0.5), (50, 0.5)])
def test_a_resave_is_recovered(
    marked: Marked,
    registry: list[Candidate],
    look: Callable[[bytes], Layers],
    resave: Callable[..., bytes],
    quality: int,
    scale: float,
) -> None:
    layers = look(resave(marked.data, quality, scale))
    answer = verdict(layers, registry)
    assert layers.watermark == marked.watermark
    assert (answer.outcome, answer.record) == (Outcome.RECOVERED, registry[0])


def test_an_unrelated_picture_is_unknown(
    registry: list[Candidate],
    look: Callable[[bytes], Layers],
    scene: Draw,
    resave: Callable[..., bytes],
) -> None:
    layers = look(resave(scene(9, 1024)))
    assert verdict(layers, registry).outcome is Outcome.UNKNOWN


def test_the_number_of_one_picture_in_another_is_suspect(
    registry: list[Candidate],
    codec: SpreadSpectrum,
    look: Callable[[bytes], Layers],
    scene: Draw,
    resave: Callable[..., bytes],
) -> None:
    forged = codec.embed(scene(9, 1024), registry[0].rights.asset_number)
    layers = look(resave(forged, 95))
    assert layers.watermark == registry[0].rights.asset_number
    assert verdict(layers, registry).outcome is Outcome.SUSPECT


def test_changed_pixels_under_credentials_are_suspect(
    marked: Marked, registry: list[Candidate], look: Callable[[bytes], Layers]
) -> None:
    """The picture's own data is replaced by that of a re-save, its credentials kept."""
    out = BytesIO()
    Image.open(BytesIO(marked.data)).save(out, "JPEG", quality=80)
    scan = out.getvalue()
    head, at = [], 2
    while marked.data[at + 1] in range(0xE0, 0xF0):
        size = int.from_bytes(marked.data[at + 2 : at + 4], "big") + 2
        head.append(marked.data[at : at + size])
        at += size
    layers = look(scan[:2] + b"".join(head) + scan[2:])
    answer = verdict(layers, registry)
    assert layers.credentials.seal is Seal.INVALID
    assert (answer.outcome, answer.record) == (Outcome.SUSPECT, None)


def test_fingerprints_tell_pictures_apart(
    marked: Marked, scene: Draw, resave: Callable[..., bytes], pixels_of: Callable[[bytes], Pixels]
) -> None:
    again = fingerprint(pixels_of(resave(marked.data, 50, 0.5)))
    assert distance(marked.fingerprint, again) <= SAME_PICTURE_BITS
    for seed in range(20, 30):
        assert distance(marked.fingerprint, fingerprint(scene(seed, 512))) > 2 * SAME_PICTURE_BITS


def test_a_draft_is_small_and_says_so(marked: Marked) -> None:
    with Image.open(BytesIO(draft(marked.data))) as small:
        assert small.size == (512, 512)
        assert "xmp" not in small.info
        whole = Image.open(BytesIO(marked.data)).resize((512, 512), Image.Resampling.LANCZOS)
        change = np.abs(np.asarray(small, float) - np.asarray(whole, float)).mean(axis=2)
    assert (change > 15).mean() > 0.08


def test_a_draft_of_a_small_picture_is_smaller(scene: Draw, resave: Callable[..., bytes]) -> None:
    with Image.open(BytesIO(draft(resave(scene(1, 256))))) as small:
        assert small.size == (128, 128)


def no_picture() -> list[bytes]:
    """Files that must be refused: none, junk, a half one, a bomb, another format."""
    plain, bomb, moving = BytesIO(), BytesIO(), BytesIO()
    Image.new("RGB", (64, 64)).save(plain, "JPEG")
    Image.new("1", (7_200, 7_200)).save(bomb, "PNG")
    Image.new("P", (64, 64)).save(moving, "GIF")
    half = plain.getvalue()[: len(plain.getvalue()) // 2]
    return [b"", b"junk" * 50, half, bomb.getvalue(), moving.getvalue()]


@pytest.mark.parametrize("data", no_picture())
def test_what_is_no_picture_is_refused(data: bytes, look: Callable[[bytes], Layers]) -> None:
    with pytest.raises(Unreadable):
        look(data)


def test_the_capture_set_is_an_ingredient_by_its_hash_alone(
    marked: Marked, signing: SigningCredentials
) -> None:
    settings = {"trust": {"trust_anchors": signing.anchors.decode()}}
    with c2pa.Context.from_dict(settings) as context:
        store = json.loads(c2pa.Reader("image/jpeg", BytesIO(marked.data), context=context).json())
    assert store["validation_state"] == "Trusted"
    (source,) = store["manifests"][store["active_manifest"]]["ingredients"]
    assert source["instance_id"] == "urn:sha256:" + "5e" * 32
    assert source["relationship"] == "inputTo"
    assert not {"thumbnail", "data", "manifest_data"} & set(source)
