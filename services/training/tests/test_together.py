"""Several twins in one run are those of runs of their own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from house.people import photos
from imaging.failures import Stopped
from imaging.pictures import decode
from imaging.pipeline.families import Kind
from training.pipeline import adapter, devices, together
from training.pipeline.adapter import Photo

WAY = replace(devices.way("cpu", Kind.MINI), half=False)
"""Sums in bfloat16 fall differently in a batch of another size."""


def shown(name: str) -> list[Photo]:
    return [
        Photo(decode(one["content"], max_pixels=10**7), one["facts"]["caption"])
        for one in photos(name)[:3]
    ]


def never() -> bool:
    return False


def alone(folder: Path, work: Path, of_one: Sequence[Photo]) -> bytes:
    plan = adapter.Plan(folder, work, steps=4, rank=2, seed=3, batch=2, way=WAY)
    return adapter.train(plan, of_one, progress=lambda _: None, should_stop=never).adapter


def _apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Return the squared distance of two adapters."""
    return sum(float((one[key] - other[key]).float().square().sum()) for key in one)


def test_twins_trained_together_are_those_trained_alone(tiny_bases: Path, tmp_path: Path) -> None:
    folder, people = tiny_bases / "tiny", [shown("alba"), shown("cleo")]
    plan = together.Plan(folder, steps=4, seed=3, rank=2, batch=2, way=WAY)
    made = together.train(plan, people, should_stop=never)
    assert made[0] != made[1]
    for number, (data, of_one) in enumerate(zip(made, people, strict=True)):
        mine = safetensors.torch.load(data)
        theirs = safetensors.torch.load(alone(folder, tmp_path / str(number), of_one))
        assert mine.keys() == theirs.keys()
        grown = [key for key in mine if "lora_B" in key]
        other = safetensors.torch.load(made[1 - number])
        moved = sum(float(mine[key].float().square().sum()) for key in grown)
        assert _apart(mine, theirs) < 5e-3 * moved  # Adam's first steps follow signs, and are few
        assert _apart(mine, other) > 0.1 * moved


def test_a_base_of_several_sizes_and_a_stop_are_told(tiny_bases: Path, tmp_path: Path) -> None:
    plan = together.Plan(tiny_bases / "tiny", steps=4, seed=3)
    with pytest.raises(Stopped):
        together.train(plan, [shown("alba")], should_stop=lambda: True)
    from house import families  # noqa: PLC0415

    families.write("sdxl", tmp_path / "sdxl")
    with pytest.raises(ValueError, match="several sizes"):
        together.train(replace(plan, base=tmp_path / "sdxl"), [shown("alba")], should_stop=never)
    assert torch.is_grad_enabled()
