"""The creative director's work on a shot: another take, the choice among them, the notes."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from kit import once, outbox
from kit.db import Database, Tx
from kit.ids import new_id
from sosia.render.v1 import events_pb2

from render.clients import Licensing, as_render
from render.domain import campaigns as campaign_rules
from render.domain import takes as domain
from render.domain.campaigns import Brief
from render.domain.grants import Wanted
from render.domain.renders import Render, Take
from render.domain.takes import Direction, Note, Word
from render.service import access, choosing
from render.service.campaigns import Briefs, sha256_of
from render.service.commands import Command
from render.service.renders import Renders
from render.service.starts import Start, Starts, make_render
from render.store import campaigns as campaigns_store
from render.store import renders as renders_store
from render.store import takes as store

Say = Callable[[Tx, Render, str, str], Awaitable[None]]
"""Notes a word of the director, by id, on a take the transaction holds, with what is said."""


class Takes:
    """Takes of shots, side by side."""

    def __init__(
        self,
        database: Database,
        briefs: Briefs,
        renders: Renders,
        starts: Starts,
        licensing: Licensing,
    ) -> None:
        self._db = database
        self._briefs = briefs
        self._renders = renders
        self._starts = starts
        self._licensing = licensing

    async def ask(self, command: Command, render_id: str, direction: Direction) -> Render:
        """Queue another take of a shot; the takes before stay as they are.

        The brand let its director in on the campaign, so the grant is asked for by render itself,
        for the brief with this shot in it.

        Raises:
            RenderNotFound, NotAllowed, FieldInvalid, TakeApproved, TakesSpent: in this order, then
                what identity, training and licensing say; last a word the talent prohibits.
        """
        was, campaign = await self._renders.open(render_id)
        director_id = access.require_director(campaign)
        note = domain.check_note(direction.note, required=True)
        async with self._db.begin() as tx:
            repeat = await once.find(tx, command.request_id, command.content)
            if repeat is not None:
                return await renders_store.get(tx, repeat)
            brief = await campaigns_store.get_brief(tx, was.brief_id)
            domain.check_another(await renders_store.find_takes(tx, brief.id, was.shot))
        take = _take(brief, was, replace(direction, note=note), command.request_id)
        start = await self._starts.prepare(brief, campaign)
        campaign_rules.check_shot_contexts(take.made_from, start.consent.prohibited_contexts)
        wanted = Wanted(campaign.license_id, start.twin.id, take.brief_sha256)
        with as_render():
            token = await self._licensing.issue_grant(_grant_request(was, command), wanted, 1)
        return await self._queue(command, (was, take, director_id), start, token)

    async def _queue(
        self, command: Command, asked: tuple[Render, Take, str], start: Start, grant: str
    ) -> Render:
        was, take, director_id = asked
        new = make_render(start, was.shot, take)
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, new.id)
            if result == new.id:
                there = await renders_store.find_takes(tx, was.brief_id, was.shot)
                take = replace(take, number=domain.check_another(there))
                new = replace(new, take=take)
                await renders_store.add(tx, [new], start_id=new_id("sta"), grant=grant)
                await store.note(tx, was, Word.ANOTHER, take.note, director_id)
                await _tell_asked(tx, new, take, director_id)
            return await renders_store.get(tx, result)

    async def choose(self, command: Command, render_id: str, note: str) -> Render:
        """Choose a take for approval.

        Raises:
            RenderNotFound, NotAllowed, FieldInvalid, RenderNotDraft, TakeChosen: in this order.
        """
        return await self._say(command, render_id, note, choosing.choose)

    async def put_back(self, command: Command, render_id: str, note: str) -> Render:
        """Choose a take no longer, so that another can be.

        Raises:
            RenderNotFound, NotAllowed, FieldInvalid, RenderNotDraft, TakeNotChosen: in this order.
        """
        return await self._say(command, render_id, note, choosing.put_back)

    async def _say(self, command: Command, render_id: str, note: str, say: Say) -> Render:
        """Do what the director says of a take, once, while its row is held."""
        _, campaign = await self._renders.open(render_id)
        director_id = access.require_director(campaign)
        note = domain.check_note(note, required=False)
        async with self._db.begin() as tx:
            render = await renders_store.get(tx, render_id, lock=True)
            token = new_id("tak")
            if await once.claim(tx, command.request_id, command.content, token) == token:
                await say(tx, render, director_id, note)
            return await renders_store.get(tx, render_id)

    async def find_notes(self, brief_id: str) -> list[Note]:
        """Return every word on the takes of a brief the caller may know of."""
        await self._briefs.open(brief_id)
        async with self._db.begin() as tx:
            return await store.find_notes(tx, brief_id)


def _take(brief: Brief, was: Render, direction: Direction, request_id: str) -> Take:
    """Return the take a director asks for, its number still to be given."""
    before = was.take.made_from if was.take else brief.shots[was.shot]
    drawn = domain.draw_seed(brief.id, str(was.shot), request_id)
    made_from = domain.direct(brief, before, direction, drawn=drawn)
    sha256 = sha256_of(domain.amend(brief, was.shot, made_from))
    return Take(0, was.id, direction.note, made_from, sha256)


def _grant_request(was: Render, command: Command) -> str:
    """Name our request to licensing after the caller's, so that a repeat is one there too."""
    return f"take:{was.id}:{hashlib.sha256(command.request_id.encode()).hexdigest()[:32]}"


async def _tell_asked(tx: Tx, new: Render, take: Take, director_id: str) -> None:
    event = events_pb2.TakeAsked(
        render_id=new.id,
        answers=take.answers,
        brief_id=new.brief_id,
        shot=new.shot,
        take=take.number,
        director_id=director_id,
        note=take.note,
    )
    await outbox.publish(tx, event)
    await outbox.publish(tx, events_pb2.RendersQueued(brief_id=new.brief_id, render_ids=[new.id]))
