"""Runs, as callers see them: started, read, cancelled.

identity is asked before a transaction opens, never within.
"""

from pathlib import Path

from kit import once, outbox, trace
from kit.db import Database
from kit.ids import new_id
from sosia.identity.v1 import capture_pb2
from sosia.training.v1 import events_pb2

from training.clients import Identity
from training.domain import runs as domain
from training.domain.runs import (
    BaseNotFound,
    CaptureSetNotFound,
    CaptureSetNotReady,
    Consent,
    Order,
    Run,
    RunNotFound,
)
from training.service import access
from training.service.commands import Command
from training.store import runs as store

ON_REQUEST = "cancelled on request"


class Runs:
    """Training runs."""

    def __init__(self, database: Database, identity: Identity, bases: Path) -> None:
        self._db = database
        self._identity = identity
        self._bases = bases

    async def start(self, command: Command, order: Order) -> Run:
        """Queue a run; the talent, the agency that represents her and staff may.

        Raises:
            FieldInvalid, NotAllowed, BaseNotFound, CaptureSetNotFound, CaptureSetNotReady: in
                this order, and CONSENT_MISSING as identity says it, before the capture set.
        """
        trace.require_actor()
        order = domain.check_order(order)
        await access.require_near(self._identity, order.talent_id)
        before = await self._find_repeat(command)
        if before is not None:
            return before
        if not (self._bases / order.base / "model_index.json").is_file():
            raise BaseNotFound("there is no such base", base=order.base)
        consent = await self._identity.check_consent(order.talent_id)
        await self._check_capture_set(order)
        return await self._queue(command, order, consent)

    async def get(self, run_id: str) -> Run:
        """Return a run of a talent the caller is near."""
        trace.require_actor()
        async with self._db.begin() as tx:
            run = await store.get(tx, run_id)
        if not await access.is_near(self._identity, run.order.talent_id):
            raise RunNotFound("there is no such run")
        return run

    async def cancel(self, command: Command, run_id: str) -> Run:
        """End a run; its worker stops at its next step.

        Raises:
            RunNotFound, RunEnded: in this order.
        """
        await self.get(run_id)
        async with self._db.begin() as tx:
            run = await store.get(tx, run_id, lock=True)
            token = new_id("run")
            if await once.claim(tx, command.request_id, command.content, token) == token:
                domain.check_open(run)
                await store.cancel(tx, run_id, ON_REQUEST)
                event = events_pb2.RunCancelled(
                    run_id=run_id, talent_id=run.order.talent_id, reason=ON_REQUEST
                )
                await outbox.publish(tx, event)
            return await store.get(tx, run_id)

    async def _find_repeat(self, command: Command) -> Run | None:
        """Return what the same request started before; nothing is noted."""
        async with self._db.begin() as tx:
            run_id = await once.find(tx, command.request_id, command.content)
            return None if run_id is None else await store.get(tx, run_id)

    async def _check_capture_set(self, order: Order) -> None:
        capture_set = await self._identity.get_capture_set(order.capture_set_id)
        if capture_set.talent_id != order.talent_id:
            raise CaptureSetNotFound("there is no such capture set of this talent")
        if capture_set.state != capture_pb2.CAPTURE_STATE_READY:
            raise CaptureSetNotReady(
                f"capture set {capture_set.id} is not ready", captureSetId=capture_set.id
            )

    async def _queue(self, command: Command, order: Order, consent: Consent) -> Run:
        run_id = new_id("run")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, run_id)
            if result == run_id:
                starter = trace.actor().party_id
                await store.add(tx, run_id, order, consent, started_by=starter)
                event = events_pb2.RunQueued(
                    run_id=run_id, talent_id=order.talent_id, base=order.base
                )
                await outbox.publish(tx, event)
            return await store.get(tx, result)
