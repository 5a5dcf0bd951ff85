"""A base is trained from a folder of pictures: what is looked at, what is kept, what goes on."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from house import bases
from house.people import photos
from imaging.pictures import decode, encode_png, square
from imaging.pipeline.autoencoder import PatchAutoencoder
from training.pipeline.base_training import build, captions, data, figures, loop
from training.pipeline.base_training.data import Prepared
from training.pipeline.fidelity.grid import Cell

SHAPE = build.Shape(channels=(32, 64), text_width=32, text_layers=1, heads=2)
WIDER = build.Shape(channels=(64, 64), text_width=32, text_layers=1, heads=2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "tiny"
    bases.write_tiny(folder)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos of Alba, who does not exist, as anybody's corpus would lie."""
    folder = tmp_path_factory.mktemp("corpus")
    shown = photos("alba")[:12]
    lines = []
    for place, one in enumerate(shown):
        pixels = square(decode(one["content"], max_pixels=10**7), bases.SIDE_PX)
        (folder / f"{place:02}.png").write_bytes(encode_png(pixels))
        lines.append({"file": f"{place:02}.png", "caption": one["facts"]["caption"]})
    (folder / "meta.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def prepared(corpus: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return data.prepare(
        corpus, tmp_path_factory.mktemp("work"), size=256, seed=0, say=_nothing, start_from=tiny
    )


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _nothing(_: str) -> None:
    return


def test_a_face_is_marked_where_a_close_up_shows_one(prepared: Prepared) -> None:
    close = [captions.CLOSE_UP in text for text in prepared.captions]
    seen = (prepared.faces.flatten(1).amax(1) > 0).tolist()
    assert any(seen)
    assert not any(face and not near for face, near in zip(seen, close, strict=True))
    chances = dict(zip(seen, loop.chances(prepared), strict=True))
    assert chances == {True: 2.5, False: 1.0}
    share = (prepared.faces[seen.index(True)] > 0).float().mean()
    assert 0.02 < share < 0.5


def test_the_autoencoder_that_was_learned_with_is_kept(prepared: Prepared, tiny: Path) -> None:
    theirs = PatchAutoencoder.from_pretrained(tiny / "vae").float().state_dict()
    ours = prepared.autoencoder.float().state_dict()
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())


def test_a_wider_base_begins_with_what_fits(prepared: Prepared, tiny: Path) -> None:
    torch.manual_seed(1)
    trainee = loop.Trainee(prepared, WIDER)
    fresh = {name: value.clone() for name, value in trainee.unet.state_dict().items()}
    trainee.start_from(tiny)
    after = trainee.unet.state_dict()
    kept = [name for name, value in after.items() if not torch.equal(value, fresh[name])]
    assert any(name.startswith("mid_block") for name in kept)
    assert torch.equal(after["conv_in.weight"], fresh["conv_in.weight"])


def test_training_goes_on_where_it_was_left(prepared: Prepared, tmp_path: Path) -> None:
    plan = loop.Plan(tmp_path, minutes=10, batch=4, start_from=None)
    whole = loop.Training(prepared, plan, SHAPE, 0)
    first = [whole.advance(0.1) for _ in range(3)]
    whole.save()
    again = loop.Training(prepared, plan, SHAPE, 0)
    assert again.step == 3
    assert all(np.isfinite(first))
    assert loop.averaged(prepared, plan, SHAPE).training is False
    for name, value in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value)


def test_what_a_base_does_is_told_beside_what_its_corpus_shows() -> None:
    shown = photos("alba")[:12]
    cells = [
        Cell(one["facts"]["caption"], "face", "front", "", 0)
        for one in shown
        if one["facts"]["framing"] == "face"
    ]
    pictures = [decode(one["content"], max_pixels=10**7) for one in shown][: len(cells)]
    told = figures.measure(cells, pictures)
    assert told["one_face"]["front"]["pictures"] == len(cells)
    blank = figures.measure(cells, [np.full_like(one, 127) for one in pictures])
    assert blank["one_face"]["front"]["share"] == 0
    assert told["one_face"]["front"]["share"] > 0.5
    assert set(told["obedience"]) == {"face"}
