"""Licenses whose term is over are noticed and told of; decisions never wait for it."""

import asyncio

from kit import db, outbox, trace
from kit.bus import stopping
from kit.db import Database
from kit.ops import log
from sosia.licensing.v1 import events_pb2
from sqlalchemy.exc import DBAPIError

from licensing.domain import licenses as domain
from licensing.service.lives import keep
from licensing.service.stamps import to_stamp
from licensing.store import licenses as store

_LOOK_EVERY_S = 1.0


async def watch(database: Database) -> None:
    """Expire licenses until cancelled; of several processes each takes others."""
    while not stopping():
        try:
            await expire_over(database)
        except (DBAPIError, OSError) as error:
            log.warning("licenses that are over were not looked for", error=repr(error))
        await asyncio.sleep(_LOOK_EVERY_S)


async def expire_over(database: Database) -> int:
    """Expire the live licenses whose term is over, at most 200; return how many."""
    with trace.span("expire", {}, who=trace.Actor("licensing", "service")):
        async with database.begin() as tx:
            now = await db.now(tx)
            over = await store.lock_over(tx, now)
            for license in over:
                expired = domain.expire(license, now=now)
                await keep(tx, expired)
                event = events_pb2.LicenseExpired(
                    license_id=license.id,
                    brand_id=license.terms.brand_id,
                    talent_id=license.terms.talent_id,
                    ended_at=to_stamp(license.terms.ends_at),
                )
                await outbox.publish(tx, event)
            return len(over)
