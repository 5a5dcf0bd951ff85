"""Train a twin: a LoRA on a base, from a person's photos, resumable to the bit."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diffusers import DiffusionPipeline
from imaging.failures import Stopped
from imaging.pipeline import adapters, base
from imaging.pipeline.reference import Reference
from imaging.words import subject_of

from training.pipeline import best, devices
from training.pipeline.album import Photo
from training.pipeline.best import Ended, Mark
from training.pipeline.engine import NAME, Plan, Progress, Run
from training.pipeline.measures import Measure

__all__ = ["NAME", "Photo", "Plan", "Progress", "Trained", "train"]


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained twin, still attached to its pipeline under `NAME`."""

    pipeline: DiffusionPipeline
    adapter: bytes
    about: adapters.About
    final_loss: float
    """Mean over the last tenth of the steps."""
    seconds: float
    steps: int
    """Steps taken."""
    best_step: int
    """The step whose weights these are."""
    ended: Ended
    marks: tuple[Mark, ...] = ()


def train(
    plan: Plan,
    photos: Sequence[Photo],
    *,
    progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    measure: Measure | None = None,
    reference: Reference | None = None,
) -> Trained:
    """Train until the twin is no longer nearer to her, at most `plan.steps`.

    Goes on from the checkpoint in `plan.work` if there is one. Every step draws its pictures and
    its noise from a generator seeded by the plan's seed and the step, so a run that was killed
    and resumed ends with the weights of one that was not. Without a `measure` all steps are
    taken and the last weights are the twin. The adapter names the `reference` its pictures shall
    look like.

    Raises:
        BaseUnusable: the base cannot be loaded safely.
        Stopped: `should_stop` said yes.
    """
    run = Run(plan, photos, should_stop, measure)
    with devices.halved(run.denoiser, run.way):
        _advance(run, progress, should_stop)
    with (plan.work / "loss.csv").open("w", newline="") as file:
        csv.writer(file).writerows(enumerate(run.losses, start=1))
    run.wear_best()
    last = run.losses[-max(1, run.step // 10) :]
    subject = subject_of([photo.caption for photo in photos])
    about = adapters.About(base.digest(plan.base), run.rank, subject).of(reference)
    return Trained(
        pipeline=run.pipeline,
        adapter=adapters.dump(run.denoiser, NAME, about),
        about=about,
        final_loss=sum(last) / len(last),
        seconds=run.seconds,
        steps=run.step,
        best_step=run.best_step,
        ended=run.ended or Ended.STEPS,
        marks=tuple(run.marks),
    )


def _advance(
    run: Run, progress: Callable[[Progress], None], should_stop: Callable[[], bool]
) -> None:
    """Step to the end of a run, looking, saving and telling as it goes."""
    plan, looks = run.plan, best.looks(run.plan.steps, apart=run.plan.looks_apart)
    while run.step < plan.steps and run.ended is None:
        if should_stop():
            raise Stopped
        run.advance()
        if run.step in looks:
            run.look(should_stop)
        done = run.step == plan.steps or run.ended is not None
        if run.step % plan.checkpoint_every == 0 or run.step in looks or done:
            run.save()
        if run.step % 5 == 0 or done:
            recent = run.losses[-5:]
            left_s = 0.0 if done else run.seconds / run.step * (plan.steps - run.step)
            progress(Progress(run.step, sum(recent) / len(recent), left_s))
