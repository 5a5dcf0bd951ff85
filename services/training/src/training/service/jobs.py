"""Runs, as workers see them: taken, reported on, ended. Each method is one transaction."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kit import db, jobs, outbox
from kit.db import Database, Tx
from sosia.training.v1 import events_pb2

from training.domain.fidelity import Bars, Report, judge
from training.domain.fidelity import State as FidelityState
from training.domain.runs import Run, State
from training.domain.twins import Facts, Likeness, Sealed, Twin
from training.store import fidelity as fidelity_store
from training.store import runs as store
from training.store import twins as twins_store
from training.store.tables import runs


@dataclass(frozen=True, slots=True)
class Measured:
    """A fidelity report, and the sealed mean of her held-out photos, where they show a face."""

    figures: Mapping[str, Any]
    template: Sealed | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a run made, sealed and stored but not yet registered."""

    twin_version_id: str
    adapter: Sealed
    sheet: Sealed
    facts: Facts
    likeness: Likeness
    measured: Measured | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run is; the loss is unitless."""

    step: int
    loss: float
    seconds_left: float


class Jobs:
    """The queue of runs."""

    def __init__(self, database: Database, bars: Bars | None = None) -> None:
        self._db = database
        self._bars = bars or Bars()

    async def claim(self) -> Run | None:
        """Take the oldest run that waits or whose worker fell silent, if any."""
        async with self._db.begin() as tx:
            for row in await jobs.exhausted(tx, runs):
                await _tell_failed(tx, store.to_run(row))
            taken = [store.to_run(row) for row in await jobs.claim(tx, runs)]
            for run in taken:
                event = events_pb2.RunStarted(
                    run_id=run.id, talent_id=run.order.talent_id, attempt=run.attempt
                )
                await outbox.publish(tx, event)
            return taken[0] if taken else None

    async def report(self, run: Run, standing: Standing | None) -> bool:
        """Renew the lease and note where the run is; return False if it is no longer ours."""
        async with self._db.begin() as tx:
            if standing is None:
                return await jobs.save(tx, runs, run.id, run.attempt)
            values: dict[str, Any] = {
                "step": standing.step,
                "loss": standing.loss,
                "seconds_left": standing.seconds_left,
            }
            ours = await jobs.save(tx, runs, run.id, run.attempt, **values)
            if ours:
                steps = run.order.recipe.steps
                event = events_pb2.RunProgressed(run_id=run.id, steps=steps, **values)
                await outbox.publish(tx, event)
            return ours

    async def finish(self, run: Run, result: Result) -> bool:
        """Register the twin version; return False if the run is no longer ours."""
        async with self._db.begin() as tx:
            done = {
                "state": str(State.DONE),
                "step": result.facts.steps,
                "loss": result.facts.final_loss,
                "seconds_left": 0.0,
                "twin_version_id": result.twin_version_id,
            }
            if not await jobs.save(tx, runs, run.id, run.attempt, **done):
                return False
            twin = Twin(
                id=result.twin_version_id,
                talent_id=run.order.talent_id,
                run_id=run.id,
                capture_set_id=run.order.capture_set_id,
                consent=run.consent,
                base=run.order.base,
                facts=result.facts,
                adapter=result.adapter,
                sheet=result.sheet,
                likeness=result.likeness,
                created_at=await db.now(tx),
            )
            await twins_store.add(tx, twin)
            event = events_pb2.TwinTrained(
                twin_version_id=twin.id,
                run_id=run.id,
                talent_id=twin.talent_id,
                adapter_object_key=twin.adapter.object_key,
                adapter_sha256=twin.adapter.sha256,
            )
            await outbox.publish(tx, event)
            await self._note(tx, twin, result.measured)
            return True

    async def _note(self, tx: Tx, twin: Twin, measured: Measured | None) -> None:
        """Keep the report of a new version, and tell whether it passes."""
        if measured is None:
            return
        sealed = measured.template or Sealed("", "")
        report = Report(
            twin.id, twin.talent_id, measured.figures, sealed.object_key, sealed.sha256,
            twin.created_at,
        )  # fmt: skip
        await fidelity_store.add(tx, report)
        bar = self._bars.of(twin.base)
        event = events_pb2.FidelityMeasured(
            twin_version_id=twin.id,
            talent_id=twin.talent_id,
            passed=judge(report, bar).state is FidelityState.PASSED,
            share=measured.figures["identity"]["share"],
            bar=bar.identity,
        )
        await outbox.publish(tx, event)

    async def fail(self, run: Run, reason: str) -> None:
        """End a run that can never succeed."""
        async with self._db.begin() as tx:
            failed = {"state": str(State.FAILED), "reason": reason}
            if await jobs.save(tx, runs, run.id, run.attempt, **failed):
                await _tell_failed(tx, await store.get(tx, run.id))

    async def cancel(self, run: Run, reason: str) -> None:
        """End a run that may not go on."""
        async with self._db.begin() as tx:
            ended = {"state": str(State.CANCELLED), "reason": reason}
            if await jobs.save(tx, runs, run.id, run.attempt, **ended):
                talent_id = run.order.talent_id
                event = events_pb2.RunCancelled(run_id=run.id, talent_id=talent_id, reason=reason)
                await outbox.publish(tx, event)

    async def find_open(self, run_ids: Collection[str]) -> set[str]:
        """Return which of these runs are queued or running."""
        async with self._db.begin() as tx:
            return await store.find_open(tx, run_ids)


async def _tell_failed(tx: Tx, run: Run) -> None:
    talent_id = run.order.talent_id
    event = events_pb2.RunFailed(run_id=run.id, talent_id=talent_id, reason=run.reason)
    await outbox.publish(tx, event)
