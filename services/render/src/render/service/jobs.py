"""Renders, as workers see them: taken, admitted, ended. Each method is one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from kit import db, jobs, outbox
from kit.db import Database, Tx
from sosia.render.v1 import events_pb2

from render.domain import grants as grant_rules
from render.domain.grants import Claims, Wanted
from render.domain.renders import Made, Render, State, Task
from render.store import grants as grants_store
from render.store import renders as store
from render.store import reviews as reviews_store
from render.store.tables import renders


class Jobs:
    """The queue of renders."""

    def __init__(self, database: Database, review_lasts: timedelta) -> None:
        self._db = database
        self._review_lasts = review_lasts

    async def claim(self, limit: int) -> list[Task]:
        """Take the oldest renders that wait or whose worker fell silent, with their briefs."""
        async with self._db.begin() as tx:
            for row in await jobs.exhausted(tx, renders):
                await _tell_failed(tx, store.to_render(row), row.reason)
            tasks = []
            for row in await jobs.claim(tx, renders, limit=limit):
                task = await store.to_task(tx, row)
                event = events_pb2.RenderStarted(
                    render_id=task.render.id, attempt=task.render.attempt
                )
                await outbox.publish(tx, event)
                tasks.append(task)
            return tasks

    async def renew(self, held: Collection[Render]) -> set[str]:
        """Renew the leases of renders in work; return which are no longer ours."""
        async with self._db.begin() as tx:
            return {
                render.id
                for render in held
                if not await jobs.save(tx, renders, render.id, render.attempt)
            }

    async def now(self) -> datetime:
        """Return the database's time, by which licenses end."""
        async with self._db.begin() as tx:
            return await db.now(tx)

    async def new_numbers(self, count: int) -> list[int]:
        """Draw asset numbers that nothing has; those not used are lost."""
        async with self._db.begin() as tx:
            return await store.new_numbers(tx, count)

    async def admit(self, task: Task, claims: Claims) -> datetime:
        """Hold a grant against its render and note its use; return the database's time.

        Raises:
            GrantInvalid, GrantExpired: nothing is noted then.
        """
        render = task.render
        wanted = Wanted(render.license_id, render.twin_version_id, task.brief_sha256)
        async with self._db.begin() as tx:
            now = await db.now(tx)
            grant_rules.check(claims, wanted, now=now)
            uses = await grants_store.use(tx, claims.jti, render)
            grant_rules.check_uses(claims, uses, brief_id=render.brief_id)
            return now

    async def finish(self, render: Render, made: Made) -> bool:
        """Register a picture as a draft; return False if the render is no longer ours."""
        async with self._db.begin() as tx:
            if not await store.finish(tx, render, made):
                return False
            await reviews_store.begin(tx, render.id, self._review_lasts)
            event = events_pb2.RenderDrafted(
                render_id=render.id,
                license_id=render.license_id,
                talent_id=render.talent_id,
                picture_sha256=made.picture.sha256,
                fingerprint=made.picture.fingerprint.hex(),
            )
            await outbox.publish(tx, event)
            return True

    async def fail(self, render: Render, reason: str) -> None:
        """End a render that can never succeed."""
        async with self._db.begin() as tx:
            if await store.end(tx, render, State.FAILED, reason):
                await _tell_failed(tx, render, reason)

    async def cancel(self, render: Render, reason: str) -> None:
        """End a render that may not go on."""
        async with self._db.begin() as tx:
            if await store.end(tx, render, State.CANCELLED, reason):
                await tell_cancelled(tx, [render], reason)


async def tell_cancelled(tx: Tx, ended: Sequence[Render], reason: str) -> None:
    """Tell others that renders were cancelled."""
    for render in ended:
        event = events_pb2.RenderCancelled(render_id=render.id, reason=reason)
        await outbox.publish(tx, event)


async def _tell_failed(tx: Tx, render: Render, reason: str) -> None:
    await outbox.publish(tx, events_pb2.RenderFailed(render_id=render.id, reason=reason))
