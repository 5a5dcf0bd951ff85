"""Training runs: what one must say, and when it may still be cancelled."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit import fields
from kit.errors import FailedPrecondition, FieldInvalid, NotFound

DEFAULT_STEPS = 650
DEFAULT_RANK = 32
MOST_STEPS = 20_000
MOST_RANK = 128
LARGEST_SEED = 2**31 - 1

_BASE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class RunNotFound(NotFound):
    """No such run, or none the caller may know of."""

    reason = "RUN_NOT_FOUND"


class RunEnded(FailedPrecondition):
    """The run is over."""

    reason = "RUN_ENDED"


class BaseNotFound(NotFound):
    """No base of that name."""

    reason = "BASE_NOT_FOUND"
    field = "base"


class CaptureSetNotFound(NotFound):
    """No such capture set of that talent."""

    reason = "CAPTURE_SET_NOT_FOUND"


class CaptureSetNotReady(FailedPrecondition):
    """The set was not yet judged good enough."""

    reason = "CAPTURE_SET_NOT_READY"


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a twin is trained."""

    steps: int
    rank: int
    seed: int


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a twin of whom, from which photos, on which base."""

    talent_id: str
    capture_set_id: str
    base: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent a run works under."""

    id: str
    receipt_id: str


@dataclass(frozen=True, slots=True)
class Run:
    """One training run."""

    id: str
    order: Order
    consent: Consent
    state: State
    step: int
    loss: float
    seconds_left: float
    attempt: int
    reason: str
    twin_version_id: str
    created_at: datetime


def check_order(order: Order) -> Order:
    """Return the order with its zeroes filled in.

    Raises:
        FieldInvalid: an id that is none, or a setting out of range.
        BaseNotFound: a name no base can have.
    """
    fields.check_id("pty", order.talent_id, "talent_id", what="a talent")
    fields.check_id("cap", order.capture_set_id, "capture_set_id", what="a capture set")
    if not order.base:
        raise FieldInvalid("base", "must name a base")
    asked = order.recipe
    recipe = Recipe(
        fields.within(asked.steps or DEFAULT_STEPS, "settings.steps", 1, MOST_STEPS),
        fields.within(asked.rank or DEFAULT_RANK, "settings.rank", 1, MOST_RANK),
        fields.within(asked.seed, "settings.seed", 0, LARGEST_SEED),
    )
    if _BASE.fullmatch(order.base) is None:
        raise BaseNotFound("there is no such base")
    return Order(order.talent_id, order.capture_set_id, order.base, recipe)


def check_open(run: Run) -> None:
    """Check that a run can still be cancelled.

    Raises:
        RunEnded: it is done, failed or cancelled.
    """
    if run.state not in OPEN:
        raise RunEnded(f"run {run.id} is {run.state}", runId=run.id, state=run.state)
