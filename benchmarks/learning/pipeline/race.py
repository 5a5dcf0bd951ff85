"""How soon a twin is herself: ours beside diffusers' own DreamBooth-LoRA recipe.

Both are trained on the same base, photos and rank, in turn, on one thread, and the same twelve
close-ups are looked at along the way. Seconds are processor seconds of training
alone: set-up (the wardrobe that ours draws first) is told apart, looking is not counted.

The recipe is the loop of diffusers' train_dreambooth_lora.py, written anew: one prompt for all
photos, LoRA on the attention's projections with Gaussian beginnings, AdamW with its weight decay,
a constant rate, times drawn evenly, plain squared error, photos encoded at every step. Its script
knows no base that predicts the clean picture; that is all that was added. Its own rate (1e-4) and
batch (1) are for bases fifty times as large: it gets our batch, and the rate one names.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from imaging.faces import Faces
from imaging.pictures import decode, square
from imaging.pipeline import base, processor
from imaging.words import of_twin, subject_of
from peft import LoraConfig
from torch import nn
from training.domain.captions import Facts, caption_of
from training.pipeline import likeness
from training.pipeline.adapter import NAME, Photo, Plan
from training.pipeline.engine import Run
from training.pipeline.teaching import find_faces

_RANK, _BATCH = 32, 8
_SEED = 1
_DECAY = 1e-2
"""AdamW's, as the recipe has it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How near a twin was after so many steps and processor seconds of training."""

    step: int
    seconds: float
    own: float
    nearest_other: float
    faces: int


@dataclass(slots=True)
class Course:
    """One training, from its set-up on."""

    set_up_s: float
    looks: list[Look] = field(default_factory=list)

    def until(self, score: float) -> float | None:
        """Return the seconds after which `score` was first reached with most faces found."""
        met = (one.seconds for one in self.looks if one.faces >= 8 and one.own <= score)
        return next(met, None)


@dataclass(frozen=True, slots=True)
class Judge:
    """Who says how near a twin is; the same for both."""

    faces: Faces
    cohort: likeness.Vectors

    def look(self, pipeline: Any, photos: Sequence[Photo], step: int, seconds: float) -> Look:
        """Make twelve close-ups and compare them."""
        subject = subject_of([photo.caption for photo in photos])
        pipeline.unet.eval()
        with processor.quick():
            made = likeness.close_ups(pipeline, subject, seed=_SEED, should_stop=lambda: False)
        pipeline.unet.train()
        found = likeness.measure(self.faces, made, photos, self.cohort)
        return Look(step, seconds, found.own, found.nearest_other, found.faces)


def read(folder: Path) -> list[Photo]:
    """Read a talent's photos with captions from what the photographer said."""
    photos = []
    for line in (folder / "photos.jsonl").read_text().splitlines():
        said = json.loads(line)
        facts = Facts(said["framing"], said["yaw"], said["lighting"], said["pose"], said["caption"])
        content = (folder / "photos" / said["file"]).read_bytes()
        photos.append(Photo(decode(content, max_pixels=10**7), caption_of(facts)))
    return photos


def ours(
    folder: Path, photos: Sequence[Photo], steps: int, judge: Judge, every: int
) -> Iterator[Course]:
    """Train as the platform does, looking every so many steps; yield after each look."""
    began = time.process_time()
    with TemporaryDirectory() as work:
        plan = Plan(folder, Path(work), steps, _RANK, _SEED, batch=_BATCH)
        seen = find_faces(judge.faces, photos)
        run = Run(plan, seen, lambda: False, None)
        course, spent = Course(time.process_time() - began), 0.0
        with processor.halved(run.denoiser):
            while run.step < steps:
                began = time.process_time()
                run.advance()
                spent += time.process_time() - began
                if run.step % every == 0:
                    course.looks.append(judge.look(run.pipeline, photos, run.step, spent))
                    yield course


