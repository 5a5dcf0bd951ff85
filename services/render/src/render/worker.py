"""A worker: takes renders in batches, makes them together, marks and registers each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

import structlog
from imaging.failures import AdapterUnusable, BaseUnusable, OutOfMemory, Stopped
from imaging.pictures import Rgb
from kit import jobs, trace
from kit.db import Database, open_database
from kit.errors import DomainError, Unavailable
from kit.objects import Objects
from kit.ops import log, open_ops
from vault import RemoteKeys, Vault

from render.admission import Admitted, Gate, TwinBroken
from render.clients import is_forbidden, open_others
from render.delivery import Delivery
from render.domain.renders import (
    BASE_UNUSABLE,
    OUT_OF_MEMORY,
    PICTURE_UNMARKABLE,
    TWIN_UNUSABLE,
    Order,
    Render,
    Task,
)
from render.grants import GrantReader
from render.metrics import BATCH_SECONDS, PICTURES
from render.pipeline.marking.authority import SigningCredentials
from render.pipeline.marking.fingerprint import KeyedFingerprint
from render.pipeline.marking.label import NoRoom
from render.pipeline.marking.mark import Keys, WatermarkLost
from render.pipeline.marking.renewal import KeptCredentials
from render.pipeline.marking.timestamps import TimeStampAuthority, now, open_authority
from render.service.jobs import Jobs
from render.settings import Settings
from render.watermarks import open_codecs

if TYPE_CHECKING:
    from render.making import Studio  # brings torch

_RENEW_EVERY_S = 1.0
_HOPELESS: dict[type[Exception], str] = {
    TwinBroken: TWIN_UNUSABLE,
    AdapterUnusable: TWIN_UNUSABLE,
    BaseUnusable: BASE_UNUSABLE,
    OutOfMemory: OUT_OF_MEMORY,
    NoRoom: PICTURE_UNMARKABLE,
    WatermarkLost: PICTURE_UNMARKABLE,
}
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Watch:
    """What the thread that makes pictures and the loop that renews leases share."""

    held: dict[str, Render]
    """What still needs its lease."""
    lost: set[str] = field(default_factory=set)
    """Cancelled, or another worker's by now."""
    over: bool = False

    def stops(self, ids: Collection[str]) -> bool:
        """Tell whether a batch of these renders must stop."""
        return self.over or not self.lost.isdisjoint(ids)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with."""

    jobs: Jobs
    gate: Gate
    studio: Studio
    delivery: Delivery
    batch: int


class Worker:
    """Makes up to `batch` pictures at once, of one twin or of several."""

    def __init__(self, tools: Tools) -> None:
        self._with = tools

    @property
    def loaded(self) -> str:
        """Return the name of the base in memory; empty while no weights were loaded."""
        return self._with.studio.loaded

    async def once(self) -> bool:
        """Take a batch and end each of its renders; return False if there was none."""
        tasks = await self._with.jobs.claim(self._with.batch)
        if not tasks:
            return False
        ids = [task.render.id for task in tasks]
        with (
            trace.span("render", {}, who=trace.Actor("render", "service")),
            structlog.contextvars.bound_contextvars(render_ids=ids),
        ):
            log.info("renders taken", count=len(ids))
            await self._watched(tasks)
        return True

    async def _watched(self, tasks: list[Task]) -> None:
        """Work while another task keeps the leases; neither outlives the other."""
        watch = Watch({task.render.id: task.render for task in tasks})
        renewing = asyncio.create_task(self._renew(watch))
        try:
            await self._work(tasks, watch)
        finally:
            watch.over = True
            renewing.cancel()
            (ended,) = await asyncio.gather(renewing, return_exceptions=True)
            if isinstance(ended, Exception):
                log.warning("leases were not renewed", error=repr(ended))

    async def _renew(self, watch: Watch) -> None:
        try:
            while True:
                await asyncio.sleep(_RENEW_EVERY_S)
                watch.lost |= await self._with.jobs.renew(list(watch.held.values()))
        finally:
            watch.over = True

    async def _work(self, tasks: list[Task], watch: Watch) -> None:
        admitted, opened = [], dict[str, bytes]()
        for task in tasks:
            try:
                one = await self._with.gate.admit(task, opened)
                await asyncio.to_thread(self._with.studio.check, one.twin.base, one.adapter)
                admitted.append(one)
            except (DomainError, TwinBroken, AdapterUnusable, BaseUnusable) as error:
                await self._end(task.render, error, watch)
        admitted.sort(key=lambda one: one.twin.base)
        for base, group in groupby(admitted, key=lambda one: one.twin.base):
            for made, (pixels, prompt) in await self._make(base, list(group), watch):
                await self._deliver(made, pixels, prompt, watch)

    async def _make(
        self, base: str, wanted: list[Admitted], watch: Watch
    ) -> list[tuple[Admitted, tuple[Rgb, str]]]:
        """Make a batch; begin again without those that were cancelled on the way."""
        while wanted := [one for one in wanted if one.task.render.id not in watch.lost]:
            ids = [one.task.render.id for one in wanted]
            orders = [_order(one) for one in wanted]
            should_stop = partial(watch.stops, ids)
            make = partial(self._with.studio.make, base, orders, should_stop)
            try:
                with BATCH_SECONDS.time():
                    made = await _in_thread(make, watch)
                PICTURES.inc(len(made))
            except Stopped:
                log.info("batch stopped", lost=sorted(watch.lost))
                if watch.over:
                    return []
            except (AdapterUnusable, BaseUnusable, OutOfMemory) as error:
                await self._end_all(wanted, error, watch)
                return []
            else:
                return list(zip(wanted, made, strict=True))
        return []

    async def _deliver(self, one: Admitted, pixels: Rgb, prompt: str, watch: Watch) -> None:
        render = one.task.render
        if render.id in watch.lost:
            return
        try:
            if not await self._with.delivery.deliver(one, pixels, prompt):
                log.info("a late picture was refused", render_id=render.id)
        except (DomainError, NoRoom, WatermarkLost) as error:
            await self._end(render, error, watch)
        else:
            watch.held.pop(render.id, None)

    async def _end_all(self, wanted: list[Admitted], error: Exception, watch: Watch) -> None:
        for one in wanted:
            await self._end(one.task.render, error, watch)

    async def _end(self, render: Render, error: Exception, watch: Watch) -> None:
        """End a render that cannot be made; what is nobody's fault is left to its lease."""
        if isinstance(error, Unavailable):
            raise error
        watch.held.pop(render.id, None)
        reason = error.reason if isinstance(error, DomainError) else _HOPELESS[type(error)]
        log.warning("render ended", render_id=render.id, reason=reason, error=repr(error))
        if is_forbidden(error):
            await self._with.jobs.cancel(render, reason)
        else:
            await self._with.jobs.fail(render, reason)


