"""Campaigns and briefs.

Other services are asked before a transaction opens, never within.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import rfc8785
from kit import db, fields, once, outbox, trace
from kit.db import Database
from kit.errors import FieldInvalid, NotFound
from kit.ids import new_id
from sosia.render.v1 import events_pb2

from render.clients import Identity, Licensing, Others
from render.domain import campaigns as domain
from render.domain.campaigns import (
    Brief,
    BriefNotFound,
    Campaign,
    CampaignNotFound,
    Choices,
    Credit,
    Product,
    Shot,
    TwinOfAnotherTalent,
)
from render.domain.formats import FORMATS
from render.domain.licenses import License
from render.service import access
from render.service.commands import Command
from render.store import appointments as appointments_store
from render.store import campaigns as store


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What a campaign is asked to be; the credits are without names."""

    license_id: str
    name: str
    credits: tuple[Credit, ...]
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewBrief:
    """What a brief is asked to be."""

    campaign_id: str
    twin_version_id: str
    products: tuple[Product, ...]
    shots: tuple[Shot, ...]
    deadline: datetime | None = None
    media: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()


class Campaigns:
    """What brands have made under their licenses."""

    def __init__(self, database: Database, identity: Identity, licensing: Licensing) -> None:
        self._db = database
        self._identity = identity
        self._licensing = licensing

    async def create(self, command: Command, new: NewCampaign) -> Campaign:
        """Create a campaign; the licensed brand may, and a director it appointed, as its director.

        Raises:
            FieldInvalid, NotAllowed: and LICENSE_NOT_FOUND as licensing says it.
        """
        trace.require_actor()
        fields.check_id("lic", new.license_id, "license_id", what="a license")
        name = domain.check_name(new.name)
        domain.check_credits(new.credits)
        license = await self._open_license(new)
        domain.check_dates(new.starts_at, new.ends_at, (license.starts_at, license.ends_at))
        credits = await self._name(new.credits)
        campaign_id = new_id("cmp")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, campaign_id)
            if result == campaign_id:
                campaign = Campaign(
                    id=campaign_id,
                    brand_id=license.brand_id,
                    license_id=license.id,
                    talent_id=license.talent_id,
                    name=name,
                    credits=credits,
                    created_at=await db.now(tx),
                    starts_at=new.starts_at,
                    ends_at=new.ends_at,
                )
                await store.add(tx, campaign)
                event = events_pb2.CampaignCreated(
                    campaign_id=campaign_id, brand_id=license.brand_id, license_id=license.id
                )
                await outbox.publish(tx, event)
            return await store.get(tx, result)

    async def _open_license(self, new: NewCampaign) -> License:
        """Return the license of a campaign whoever asks may open."""
        actor = trace.actor()
        async with self._db.begin() as tx:
            appointed = await appointments_store.find(tx, new.license_id, actor.party_id)
        if appointed is None or actor.kind != "crew":
            license = await self._licensing.find_license(new.license_id)
            access.require_brand(license.brand_id)
            return license
        director = (actor.party_id, domain.DIRECTOR)
        if director not in {(one.party_id, one.role) for one in new.credits}:
            raise FieldInvalid("credits", "must name you as the creative_director")
        return await self._licensing.get_license(new.license_id)

    async def get(self, campaign_id: str) -> Campaign:
        """Return a campaign the caller may know of."""
        trace.require_actor()
        async with self._db.begin() as tx:
            campaign = await store.get(tx, campaign_id)
        if not await access.is_near_campaign(self._identity, campaign):
            raise CampaignNotFound("there is no such campaign")
        return campaign

    async def credit(
        self, command: Command, campaign_id: str, more: tuple[Credit, ...]
    ) -> Campaign:
        """Name more people who make a campaign; the licensed brand and its director may.

        Raises:
            CampaignNotFound, NotAllowed, FieldInvalid.
        """
        campaign = await self.get(campaign_id)
        if trace.actor().party_id != campaign.director_id:
            access.require_brand(campaign.brand_id)
        named = await self._name(more)
        token = new_id("crd")
        async with self._db.begin() as tx:
            campaign = await store.get(tx, campaign_id, lock=True)
            if await once.claim(tx, command.request_id, command.content, token) == token:
                campaign = domain.credit(campaign, named)
                await store.save_credits(tx, campaign)
                party_ids = [one.party_id for one in named]
                event = events_pb2.CrewCredited(campaign_id=campaign_id, party_ids=party_ids)
                await outbox.publish(tx, event)
            return campaign

    async def find(self, talent_id: str) -> list[Campaign]:
        """Return the newest campaigns of whoever asks; with `talent_id` only those with her.

        Raises:
            FieldInvalid: no id of a talent, or none although an agency asks.
        """
        actor = trace.require_actor()
        if talent_id or actor.kind == "agency":
            fields.check_id("pty", talent_id, "talent_id", what="a talent")
        if actor.kind == "agency" and await self._identity.get_agency(talent_id) != actor.party_id:
            return []
        async with self._db.begin() as tx:
            return await store.find_campaigns(tx, actor.kind, actor.party_id, talent_id)

    async def _name(self, credits: Sequence[Credit]) -> tuple[Credit, ...]:
        """Fill in the names crew is known by."""
        named = []
        for index, credit in enumerate(credits):
            try:
                party = (await self._identity.get_parties([credit.party_id]))[credit.party_id]
            except NotFound as error:
                rule = "must be the id of a party"
                raise FieldInvalid(f"credits[{index}].party_id", rule) from error
            if party.kind != "crew":
                raise FieldInvalid(f"credits[{index}].party_id", "must be of a party of kind crew")
            named.append(replace(credit, name=party.name))
        return tuple(named)


