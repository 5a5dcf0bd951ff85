"""Eight talents one after another, and all eight in one run: what it costs.

Processor seconds on one thread, set-up and steps apart: both are the same for any number of steps.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from training.pipeline import adapter, together
from training.pipeline.adapter import Photo, Plan

from learning.pipeline.race import read

_SEED, _RANK, _BATCH = 1, 32, 8


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds of eight trainings before their first step, and of one step of all."""

    set_up_s: float
    step_s: float

    def of(self, steps: int) -> float:
        """Return the seconds of so many steps, set-up and all."""
        return self.set_up_s + steps * self.step_s


def people_of(folders: Sequence[Path], count: int) -> list[list[Photo]]:
    """Return `count` sets of photos: one of each folder, or each folder's dealt out to several."""
    sets = [read(folder) for folder in folders]
    shares = -(-count // len(sets))
    dealt = [photos[start::shares] for photos in sets for start in range(shares)]
    return dealt[:count]


def alone(base: Path, people: Sequence[Sequence[Photo]], steps: int) -> Cost:
    """Train one after another."""
    set_up_s = step_s = 0.0
    for photos in people:
        watch = _Watch()
        with TemporaryDirectory() as work:
            plan = Plan(base, Path(work), steps, _RANK, _SEED, batch=_BATCH, checkpoint_every=steps)
            adapter.train(plan, photos, progress=lambda _: None, should_stop=watch.ask)
        first, last = watch.of_steps(steps)
        set_up_s += first
        step_s += last
    return Cost(set_up_s, step_s)


def at_once(base: Path, people: Sequence[Sequence[Photo]], steps: int) -> Cost:
    """Train all in one run."""
    watch = _Watch()
    plan = together.Plan(base, steps, _SEED, rank=_RANK, batch=_BATCH)
    together.train(plan, people, should_stop=watch.ask)
    return Cost(*watch.of_steps(steps))


class _Watch:
    """Notes the processor's time whenever a run asks whether to stop: at every step."""

    def __init__(self) -> None:
        self._began = time.process_time()
        self._asked: list[float] = []

    def ask(self) -> bool:
        self._asked.append(time.process_time())
        return False

    def of_steps(self, steps: int) -> tuple[float, float]:
        """Return the seconds before the first step, and the mean of those but the first."""
        own = self._asked[-steps:]
        return own[0] - self._began, (own[-1] - own[1]) / (steps - 2)
