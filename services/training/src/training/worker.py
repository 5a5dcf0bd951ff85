"""A worker: takes one run after another and makes twins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

import structlog
from imaging.failures import BaseUnusable, Diverged, Stopped
from kit import jobs, trace
from kit.db import Database, open_database
from kit.errors import DomainError, Unavailable
from kit.ids import new_id
from kit.objects import Objects
from kit.ops import log, open_ops
from kit.rpc import open_channel
from sosia.identity.v1 import consent_pb2
from sosia.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from vault import RemoteKeys, Vault

from training.bars import load_bars
from training.clients import Identity, is_consent_gone
from training.dataset import DatasetBroken, Datasets
from training.domain.runs import Run
from training.domain.twins import Facts, Sealed
from training.service.jobs import Jobs, Measured, Result, Standing
from training.settings import Settings
from training.workplace import Workplace

if TYPE_CHECKING:
    from training.making import Made, Studio  # bring torch

CONSENT_GONE = "no live consent covers training"
STEP = consent_pb2.STEP_TRAINING
_REPORT_EVERY_S = 1.0
_REPORTS_PER_CHECK = 5
_CHECK_TIMEOUT_S = 3.0
_ASK_AGAIN_S = 0.5
_HOPELESS = (BaseUnusable, DatasetBroken, Diverged)
Answer = TypeVar("Answer")


class ConsentGone(Exception):
    """The consent a run works under no longer stands."""


@dataclass(slots=True)
class Watch:
    """What the thread that trains and the loop that reports share."""

    held: jobs.Held
    standing: Standing | None = None

    def tell(self, standing: Standing) -> None:
        """Note where the run is."""
        self.standing = standing

    def should_stop(self) -> bool:
        """Tell whether the run was lost or cancelled."""
        return self.held.lost.is_set()


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with."""

    jobs: Jobs
    identity: Identity
    vault: Vault
    studio: Studio
    workplace: Workplace


class Worker:
    """Trains one twin at a time."""

    def __init__(self, tools: Tools) -> None:
        self._with = tools
        self._datasets = Datasets(tools.identity, tools.vault)

    async def once(self) -> bool:
        """Take a run and end it, one way or another; return False if there was none."""
        await self._sweep()
        run = await self._with.jobs.claim()
        if run is None:
            return False
        who = trace.Actor("training", "service")
        with (
            trace.span("train", {}, who=who),
            structlog.contextvars.bound_contextvars(run_id=run.id, attempt=run.attempt),
        ):
            log.info("run taken", step=run.step)
            await self._attempt(run)
        return True

    async def _sweep(self) -> None:
        """Delete the checkpoints of runs that are over, whoever left them."""
        found = await asyncio.to_thread(self._with.workplace.find)
        if not found:
            return
        open_runs = await self._with.jobs.find_open(found)
        for run_id in set(found) - open_runs:
            await asyncio.to_thread(self._with.workplace.remove, run_id)

    async def _attempt(self, run: Run) -> None:
        """Do the work; a crash of anything is left to the lease and the next attempt."""
        try:
            await self._watched(run)
        except Stopped:
            log.info("run stopped: it was cancelled, or another worker has it")
        except ConsentGone:
            await self._with.jobs.cancel(run, CONSENT_GONE)
        except _HOPELESS as error:
            log.warning("run failed", error=repr(error))
            await self._with.jobs.fail(run, str(error))
        except DomainError as error:
            if is_consent_gone(error):
                await self._with.jobs.cancel(run, CONSENT_GONE)
            else:
                await self._with.jobs.fail(run, str(error))

    async def _watched(self, run: Run) -> None:
        """Work while another task keeps the lease; neither outlives the other."""
        watch = Watch(jobs.Held())
        reporting = asyncio.create_task(self._report(run, watch))
        try:
            await self._make(run, watch)
        finally:
            watch.held.lost.set()
            reporting.cancel()
            (ended,) = await asyncio.gather(reporting, return_exceptions=True)
            if isinstance(ended, Exception):
                log.warning("reports ended early", error=repr(ended))

    async def _report(self, run: Run, watch: Watch) -> None:
        """Save the progress and renew the lease every second, and look at the consent."""
        told: Standing | None = None
        reports = 0
        try:
            while True:
                await asyncio.sleep(_REPORT_EVERY_S)
                standing = watch.standing
                if not await self._with.jobs.report(run, None if standing == told else standing):
                    return
                told, reports = standing, reports + 1
                if reports % _REPORTS_PER_CHECK == 0 and await self._is_forbidden(run):
                    await self._with.jobs.cancel(run, CONSENT_GONE)
                    return
        finally:
            watch.held.lost.set()

    async def _is_forbidden(self, run: Run) -> bool:
        """Tell whether identity says that the consent is gone; its silence says nothing."""
        talent_id = run.order.talent_id
        try:
            await self._with.identity.check_consent(talent_id, timeout_s=_CHECK_TIMEOUT_S)
        except DomainError as error:
            return is_consent_gone(error)
        return False

    async def _make(self, run: Run, watch: Watch) -> None:
        dataset = await _patiently(lambda: self._datasets.fetch(run.order.capture_set_id), watch)
        folder = await asyncio.to_thread(self._with.workplace.prepare, run.id, run.attempt)
        make = partial(
            self._with.studio.make,
            run.order.base,
            run.order.recipe,
            folder,
            dataset,
            (watch.tell, watch.should_stop),
        )
        made = await _in_thread(make, watch.held)
        if watch.should_stop():
            raise Stopped
        await _patiently(lambda: self._register(run, made, dataset.sha256), watch)

    async def _register(self, run: Run, made: Made, dataset_sha256: str) -> None:
        """Look at the consent once more, seal what was made, and note it."""
        talent_id, identity = run.order.talent_id, self._with.identity
        await identity.check_consent(talent_id)
        if not await identity.is_active(run.consent.id):
            raise ConsentGone
        twin_version_id = new_id("twn")
        folder = f"twins/{talent_id}/{twin_version_id}"
        adapter, sheet, template = await self._seal(folder, made, talent_id)
        facts = Facts(
            base_sha256=made.base_sha256,
            dataset_sha256=dataset_sha256,
            steps=made.steps,
            final_loss=made.final_loss,
            seconds=made.seconds,
            best_step=made.best_step,
            ended=made.ended,
        )
        measured = Measured(made.figures, template)
        result = Result(twin_version_id, adapter, sheet, facts, made.likeness, measured)
        if not await self._with.jobs.finish(run, result):
            await self._delete(adapter.object_key, sheet.object_key)
            if template:
                await self._delete(template.object_key)
            raise Stopped

    async def _seal(
        self, folder: str, made: Made, talent_id: str
    ) -> tuple[Sealed, Sealed, Sealed | None]:
        """Store adapter, sheet and face template sealed; where one is refused, none stays."""
        files = {f"{folder}/adapter.safetensors": made.adapter, f"{folder}/sheet.png": made.sheet}
        if made.template:
            files[f"{folder}/face.f32"] = made.template
        try:
            adapter, sheet, *template = [
                Sealed(key, await self._with.vault.put(key, data, talent_id=talent_id, step=STEP))
                for key, data in files.items()
            ]
        except DomainError:
            await self._delete(*files)
            raise
        return adapter, sheet, template[0] if template else None

    async def _delete(self, *object_keys: str) -> None:
        for object_key in object_keys:
            await self._with.vault.delete(object_key)