class Briefs:
    """What is to be shown in a campaign, and how."""

    def __init__(self, database: Database, others: Others) -> None:
        self._db = database
        self._identity = others.identity
        self._training = others.training
        self._licensing = others.licensing

    async def create(self, command: Command, new: NewBrief) -> Brief:
        """Write a brief; the licensed brand and the campaign's crew may.

        Raises:
            FieldInvalid, CampaignNotFound, NotAllowed, TwinOfAnotherTalent: and TWIN_NOT_FOUND
                and CONSENT_MISSING, as training and identity say them.
        """
        trace.require_actor()
        fields.check_id("twn", new.twin_version_id, "twin_version_id", what="a twin version")
        products = domain.check_products(new.products)
        shots = domain.check_shots(new.shots, products=len(products))
        async with self._db.begin() as tx:
            repeat = await once.find(tx, command.request_id, command.content)
        campaign = await self._open_to_write(new.campaign_id)
        if repeat is not None:
            return await self.get(repeat)
        await self._check_twin(campaign, new.twin_version_id)
        new = await self._check_purpose(campaign, new)
        consent = await self._identity.check_consent(campaign.talent_id)
        domain.check_contexts(products, shots, consent.prohibited_contexts)
        return await self._keep(command, replace(new, products=products, shots=shots))

    async def find_choices(self, campaign_id: str) -> Choices:
        """Return what a brief of a campaign may name, for those who may write it.

        Raises:
            CampaignNotFound, NotAllowed: in this order; and CONSENT_MISSING as identity says it.
        """
        trace.require_actor()
        campaign = await self._open_to_write(campaign_id)
        consent = await self._identity.check_consent(campaign.talent_id)
        license = await self._licensing.get_license(campaign.license_id)
        return Choices(
            await self._training.list_twins(campaign.talent_id),
            license.media,
            tuple(FORMATS),
            campaign.ends_at or license.ends_at,
            consent.prohibited_contexts,
        )

    async def check_talent(self, party_id: str, field: str) -> None:
        """Check that a field names a talent of the house. Raises FieldInvalid."""
        fields.check_id("pty", party_id, field, what="a talent")
        try:
            party = (await self._identity.get_parties([party_id]))[party_id]
        except NotFound as error:
            raise FieldInvalid(field, "must be the id of a talent") from error
        if party.kind != "talent":
            raise FieldInvalid(field, "must be the id of a talent")

    async def _open_to_write(self, campaign_id: str) -> Campaign:
        async with self._db.begin() as tx:
            campaign = await store.get(tx, campaign_id)
        if not await access.is_near_campaign(self._identity, campaign):
            raise CampaignNotFound("there is no such campaign")
        access.require_maker(campaign)
        return campaign

    async def _check_purpose(self, campaign: Campaign, new: NewBrief) -> NewBrief:
        """Return a brief that says what it is for, and by when, within license and campaign."""
        license = await self._licensing.get_license(campaign.license_id)
        media = domain.check_some(new.media, license.media, "media")
        formats = domain.check_some(new.formats, tuple(FORMATS), "formats")
        async with self._db.begin() as tx:
            now = await db.now(tx)
        domain.check_deadline(new.deadline, campaign.ends_at or license.ends_at, now=now)
        return replace(new, media=media, formats=formats)

    async def get(self, brief_id: str) -> Brief:
        """Return a brief of a campaign the caller may know of."""
        return (await self.open(brief_id))[0]

    async def open(self, brief_id: str) -> tuple[Brief, Campaign]:
        """Return a brief of a campaign the caller may know of, and the campaign."""
        trace.require_actor()
        async with self._db.begin() as tx:
            brief = await store.get_brief(tx, brief_id)
            campaign = await store.get(tx, brief.campaign_id)
        if not await access.is_near_campaign(self._identity, campaign):
            raise BriefNotFound("there is no such brief")
        return brief, campaign

    async def find(self, campaign_id: str) -> list[Brief]:
        """Return the briefs of a campaign the caller may know of, oldest first.

        Raises:
            CampaignNotFound: there is none.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            campaign = await store.get(tx, campaign_id)
            found = await store.find_briefs(tx, campaign.id)
        if not await access.is_near_campaign(self._identity, campaign):
            raise CampaignNotFound("there is no such campaign")
        return found

    async def _check_twin(self, campaign: Campaign, twin_version_id: str) -> None:
        twin = await self._training.get_twin(twin_version_id)
        if twin.talent_id != campaign.talent_id:
            raise TwinOfAnotherTalent("the license is for another talent")

    async def _keep(self, command: Command, new: NewBrief) -> Brief:
        brief_id = new_id("brf")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, brief_id)
            if result == brief_id:
                now = await db.now(tx)
                made = (new.campaign_id, new.twin_version_id, new.products, new.shots)
                brief = Brief(brief_id, *made, "", now, new.deadline, new.media, new.formats)
                brief = replace(brief, sha256=sha256_of(brief))
                await store.add_brief(tx, brief, created_by=trace.actor().party_id)
                event = events_pb2.BriefCreated(
                    brief_id=brief_id,
                    campaign_id=brief.campaign_id,
                    twin_version_id=brief.twin_version_id,
                    sha256=brief.sha256,
                    shots=len(brief.shots),
                )
                await outbox.publish(tx, event)
            return await store.get_brief(tx, result)


def sha256_of(brief: Brief) -> str:
    """Return the SHA-256 of a brief's canonical JSON (RFC 8785), hex."""
    return hashlib.sha256(rfc8785.dumps(domain.content(brief))).hexdigest()
