"""Renders, as callers see them: started, read, reviewed, released.

Other services are asked before a transaction opens, never within.
"""

import hashlib
from contextlib import nullcontext

from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.ids import new_id
from sosia.render.v1 import events_pb2

from render.clients import Identity, Licensing, as_render
from render.domain import campaigns
from render.domain import renders as domain
from render.domain.campaigns import Brief, BriefNotFound, Campaign
from render.domain.grants import Wanted
from render.domain.renders import Render, RenderNotFound, Review, State
from render.domain.takes import Word
from render.service import access, choosing
from render.service.commands import Command
from render.service.likeness import tell_drift
from render.service.starts import Start, Starts, first_take, make_render
from render.store import campaigns as campaigns_store
from render.store import renders as store


class Renders:
    """Pictures on their way."""

    def __init__(
        self, database: Database, identity: Identity, starts: Starts, licensing: Licensing
    ) -> None:
        self._db = database
        self._identity = identity
        self._starts = starts
        self._licensing = licensing

    async def start(self, command: Command, brief_id: str) -> list[Render]:
        """Queue a render per shot of a brief under one grant; brand and creative director may.

        The brand let its director in on the campaign, so render asks for her grant itself.

        Raises:
            BriefNotFound, NotAllowed, TwinBelowBar: and what training, identity and licensing say.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            brief, campaign = await _get_brief(tx, brief_id)
            repeat = await once.find(tx, command.request_id, command.content)
        await self._check_near_brief(campaign)
        directs = trace.actor().party_id == campaign.director_id
        if not directs:
            access.require_brand(campaign.brand_id)
        if repeat is not None:
            async with self._db.begin() as tx:
                return await store.find_started(tx, repeat)
        start = await self._starts.prepare(brief, campaign)
        wanted = Wanted(campaign.license_id, start.twin.id, brief.sha256)
        with as_render() if directs else nullcontext():
            token = await self._licensing.issue_grant(
                _grant_request(brief.id, command.request_id), wanted, len(brief.shots)
            )
        return await self._queue(command, start, token)

    async def _queue(self, command: Command, start: Start, grant: str) -> list[Render]:
        start_id = new_id("sta")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, start_id)
            if result == start_id:
                before = await store.find_takes(tx, start.brief.id)
                shots = range(len(start.brief.shots))
                new = [make_render(start, shot, first_take(start, shot, before)) for shot in shots]
                await store.add(tx, new, start_id=start_id, grant=grant)
                event = events_pb2.RendersQueued(
                    brief_id=start.brief.id, render_ids=[render.id for render in new]
                )
                await outbox.publish(tx, event)
            return await store.find_started(tx, result)

    async def get(self, render_id: str) -> Render:
        """Return a render the caller may know of."""
        return (await self.open(render_id))[0]

    async def open(self, render_id: str) -> tuple[Render, Campaign]:
        """Return a render the caller may know of, and its campaign."""
        trace.require_actor()
        async with self._db.begin() as tx:
            render = await store.get(tx, render_id)
            campaign = await campaigns_store.get(tx, render.campaign_id)
        if not await access.is_near_campaign(self._identity, campaign):
            raise RenderNotFound("there is no such render")
        return render, campaign

    async def find(self, brief_id: str) -> list[Render]:
        """Return the renders of a brief the caller may know of, oldest first."""
        trace.require_actor()
        async with self._db.begin() as tx:
            brief, campaign = await _get_brief(tx, brief_id)
            found = await store.find_of_brief(tx, brief.id)
        await self._check_near_brief(campaign)
        return found

    async def review(self, command: Command, render_id: str, review: Review) -> Render:
        """Note the creative director's word.

        Raises:
            RenderNotFound, NotAllowed, FieldInvalid, RenderNotDraft, ReviewOverdue, TakeChosen:
                in this order; who sets a take aside is never too late.
        """
        _, campaign = await self.open(render_id)
        reviewer_id = access.require_director(campaign)
        review = domain.check_review(review)
        async with self._db.begin() as tx:
            render = await store.get(tx, render_id, lock=True)
            token = new_id("rev")
            if await once.claim(tx, command.request_id, command.content, token) == token:
                domain.check_draft(render)
                if review.approve:
                    domain.check_in_time(render, now=await db.now(tx))
                    await choosing.approve(tx, render, reviewer_id, review.note)
                else:
                    await choosing.free(tx, render, Word.RETAKE, review.note, reviewer_id)
                state = State.APPROVED if review.approve else State.RETAKE
                await store.review(tx, render, state, note=review.note, reviewer_id=reviewer_id)
                await outbox.publish(tx, _reviewed(render, review, reviewer_id))
            return await store.get(tx, render_id)

    async def release(self, command: Command, render_id: str) -> Render:
        """Hand a picture to the brand, if licensing lets it go.

        licensing draws the picture from the license once per render; if we die before we note
        it, the next call finishes.

        Raises:
            RenderNotFound, NotAllowed, RenderNotApproved: and what licensing says.
        """
        render, campaign = await self.open(render_id)
        access.require_brand(campaign.brand_id)
        async with self._db.begin() as tx:
            if await once.find(tx, command.request_id, command.content) is not None:
                return await store.get(tx, render_id)
        picture = domain.check_approved(render)
        credited = campaigns.credited(campaign, render.credits)
        await self._licensing.release(render, picture, credited)
        async with self._db.begin() as tx:
            render = await store.get(tx, render_id, lock=True)
            token = new_id("rel")
            if await once.claim(tx, command.request_id, command.content, token) == token:
                domain.check_approved(render)
                await store.release(tx, render)
                event = events_pb2.RenderReleased(
                    render_id=render.id,
                    license_id=render.license_id,
                    brand_id=render.brand_id,
                    picture_sha256=picture.sha256,
                )
                await outbox.publish(tx, event)
                await tell_drift(tx, render)
            return await store.get(tx, render_id)

    async def _check_near_brief(self, campaign: Campaign) -> None:
        if not await access.is_near_campaign(self._identity, campaign):
            raise BriefNotFound("there is no such brief")


async def _get_brief(tx: Tx, brief_id: str) -> tuple[Brief, Campaign]:
    brief = await campaigns_store.get_brief(tx, brief_id)
    return brief, await campaigns_store.get(tx, brief.campaign_id)


def _grant_request(brief_id: str, request_id: str) -> str:
    """Name our request to licensing after the caller's, so that a repeat is one there too."""
    return f"renders:{brief_id}:{hashlib.sha256(request_id.encode()).hexdigest()[:32]}"


def _reviewed(render: Render, review: Review, reviewer_id: str) -> events_pb2.RenderReviewed:
    return events_pb2.RenderReviewed(
        render_id=render.id,
        license_id=render.license_id,
        talent_id=render.talent_id,
        reviewer_id=reviewer_id,
        approved=review.approve,
        note=review.note,
        picture_sha256=render.picture.sha256 if render.picture else "",
    )