def theirs(
    folder: Path, photos: Sequence[Photo], steps: int, judge: Judge, every: int, *, rate: float
) -> Iterator[Course]:
    """Train as the recipe does, looking every so many steps; yield after each look."""
    began = time.process_time()
    torch.manual_seed(_SEED)
    pipeline = base.load(folder)
    unet = pipeline.unet.requires_grad_(False)
    names = ["to_k", "to_q", "to_v", "to_out.0", "add_k_proj", "add_v_proj"]
    config = LoraConfig(
        r=_RANK, lora_alpha=_RANK, init_lora_weights="gaussian", target_modules=names
    )
    unet.add_adapter(config, adapter_name=NAME)
    unet.train()
    weights = [weight for weight in unet.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=_DECAY)
    prompt = of_twin(f"photo of a {subject_of([photo.caption for photo in photos])}")
    with torch.no_grad():
        told = pipeline.encode_prompt(prompt, "cpu", 1, False)[0]
    side = base.side_px(pipeline)
    pixels = torch.stack([_to_tensor(square(photo.pixels, side)) for photo in photos])
    course, spent = Course(time.process_time() - began), 0.0
    with processor.halved(unet):
        for step in range(1, steps + 1):
            began = time.process_time()
            chosen = torch.randint(0, len(pixels), (_BATCH,))
            loss = _recipe_loss(pipeline, pixels[chosen], told.expand(_BATCH, -1, -1))
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            spent += time.process_time() - began
            if step % every == 0:
                course.looks.append(judge.look(pipeline, photos, step, spent))
                yield course


def _recipe_loss(pipeline: Any, pixels: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
    vae, scheduler = pipeline.vae, pipeline.scheduler
    with torch.no_grad():
        latents = vae.encode(pixels).latent_dist.sample() * vae.config.scaling_factor
    noise = torch.randn_like(latents)
    times = torch.randint(0, scheduler.config.num_train_timesteps, (len(latents),))
    noisy = scheduler.add_noise(latents, noise, times)
    with processor.quick():
        made = pipeline.unet(noisy, times, told, return_dict=False)[0]
    wanted = {"epsilon": noise, "sample": latents}.get(scheduler.config.prediction_type)
    if wanted is None:
        wanted = scheduler.get_velocity(latents, noise, times)
    return nn.functional.mse_loss(made.float(), wanted.float())


def _to_tensor(rgb: Any) -> torch.Tensor:
    return torch.from_numpy(rgb).permute(2, 0, 1).float() / 127.5 - 1


def race(
    talent: Path, folder: Path, judge: Judge, *, steps: tuple[int, int], every: int, rate: float
) -> tuple[Course, Course]:
    """Train both, a stretch of one and a stretch of the other, so that both meet the same noise.

    `steps` are ours and the recipe's; whoever has more goes on alone. `rate` is the recipe's.
    """
    photos = read(talent)
    first, second = Course(0), Course(0)
    runners = (
        ours(folder, photos, steps[0], judge, every),
        theirs(folder, photos, steps[1], judge, every, rate=rate),
    )
    for us, them in zip_longest(*runners):
        first, second = us or first, them or second
        _tell({"ours": us, "recipe": them})
    return first, second


def _tell(courses: Mapping[str, Course | None]) -> None:
    for name, course in courses.items():
        if course is None:
            continue
        one = course.looks[-1]
        print(
            f"{name:<7} step {one.step:4} {one.seconds:6.1f} s  own {one.own:.3f}"
            f"  nearest other {one.nearest_other:.3f}  faces {one.faces}/12",
            file=sys.stderr,
            flush=True,
        )


def rows(first: Course, second: Course, score: float) -> list[dict[str, Any]]:
    """Return the comparison as the figures of a benchmark; None where a score was not reached."""
    us, them = first.until(score), second.until(score)
    return [
        {
            "name": f"seconds of training to a distance of {score}",
            "unit": "s",
            "ours": us,
            "peer": them,
            "peer_is": "diffusers' DreamBooth-LoRA recipe",
            "ratio": them / us if us and them else None,
            "better": "lower",
        }
    ]


def table(first: Course, second: Course) -> str:
    """Return both courses side by side, as Markdown."""
    lines = [
        "| steps | ours, s | own / nearest other / faces | recipe, s | own / nearest / faces |",
        "| ---: | ---: | ---: | ---: | ---: |",
        f"| set-up | {first.set_up_s:.1f} | | {second.set_up_s:.1f} | |",
    ]
    lines += [
        f"| {(us or them).step} | {_show(us)} | {_show(them)} |"
        for us, them in zip_longest(first.looks, second.looks)
    ]
    return "\n".join(lines)


def _show(one: Look | None) -> str:
    if one is None:
        return " | "
    return f"{one.seconds:.0f} | {one.own:.3f} / {one.nearest_other:.3f} / {one.faces}"
