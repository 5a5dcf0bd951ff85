"""What time does by itself: terms end, talents are reminded, their time runs out.

Each is told once. No decision waits for it: they judge the times themselves.
"""

import asyncio
from datetime import timedelta

from kit import db, outbox, trace
from kit.bus import stopping
from kit.db import Database
from kit.ops import log
from sosia.licensing.v1 import events_pb2
from sqlalchemy.exc import DBAPIError

from licensing.domain import licenses as domain
from licensing.service.lives import keep
from licensing.service.stamps import to_stamp
from licensing.store import approvals as approvals_store
from licensing.store import licenses as store

_LOOK_EVERY_S = 1.0


async def watch(database: Database, reminder: timedelta) -> None:
    """Look until cancelled; of several processes each takes other rows."""
    while not stopping():
        try:
            with trace.span("expire", {}, who=trace.Actor("licensing", "service")):
                await expire_over(database)
                await remind(database, reminder)
                await lapse(database)
        except (DBAPIError, OSError) as error:
            log.warning("what is due was not looked for", error=repr(error))
        await asyncio.sleep(_LOOK_EVERY_S)


async def expire_over(database: Database) -> int:
    """Expire the live licenses whose term is over, at most 200; return how many."""
    async with database.begin() as tx:
        now = await db.now(tx)
        over = await store.lock_over(tx, now)
        for license in over:
            await keep(tx, domain.expire(license, now=now))
            event = events_pb2.LicenseExpired(
                license_id=license.id,
                brand_id=license.terms.brand_id,
                talent_id=license.terms.talent_id,
                ended_at=to_stamp(license.terms.ends_at),
            )
            await outbox.publish(tx, event)
        return len(over)


async def remind(database: Database, reminder: timedelta) -> int:
    """Remind talents whose time for a word is almost over, at most 200; return how many."""
    async with database.begin() as tx:
        due = await approvals_store.lock_due(tx, "reminded_at", await db.now(tx) + reminder)
        for approval in due:
            event = events_pb2.ApprovalReminded(
                approval_id=approval.id,
                license_id=approval.license_id,
                talent_id=approval.talent_id,
                render_id=approval.render_id,
                deadline=to_stamp(approval.deadline),
            )
            await outbox.publish(tx, event)
        return len(due)


async def lapse(database: Database) -> int:
    """Tell of approvals whose time is over without a word, at most 200; return how many."""
    async with database.begin() as tx:
        over = await approvals_store.lock_due(tx, "lapsed_at", await db.now(tx))
        for approval in over:
            event = events_pb2.ApprovalLapsed(
                approval_id=approval.id,
                license_id=approval.license_id,
                talent_id=approval.talent_id,
                render_id=approval.render_id,
            )
            await outbox.publish(tx, event)
        return len(over)
