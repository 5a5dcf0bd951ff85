"""Renders, as callers see them: started, read, reviewed, released.

Other services are asked before a transaction opens, never within.
"""

import hashlib
from dataclasses import dataclass

from kit import once, outbox, trace
from kit.db import Database, Tx
from kit.ids import new_id
from sosia.render.v1 import events_pb2

from render.clients import Consent, Identity, Licensing, Training
from render.domain import campaigns as campaign_rules
from render.domain import licenses
from render.domain import renders as domain
from render.domain.campaigns import Brief, BriefNotFound, Campaign, Credit
from render.domain.grants import Wanted
from render.domain.licenses import Twin
from render.domain.renders import Basis, Render, RenderNotFound, Review, State
from render.service import access
from render.service.commands import Command
from render.service.likeness import tell_drift
from render.store import campaigns as campaigns_store
from render.store import renders as store


@dataclass(frozen=True, slots=True)
class _Start:
    """What is known of renders about to be queued."""

    brief: Brief
    campaign: Campaign
    twin: Twin
    consent: Consent
    credits: tuple[Credit, ...]


class Renders:
    """Pictures on their way."""

    def __init__(
        self, database: Database, identity: Identity, training: Training, licensing: Licensing
    ) -> None:
        self._db = database
        self._identity = identity
        self._training = training
        self._licensing = licensing

    async def start(self, command: Command, brief_id: str) -> list[Render]:
        """Queue a render per shot of a brief under one grant; the licensed brand may.

        Raises:
            BriefNotFound, NotAllowed, TwinBelowBar: and what training, identity and licensing say.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            brief, campaign = await _get_brief(tx, brief_id)
            repeat = await once.find(tx, command.request_id, command.content)
        await self._check_near_brief(campaign)
        access.require_brand(campaign.brand_id)
        if repeat is not None:
            async with self._db.begin() as tx:
                return await store.find_started(tx, repeat)
        consent = await self._identity.check_consent(campaign.talent_id)
        twin = await self._training.get_twin(brief.twin_version_id)
        licenses.check_fidelity(twin)
        crew = await self._identity.list_credits(campaign.talent_id)
        credits = campaign_rules.merge(crew, campaign.credits)
        wanted = Wanted(campaign.license_id, twin.id, brief.sha256)
        token = await self._licensing.issue_grant(
            _grant_request(brief.id, command.request_id), wanted, len(brief.shots)
        )
        return await self._queue(command, _Start(brief, campaign, twin, consent, credits), token)

    async def _queue(self, command: Command, start: _Start, grant: str) -> list[Render]:
        start_id = new_id("sta")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, start_id)
            if result == start_id:
                new = [_new_render(start, index) for index in range(len(start.brief.shots))]
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
            RenderNotFound, NotAllowed, FieldInvalid, RenderNotDraft: in this order.
        """
        _, campaign = await self.open(render_id)
        reviewer_id = access.require_director(campaign)
        review = domain.check_review(review)
        async with self._db.begin() as tx:
            render = await store.get(tx, render_id, lock=True)
            token = new_id("rev")
            if await once.claim(tx, command.request_id, command.content, token) == token:
                domain.check_draft(render)
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
        await self._licensing.release(render, picture, campaign.credits)
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


def _new_render(start: _Start, index: int) -> Render:
    brief, campaign, consent = start.brief, start.campaign, start.consent
    return Render(
        id=new_id("ren"),
        brief_id=brief.id,
        campaign_id=campaign.id,
        license_id=campaign.license_id,
        talent_id=campaign.talent_id,
        brand_id=campaign.brand_id,
        twin_version_id=brief.twin_version_id,
        shot=index,
        seed=brief.shots[index].seed,
        basis=Basis(consent.id, consent.receipt_id, start.twin.consent_id),
        credits=start.credits,
        asset_number=0,
        state=State.QUEUED,
        attempt=0,
        reason="",
        prompt="",
        created_at=brief.created_at,
    )


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
