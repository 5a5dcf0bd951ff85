"""Reactions of the public to released pictures, and who sees them."""

from datetime import UTC

from kit import db, outbox
from kit.db import Database
from kit.ids import new_id
from sosia.render.v1 import events_pb2

from render.domain import reactions as domain
from render.domain.reactions import Day, Reaction, Rules
from render.domain.renders import RenderNotFound, State
from render.service.renders import Renders
from render.store import reactions as store
from render.store import renders as renders_store


class Reactions:
    """What people say of pictures."""

    def __init__(self, database: Database, renders: Renders, key: bytes, rules: Rules) -> None:
        """Take in the key that addresses are hashed with."""
        self._db = database
        self._renders = renders
        self._key = key
        self._rules = rules

    async def react(self, render_id: str, score: int, text: str, *, address: str) -> Reaction:
        """Note what somebody says of a released picture, once a day however often it is sent.

        Raises:
            FieldInvalid: the score or the text breaks a rule.
            RenderNotFound: there is no such picture, or it is not released.
            ReactionsSpent: enough was said by this address today, or of this picture this hour.
        """
        text = domain.check(score, text, self._rules)
        async with self._db.begin() as tx:
            if (await renders_store.get(tx, render_id)).state is not State.RELEASED:
                raise RenderNotFound("there is no such render")
            now = await db.now(tx)
            day = now.astimezone(UTC).date()
            hashed = domain.hash_address(self._key, day, address)
            new = Reaction(new_id("rct"), render_id, day, hashed, score, text, now)
            await store.lock(tx, hashed, render_id)
            same = await store.find_same(tx, new)
            if same is not None:
                return same
            domain.check_room(await store.count(tx, new), self._rules)
            await store.add(tx, new)
            await outbox.publish(tx, events_pb2.ReactionMade(render_id=render_id, score=score))
            return new

    async def find(self, render_id: str) -> tuple[list[Day], list[Reaction]]:
        """Return what was said of a picture by day, and the newest remarks.

        Raises:
            RenderNotFound: there is none, or none for the caller.
        """
        render = await self._renders.get(render_id)
        async with self._db.begin() as tx:
            return await store.find_days(tx, render.id), await store.find_remarks(tx, render.id)
