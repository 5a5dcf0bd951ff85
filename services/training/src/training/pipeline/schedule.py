"""What every run does at a step: its rate, and the seed of its chance."""

import math

_WARM_UP_STEPS = 20
_LAST_SHARE = 0.1


def share(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step, counted from 0: a rise, then a cosine."""
    rise = min(1.0, (step + 1) / _WARM_UP_STEPS)
    wave = 0.5 * (1 + math.cos(math.pi * step / steps))
    return rise * (_LAST_SHARE + (1 - _LAST_SHARE) * wave)


def seed_of(seed: int, step: int) -> int:
    """Return the seed of a step: a run that goes on draws what one that never stopped would."""
    return seed * 1_000_003 + step
