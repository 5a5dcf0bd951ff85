"""One engine, every family: trained, saved, loaded by render, and seen in a picture."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from diffusers import DiffusionPipeline
from house import families as tiny
from house.people import photos
from imaging.faces import Faces
from imaging.pictures import decode
from imaging.pipeline import families, generate
from imaging.pipeline.likest import Sampler
from imaging.pipeline.recognition import Recognizer
from render.pipeline.batch import Bases, Row, make
from training.pipeline import adapter
from training.pipeline.adapter import Photo, Plan

NAMES = ("sd", "sdxl", "sd3", "flux")
STEPS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("families")
    for name in NAMES:
        tiny.write(name, root / name)
    return root


@cache
def shown() -> tuple[Photo, ...]:
    rows = photos("alba")[:4] + photos("alba")[-2:]
    return tuple(
        Photo(decode(one["content"], max_pixels=10**7), one["facts"]["caption"]) for one in rows
    )


def never() -> bool:
    return False


def trained(folder: Path, name: str, work: Path, **changed: Any) -> adapter.Trained:
    plan = Plan(folder / name, work, steps=STEPS, rank=4, seed=3, batch=2, learning_rate=0.5)
    return adapter.train(
        replace(plan, **changed), shown(), progress=lambda _: None, should_stop=never
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_trained_and_its_twin_drawn(folder: Path, tmp_path: Path, name: str) -> None:
    made = trained(folder, name, tmp_path)
    assert families.of_folder(folder / name).kind == name
    assert np.isfinite(made.final_loss)
    bases, sampler = Bases(folder), Sampler(steps=2, guidance=2.5)
    prompt = "close-up portrait of a woman in a red dress, sosia"
    row = Row("twn_a", made.adapter, prompt, 7)
    twin = make(bases.get(name), [row], sampler, Recognizer(Faces()), never)[0].pixels
    pipeline = bases.get(name)
    (bare,) = generate.pictures(pipeline, [generate.Shot("", prompt, 7)], steps=2, guidance=2.5)
    assert twin.shape == (families.side_px(pipeline),) * 2 + (3,)
    assert np.abs(twin.astype(int) - bare).max() > 1
    _check_diffusers_takes_it(pipeline, made.adapter)


def _check_diffusers_takes_it(pipeline: DiffusionPipeline, data: bytes) -> None:
    """See that the file's names and values arrive by diffusers' own loader, all of them."""
    state = safetensors.torch.load(data)
    pipeline.load_lora_weights(dict(state), adapter_name="theirs")
    denoiser = families.denoiser(pipeline)
    part = families.part_of(denoiser)
    loaded = {
        f"{part}.{key.replace('.theirs', '')}": value
        for key, value in denoiser.named_parameters()
        if "lora_" in key
    }
    assert loaded.keys() == state.keys()
    assert all(torch.allclose(loaded[key], value.float()) for key, value in state.items())
    pipeline.unload_lora_weights()
