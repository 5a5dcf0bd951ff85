"""What time does by itself: directors are reminded of drafts, and silence sets a draft aside.

Each is told once. No review waits for it: it judges the time itself.
"""

import asyncio
from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from kit import db, outbox, trace
from kit.bus import stopping
from kit.db import Database
from kit.ops import log
from sosia.render.v1 import events_pb2
from sqlalchemy.exc import DBAPIError

from render.domain.renders import State
from render.domain.takes import Word
from render.service import choosing
from render.store import campaigns as campaigns_store
from render.store import renders as renders_store
from render.store import reviews as store

_LOOK_EVERY_S = 1.0
_SILENCE = "nobody said anything in time"


async def watch(database: Database, reminder: timedelta) -> None:
    """Look until cancelled; of several processes each takes other rows."""
    while not stopping():
        try:
            with trace.span("deadlines", {}, who=trace.Actor("render", "service")):
                await remind(database, reminder)
                await lapse(database)
        except (DBAPIError, OSError) as error:
            log.warning("what is due was not looked for", error=repr(error))
        await asyncio.sleep(_LOOK_EVERY_S)


async def remind(database: Database, reminder: timedelta) -> int:
    """Remind directors whose time for a word is almost over, at most 200; return how many."""
    async with database.begin() as tx:
        due = await store.lock_due(tx, "reminded_at", await db.now(tx) + reminder)
        for render_id, deadline in due.items():
            render = await renders_store.get(tx, render_id)
            campaign = await campaigns_store.get(tx, render.campaign_id)
            stamp = Timestamp()
            stamp.FromDatetime(deadline)
            event = events_pb2.ReviewReminded(
                render_id=render.id,
                brief_id=render.brief_id,
                director_id=campaign.director_id,
                deadline=stamp,
            )
            await outbox.publish(tx, event)
        return len(due)


async def lapse(database: Database) -> int:
    """Set drafts aside whose time is over without a word, at most 200; return how many."""
    async with database.begin() as tx:
        over = await store.lock_due(tx, "lapsed_at", await db.now(tx))
        for render_id in over:
            render = await renders_store.get(tx, render_id)
            campaign = await campaigns_store.get(tx, render.campaign_id)
            await choosing.free(tx, render, Word.OVERDUE, "", "")
            said = {"note": _SILENCE, "reviewer_id": campaign.director_id}
            await renders_store.review(tx, render, State.RETAKE, **said)
            event = events_pb2.ReviewLapsed(
                render_id=render.id, brief_id=render.brief_id, director_id=campaign.director_id
            )
            await outbox.publish(tx, event)
        return len(over)
