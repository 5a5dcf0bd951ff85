"""The engine's promises: the same weights after a stop, the best of a run, shapes, devices."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from house import families as tiny
from house.people import photos
from imaging.faces import Faces
from imaging.failures import BaseUnusable, Stopped
from imaging.pictures import decode
from imaging.pipeline import adapters, base, families
from imaging.pipeline.families import FAMILIES, Kind
from training.pipeline import adapter, album, buckets, devices, objectives
from training.pipeline.adapter import Photo, Plan
from training.pipeline.best import Ended
from training.pipeline.measures import QuickLook, Seen
from training.pipeline.recipes import RECIPES

MINI = Path(__file__).resolve().parents[3] / "models" / "mini"
STEPS = 10
_photos = [*photos("alba")[:3], *photos("alba")[-1:]]


@pytest.fixture(scope="module")
def sd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "sd"
    tiny.write("sd", folder)
    return folder


@pytest.fixture(scope="module")
def shown() -> list[Photo]:
    return [
        Photo(decode(one["content"], max_pixels=10**7), one["facts"]["caption"]) for one in _photos
    ]


class Distance:
    """Measures how far an adapter is from a given strength: near, nearest, far, as it grows."""

    def __init__(self, wanted: float, obeyed: Callable[[float], float] = lambda _: 1.0) -> None:
        self.wanted, self.obeyed = wanted, obeyed
        self.strengths: list[float] = []

    def prepare(self, pipeline: DiffusionPipeline, should_stop: Callable[[], bool]) -> None:
        assert not hasattr(families.denoiser(pipeline), "peft_config")

    def look(self, pipeline: DiffusionPipeline, name: str, should_stop: Callable[[], bool]) -> Seen:
        values = adapters.weights(families.denoiser(pipeline))
        grown = [value for key, value in values.items() if "lora_B" in key]
        strength = sum(float(value.detach().square().sum()) for value in grown) ** 0.5
        self.strengths.append(strength)
        return Seen(abs(strength - self.wanted), self.obeyed(strength))


def plan(folder: Path, work: Path, **changed: Any) -> Plan:
    usual = Plan(
        folder,
        work,
        steps=STEPS,
        rank=2,
        seed=5,
        batch=2,
        learning_rate=0.02,
        checkpoint_every=1,
        looks_apart=1,
    )
    return replace(usual, **changed)


def train(
    plan: Plan, shown: list[Photo], *, measure: Any = None, until: int = 10**9
) -> adapter.Trained:
    """Train; should the run ask `until` times whether to stop, it is told to."""
    asks: list[int] = []

    def should_stop() -> bool:
        asks.append(1)
        return len(asks) >= until

    return adapter.train(
        plan, shown, progress=lambda _: None, should_stop=should_stop, measure=measure
    )


def test_a_stopped_run_goes_on_to_the_bytes_of_one_that_was_not(
    sd: Path, shown: list[Photo], tmp_path: Path
) -> None:
    """With everything a resumption could forget: the mean of weights, the best, the marks."""
    whole = train(plan(sd, tmp_path / "whole"), shown, measure=Distance(0.3))
    work, stops = tmp_path / "parts", 0
    while True:
        try:
            parts = train(plan(sd, work), shown, measure=Distance(0.3), until=48 + 4)
            break
        except Stopped:
            stops += 1
    assert stops >= 2
    assert parts.adapter == whole.adapter
    assert (parts.marks, parts.best_step, parts.ended) == (
        whole.marks, whole.best_step, whole.ended,
    )  # fmt: skip


def test_the_best_weights_are_kept_not_the_last(
    sd: Path, shown: list[Photo], tmp_path: Path
) -> None:
    trial = Distance(0.0)
    train(plan(sd, tmp_path / "trial"), shown, measure=trial)
    assert trial.strengths == sorted(trial.strengths)
    measure = Distance(trial.strengths[2])
    made = train(plan(sd, tmp_path / "best"), shown, measure=measure)
    assert made.best_step == made.marks[2].step < made.steps
    worn = Distance(0.0)
    worn.look(made.pipeline, adapter.NAME, lambda: False)
    assert worn.strengths == [trial.strengths[2]]


def test_a_run_ends_when_she_comes_no_nearer(sd: Path, shown: list[Photo], tmp_path: Path) -> None:
    made = train(plan(sd, tmp_path), shown, measure=Distance(0.0))
    assert (made.ended, made.best_step) == (Ended.LIKENESS, made.marks[0].step)
    assert made.steps == made.marks[2].step < STEPS
    again = train(plan(sd, tmp_path), shown, measure=Distance(0.0))
    assert (again.adapter, again.steps) == (made.adapter, made.steps)


def test_a_run_ends_when_prompts_are_followed_less(
    sd: Path, shown: list[Photo], tmp_path: Path
) -> None:
    trial = Distance(9.0)
    train(plan(sd, tmp_path / "trial"), shown, measure=trial)
    limit = trial.strengths[1]
    measure = Distance(9.0, obeyed=lambda strength: 1.0 if strength <= limit else 0.5)
    made = train(plan(sd, tmp_path / "run"), shown, measure=measure)
    assert (made.ended, made.best_step) == (Ended.PROMPTS, made.marks[1].step)


def test_activations_computed_anew_change_nothing(
    sd: Path, shown: list[Photo], tmp_path: Path
) -> None:
    way = devices.way("cpu", Kind.SD)
    plain = train(plan(sd, tmp_path / "plain", steps=3, way=way), shown)
    saving = replace(way, checkpointing=True, parking=True)
    saved = train(plan(sd, tmp_path / "saved", steps=3, way=saving), shown)
    assert saved.final_loss == pytest.approx(plain.final_loss, rel=1e-3)
    assert saved.pipeline.unet.is_gradient_checkpointing


def test_only_on_a_gpu_weights_are_halved_and_large_bases_spared() -> None:
    assert devices.way("cpu", Kind.FLUX).dtype is torch.float32
    for kind in Kind:
        way = devices.way("cuda", kind)
        assert way.dtype is torch.bfloat16
        assert way.checkpointing == way.parking == (kind is not Kind.MINI)


def test_every_family_has_a_recipe() -> None:
    assert set(RECIPES) == set(FAMILIES) == set(Kind)
    assert all(one.worn + one.others < 0.5 for one in RECIPES.values())


def test_pictures_keep_their_shape_where_the_base_knows_others() -> None:
    sizes = buckets.sizes(1024, 64)
    assert all(h * w <= 1024**2 and h % 64 == w % 64 == 0 for h, w in sizes)
    assert buckets.nearest(sizes, 640, 512) == (1152, 896)
    assert buckets.nearest(sizes, 500, 500) == (1024, 1024)
    assert buckets.nearest(sizes, 100, 900) == (768, 1344)
    rgb = np.zeros((640, 512, 3), np.uint8)
    rgb[310:330, 246:266] = 255
    filled = buckets.fill(rgb, (1152, 896))
    assert filled.shape == (1152, 896, 3)
    assert filled[576, 448].min() == 255


def test_a_batch_is_of_one_shape_and_all_shapes_come(tmp_path: Path, shown: list[Photo]) -> None:
    tiny.write("sdxl", tmp_path / "sdxl")
    pipeline = base.load(tmp_path / "sdxl")
    wide = Photo(np.ascontiguousarray(shown[0].pixels[:300]), shown[0].caption)
    lessons = album.lessons_of([*shown, wide], [], RECIPES[Kind.SDXL])
    made = album.Album(pipeline, lessons, dropout=0.5)
    assert made.sizes == 2
    assert len(made) == len(shown) + 1
    chance = random.Random(1)
    drawn = [made.draw(chance, 3) for _ in range(30)]
    assert len({one.clean.shape for one in drawn}) == 2
    for one in drawn:
        assert one.regard.shape == (3, 1, *one.clean.shape[-2:])
        assert one.told.pooled is not None
        assert len(one.told.words) == 3


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("epsilon", [5 / 99, 1.0, 1.0]),
        ("v_prediction", [5 / 100, 0.5, 0.01 / 1.01]),
        ("sample", [5.0, 2.0, 1.01]),
    ],
)
def test_no_time_of_a_schedule_dominates(kind: str, expected: list[float]) -> None:
    ratios = torch.tensor([99.0, 1.0, 0.01], dtype=torch.float64)
    kept = (ratios / (ratios + 1)).sqrt()
    weights = objectives.min_snr_weights(kept, kind, 5.0)
    assert torch.allclose(weights, torch.tensor(expected, dtype=torch.float64))


def test_a_right_answer_gives_the_clean_picture_back() -> None:
    """What each objective wants is what turns its noised picture back into the clean one."""
    alphas = torch.linspace(0.99, 0.01, 100)
    clean, chance = torch.randn(64, 2, 4, 4), torch.Generator().manual_seed(1)
    for kind in ("epsilon", "v_prediction", "sample"):
        asked = objectives.Diffusion(alphas, kind, 5.0).ask(clean, chance)
        kept = alphas[asked.time].view(-1, 1, 1, 1).sqrt()
        lost = (1 - kept**2).sqrt()
        back = {
            "epsilon": (asked.noisy - lost * asked.wanted) / kept,
            "v_prediction": kept * asked.noisy - lost * asked.wanted,
            "sample": asked.wanted,
        }[kind]
        assert torch.allclose(back, clean, atol=1e-4)
    asked = objectives.Flow(torch.linspace(1, 0.01, 100), 0.0, scale=100.0).ask(clean, chance)
    back = asked.noisy - (asked.time / 100).view(-1, 1, 1, 1) * asked.wanted
    assert torch.allclose(back, clean, atol=1e-4)


def test_a_pipeline_of_no_known_family_is_refused(sd: Path, tmp_path: Path) -> None:
    index = (sd / "model_index.json").read_text()
    (tmp_path / "model_index.json").write_text(
        index.replace("StableDiffusionPipeline", "KandinskyPipeline")
    )
    with pytest.raises(BaseUnusable, match="no family"):
        families.of_folder(tmp_path)


def test_a_quick_look_sees_that_nobody_is_she_yet_and_that_colours_are_followed(
    shown: list[Photo],
) -> None:
    """On the real small base: its own people wear what is asked and are strangers to her."""
    pipeline = base.load(MINI)
    look = QuickLook(Faces(), shown, subject="woman", seed=4)
    look.prepare(pipeline, lambda: False)
    adapters.attach(pipeline.unet, adapter.NAME, rank=2)
    state = torch.get_rng_state()
    seen = look.look(pipeline, adapter.NAME, lambda: False)
    assert torch.equal(torch.get_rng_state(), state)
    assert seen.own is not None
    assert seen.own > 0.5
    assert seen.obeyed >= 5 / 6
    asks: list[int] = []

    def should_stop() -> bool:
        asks.append(1)
        return len(asks) >= 3

    with pytest.raises(Stopped):
        look.look(pipeline, adapter.NAME, should_stop)
    assert len(asks) == 3