async def _patiently(ask: Callable[[], Awaitable[Answer]], watch: Watch) -> Answer:
    """Ask again while another service does not answer and the run is ours: no attempt is spent.

    Raises:
        Stopped: the run was lost or cancelled meanwhile.
    """
    while True:
        try:
            return await ask()
        except Unavailable as error:
            log.warning("a service does not answer; will ask again", error=repr(error))
        await asyncio.sleep(_ASK_AGAIN_S)
        if watch.should_stop():
            raise Stopped


async def _in_thread(function: Callable[[], Answer], held: jobs.Held) -> Answer:
    """Run `function` in a thread; when cancelled, let it stop and wait until it has."""
    task = asyncio.create_task(asyncio.to_thread(function))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        held.lost.set()
        await asyncio.gather(task, return_exceptions=True)
        raise


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Worker]:
    """Open everything a worker needs, in order; close it in reverse."""
    async with AsyncExitStack() as stack:
        db: Database = await stack.enter_async_context(open_database(str(settings.database_url)))
        channel = await stack.enter_async_context(open_channel(settings.identity_address))
        identity = Identity(IdentityServiceStub(channel))
        ops = open_ops(settings.worker_ops_address, {"database": db.check})
        await stack.enter_async_context(ops)
        tools = Tools(
            jobs=Jobs(db, load_bars(settings.bars)),
            identity=identity,
            vault=Vault(Objects(settings.objects_url), RemoteKeys(identity.stub)),
            studio=await asyncio.to_thread(_open_studio, settings),
            workplace=Workplace(settings.work),
        )
        yield Worker(tools)


def _open_studio(settings: Settings) -> Studio:
    """Load torch and what every run needs: the worker is up, the first run waits for this."""
    making = import_module("training.making")
    studio: Studio = making.Studio(settings.bases, settings.threads, settings.tries)
    return studio


async def work(settings: Settings) -> None:
    """Train twins until cancelled."""
    async with build(settings) as worker:
        await jobs.work(worker.once)