def _order(one: Admitted) -> Order:
    task = one.task
    return Order(one.twin.id, one.adapter, task.product, task.shot, task.render.seed)


async def _in_thread(function: Callable[[], Answer], watch: Watch) -> Answer:
    """Run `function` in a thread; when cancelled, let it stop and wait until it has."""
    task = asyncio.create_task(asyncio.to_thread(function))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        watch.over = True
        await asyncio.gather(task, return_exceptions=True)
        raise


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Worker]:
    """Open everything a worker needs, in order; close it in reverse."""
    key = settings.watermark_key.read_bytes()
    signing = KeptCredentials(settings.authority, now)
    reader = GrantReader.load(settings.grant_public_key)
    async with AsyncExitStack() as stack:
        stamps_url = settings.timestamp_url
        if not stamps_url:
            stamps_url = stack.enter_context(_open_stamps(signing.current()))
        codec = open_codecs(settings, key).marking
        keys = Keys(codec, KeyedFingerprint(key), signing, stamps_url)
        db: Database = await stack.enter_async_context(open_database(str(settings.database_url)))
        others = await stack.enter_async_context(open_others(settings))
        vault = Vault(Objects(settings.objects_url), RemoteKeys(others.identity.stub))
        queue = Jobs(db, settings.review_lasts)
        ops = open_ops(settings.worker_ops_address, {"database": db.check})
        await stack.enter_async_context(ops)
        studio = await asyncio.to_thread(_open_studio, settings, keys)
        tools = Tools(
            jobs=queue,
            gate=Gate(reader, queue, others.training, others.licensing, vault),
            studio=studio,
            delivery=Delivery(queue, others.identity, vault, studio),
            batch=settings.batch,
        )
        yield Worker(tools)


@contextmanager
def _open_stamps(signing: SigningCredentials) -> Iterator[str]:
    """Answer with time stamps on loopback, where the folder holds their key; yield the URL."""
    if not signing.stamp_chain:
        log.warning("no time-stamp authority: signatures end with their certificate")
        yield ""
        return
    authority = TimeStampAuthority(signing.stamp_chain, signing.stamp_key, now)
    with open_authority(authority) as url:
        yield url


def _open_studio(settings: Settings, keys: Keys) -> Studio:
    """Load torch and what every batch needs: the worker is up, the first batch waits for this."""
    making, likest = import_module("render.making"), import_module("imaging.pipeline.likest")
    sampler = likest.Sampler(settings.steps, settings.guidance, settings.tries)
    studio: Studio = making.Studio(settings.bases, settings.threads, sampler, keys)
    return studio


async def work(settings: Settings) -> None:
    """Make pictures until cancelled."""
    async with build(settings) as worker:
        await jobs.work(worker.once)
