"""Campaigns and briefs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, insert, select, update

from render.domain.campaigns import (
    Brief,
    BriefNotFound,
    Campaign,
    CampaignNotFound,
    Credit,
    Product,
    Shot,
)
from render.store.tables import briefs, campaigns

_MOST_LISTED = 200


async def add(tx: Tx, campaign: Campaign) -> None:
    """Store a new campaign."""
    row = {name: getattr(campaign, name) for name in Campaign.__slots__}
    row["credits"] = from_credits(campaign.credits)
    await tx.execute(insert(campaigns).values(row))


async def save_credits(tx: Tx, campaign: Campaign) -> None:
    """Store who makes a campaign now."""
    query = update(campaigns).where(campaigns.c.id == campaign.id)
    await tx.execute(query.values(credits=from_credits(campaign.credits)))


async def get(tx: Tx, campaign_id: str, *, lock: bool = False) -> Campaign:
    """Return a campaign; with `lock`, hold its row until the transaction ends.

    Raises:
        CampaignNotFound: there is none with that id.
    """
    row = None
    if is_id("cmp", campaign_id):
        query = select(campaigns).where(campaigns.c.id == campaign_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise CampaignNotFound("there is no such campaign")
    return _campaign(row)


async def find_campaigns(tx: Tx, kind: str, party_id: str, talent_id: str) -> list[Campaign]:
    """Return the newest campaigns of a caller of that kind; of anybody's for the house."""
    query = select(campaigns)
    if kind == "brand":
        query = query.where(campaigns.c.brand_id == party_id)
    elif kind == "talent":
        query = query.where(campaigns.c.talent_id == party_id)
    elif kind == "crew":
        query = query.where(campaigns.c.credits.contains([{"party_id": party_id}]))
    if talent_id:
        query = query.where(campaigns.c.talent_id == talent_id)
    query = query.order_by(campaigns.c.created_at.desc(), campaigns.c.id).limit(_MOST_LISTED)
    return [_campaign(row) for row in (await tx.execute(query)).all()]


async def add_brief(tx: Tx, brief: Brief, *, created_by: str) -> None:
    """Store a new brief."""
    row = {name: getattr(brief, name) for name in Brief.__slots__}
    row["products"] = [asdict(product) for product in brief.products]
    row["shots"] = [asdict(shot) for shot in brief.shots]
    row |= {"media": list(brief.media), "formats": list(brief.formats)}
    await tx.execute(insert(briefs).values(created_by=created_by, **row))


async def get_brief(tx: Tx, brief_id: str) -> Brief:
    """Return a brief.

    Raises:
        BriefNotFound: there is none with that id.
    """
    row = None
    if is_id("brf", brief_id):
        row = (await tx.execute(select(briefs).where(briefs.c.id == brief_id))).one_or_none()
    if row is None:
        raise BriefNotFound("there is no such brief")
    return _brief(row)


async def find_briefs(tx: Tx, campaign_id: str) -> list[Brief]:
    """Return the briefs of a campaign, oldest first."""
    query = select(briefs).where(briefs.c.campaign_id == campaign_id)
    query = query.order_by(briefs.c.created_at, briefs.c.id).limit(_MOST_LISTED)
    return [_brief(row) for row in (await tx.execute(query)).all()]


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(**{**row._mapping, "credits": to_credits(row.credits)})


def _brief(row: Row[Any]) -> Brief:
    values = {name: getattr(row, name) for name in Brief.__slots__}
    values["products"] = tuple(Product(**product) for product in row.products)
    values["shots"] = tuple(Shot(**shot) for shot in row.shots)
    values |= {"media": tuple(row.media), "formats": tuple(row.formats)}
    return Brief(**values)


def from_credits(credits: Sequence[Credit]) -> list[dict[str, Any]]:
    """Write credits as JSON."""
    return [asdict(credit) for credit in credits]


def to_credits(rows: Sequence[dict[str, Any]]) -> tuple[Credit, ...]:
    """Read credits."""
    return tuple(Credit(**row) for row in rows)
