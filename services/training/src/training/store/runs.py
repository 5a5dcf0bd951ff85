"""Training runs."""

from collections.abc import Collection
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import ColumnElement, Row, insert, select, update

from training.domain.runs import OPEN, Consent, Order, Recipe, Run, RunNotFound, State
from training.store.tables import runs

_OPEN = [str(state) for state in OPEN]


async def add(tx: Tx, run_id: str, order: Order, consent: Consent, *, started_by: str) -> None:
    """Queue a new run."""
    row = {
        "id": run_id,
        "state": str(State.QUEUED),
        "talent_id": order.talent_id,
        "capture_set_id": order.capture_set_id,
        "base": order.base,
        "steps": order.recipe.steps,
        "rank": order.recipe.rank,
        "seed": order.recipe.seed,
        "consent_id": consent.id,
        "consent_receipt_id": consent.receipt_id,
        "started_by": started_by,
    }
    await tx.execute(insert(runs).values(row))


async def get(tx: Tx, run_id: str, *, lock: bool = False) -> Run:
    """Return a run; with `lock`, hold its row until the transaction ends.

    Raises:
        RunNotFound: there is none with that id.
    """
    row = None
    if is_id("run", run_id):
        query = select(runs).where(runs.c.id == run_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise RunNotFound("there is no such run")
    return to_run(row)


async def cancel(tx: Tx, run_id: str, reason: str) -> None:
    """End a run the caller holds; its worker finds out at its next step."""
    ended = {"state": str(State.CANCELLED), "reason": reason, "lease_ends_at": None}
    await tx.execute(update(runs).where(runs.c.id == run_id).values(ended))


async def cancel_under(tx: Tx, consent_id: str, reason: str) -> list[Run]:
    """End the open runs that work under a consent and return them."""
    return await _cancel(tx, runs.c.consent_id == consent_id, reason)


async def cancel_of(tx: Tx, talent_id: str, reason: str) -> list[Run]:
    """End a talent's open runs and return them."""
    return await _cancel(tx, runs.c.talent_id == talent_id, reason)


async def _cancel(tx: Tx, which: ColumnElement[bool], reason: str) -> list[Run]:
    ended = {"state": str(State.CANCELLED), "reason": reason, "lease_ends_at": None}
    query = update(runs).where(which, runs.c.state.in_(_OPEN))
    rows = (await tx.execute(query.values(ended).returning(runs))).all()
    return [to_run(row) for row in rows]


async def find_open(tx: Tx, run_ids: Collection[str]) -> set[str]:
    """Return which of these runs are queued or running."""
    query = select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.state.in_(_OPEN))
    return set((await tx.execute(query)).scalars())


def to_run(row: Row[Any]) -> Run:
    """Read a row."""
    recipe = Recipe(row.steps, row.rank, row.seed)
    return Run(
        id=row.id,
        order=Order(row.talent_id, row.capture_set_id, row.base, recipe),
        consent=Consent(row.consent_id, row.consent_receipt_id),
        state=State(row.state),
        step=row.step,
        loss=row.loss,
        seconds_left=row.seconds_left,
        attempt=row.attempt,
        reason=row.reason,
        twin_version_id=row.twin_version_id,
        created_at=row.created_at,
    )
