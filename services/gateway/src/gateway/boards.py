"""What the pages of campaigns and briefs show, gathered from the services."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.clients import Calls
from gateway.parts import find_names, part

QUEUED, RUNNING, DRAFT, APPROVED, RETAKE, RELEASED = range(1, 7)
_MOST_CAMPAIGNS = 24
_OVERDUE = 8
_DIRECTOR = "creative_director"


@dataclass(frozen=True, slots=True)
class Take:
    """One take of a shot, and what was said of it."""

    render: Any
    notes: list[Any]
    approval: Any
    """The talent's word; None where nobody asked her, or it is not the visitor's to see."""

    @property
    def is_open(self) -> bool:
        """Tell whether it is still to be made."""
        return self.render.state in (QUEUED, RUNNING)

    @property
    def is_refused(self) -> bool:
        """Tell whether the talent said no, or nothing in time."""
        return any(note.word in (6, 7) for note in self.notes)

    @property
    def is_overdue(self) -> bool:
        """Tell whether the director said nothing in time."""
        return any(note.word == _OVERDUE for note in self.notes)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture a brief asks for, and its takes."""

    number: int
    shot: Any
    product: Any
    takes: list[Take]

    @property
    def chosen(self) -> Take | None:
        """Return the take that goes to approval."""
        return next((take for take in self.takes if take.render.chosen), None)

    @property
    def is_settled(self) -> bool:
        """Tell whether a take of it is approved."""
        return self.chosen is not None and self.chosen.render.state in (APPROVED, RELEASED)


@dataclass(frozen=True, slots=True)
class Board:
    """A brief: what it refers to, asks for, and has."""

    brief: Any
    campaign: Any
    references: list[Any]
    shots: list[Shot]
    names: dict[str, str]

    @property
    def director_id(self) -> str:
        """Return whose word makes a draft more than that."""
        return _director(self.campaign)

    @property
    def makers(self) -> set[str]:
        """Return who may fill the moodboard."""
        return _makers(self.campaign)

    @property
    def credits(self) -> list[Any]:
        """Return everyone who took part, of capture sets and campaign, each once in one role."""
        renders = [take.render for shot in self.shots for take in shot.takes]
        newest = max(renders, key=lambda one: one.created_at.seconds, default=None)
        return list(self.campaign.credits if newest is None else newest.credits)

    def name(self, party_id: str) -> str:
        """Return who an id is, as far as that may be seen."""
        return self.names.get(party_id, party_id)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft that waits for its director's word."""

    campaign: Any
    brief: Any
    render: Any

    @property
    def product(self) -> Any:
        """Return what it shows."""
        return self.brief.products[self.brief.shots[self.render.shot].product]


@dataclass(frozen=True, slots=True)
class Shown:
    """A campaign in a list, with the picture that stands for it."""

    campaign: Any
    briefs: list[tuple[Any, list[Any]]]
    """Each with its renders."""
    names: dict[str, str]

    @property
    def brand(self) -> str:
        """Return whose it is."""
        return self.names.get(self.campaign.brand_id, "")

    @property
    def talent(self) -> str:
        """Return whom it shows."""
        return self.names.get(self.campaign.talent_id, "")

    def is_made_by(self, party_id: str) -> bool:
        """Tell whether somebody may write its briefs."""
        return party_id in _makers(self.campaign)

    def is_led_by(self, party_id: str) -> bool:
        """Tell whether somebody may say who is credited: its brand and its director."""
        return party_id in (self.campaign.brand_id, _director(self.campaign))

    def waiting(self, party_id: str) -> list[Any]:
        """Return the drafts that wait for a word of this party, who directs it."""
        if party_id != _director(self.campaign):
            return []
        found = []
        for brief, renders in self.briefs:
            settled = {
                one.shot for one in renders if one.chosen and one.state in (APPROVED, RELEASED)
            }
            open_ones = (one for one in renders if one.state == DRAFT and one.shot not in settled)
            found += [Waiting(self.campaign, brief, one) for one in open_ones]
        return found

    @property
    def cover(self) -> Any:
        """Return the render that stands for it; None while there is none."""
        return next(iter(self.pictures), None)

    @property
    def pictures(self) -> list[Any]:
        """Return one render of each shot that has one: the chosen, else the newest."""
        return [one for brief, _ in self.briefs for one in self.pictures_of(brief)]

    def pictures_of(self, brief: Any) -> list[Any]:
        """Return the same of one of its briefs."""
        best: dict[int, Any] = {}
        for one in next(renders for there, renders in self.briefs if there.id == brief.id):
            if one.picture_sha256 and (one.chosen or not best.get(one.shot, one).chosen):
                best[one.shot] = one
        return [best[shot] for shot in sorted(best)]


async def open_board(calls: Calls, brief_id: str) -> Board:
    """Ask for everything the page of a brief shows.

    Raises:
        NotFound: no such brief, or none the caller may know of.
    """
    brief = (await calls.ask("render", "GetBrief", brief_id=brief_id)).brief
    campaign, renders, references, notes = await asyncio.gather(
        calls.ask("render", "GetCampaign", campaign_id=brief.campaign_id),
        calls.ask("render", "ListRenders", brief_id=brief_id),
        calls.ask("render", "ListReferences", brief_id=brief_id),
        calls.ask("render", "ListTakeNotes", brief_id=brief_id),
    )
    takes = await asyncio.gather(*(_take(calls, one, notes.notes) for one in renders.renders))
    shots = [
        Shot(
            index + 1,
            shot,
            brief.products[shot.product],
            sorted((t for t in takes if t.render.shot == index), key=lambda t: t.render.take),
        )
        for index, shot in enumerate(brief.shots)
    ]
    ids = {campaign.campaign.brand_id, campaign.campaign.talent_id}
    ids |= {one.party_id for one in campaign.campaign.credits}
    ids |= {one.added_by for one in references.references}
    ids |= {note.party_id for note in notes.notes} | {one.render.talent_id for one in takes}
    names = await find_names(calls, ids)
    return Board(brief, campaign.campaign, list(references.references), shots, names)


async def _take(calls: Calls, render: Any, notes: Iterable[Any]) -> Take:
    approval = None
    if render.state == APPROVED:
        asked = calls.ask("licensing", "ListApprovals", render_id=render.id)
        approval = next(iter(await part(asked, "approvals") or ()), None)
    return Take(render, [note for note in notes if note.render_id == render.id], approval)


async def list_campaigns(calls: Calls, talent_id: str) -> list[Shown]:
    """Ask for the caller's newest campaigns and the pictures that stand for them."""
    found = await calls.ask("render", "ListCampaigns", talent_id=talent_id)
    newest = found.campaigns[:_MOST_CAMPAIGNS]
    ids = {one.brand_id for one in newest} | {one.talent_id for one in newest}
    names = await find_names(calls, ids)
    return list(await asyncio.gather(*(_shown(calls, one, names) for one in newest)))


async def open_campaign(calls: Calls, campaign_id: str) -> Shown:
    """Ask for everything the page of a campaign shows.

    Raises:
        NotFound: no such campaign, or none the caller may know of.
    """
    asked = calls.ask("render", "GetCampaign", campaign_id=campaign_id)
    campaign = (await asked).campaign
    names = await find_names(calls, (campaign.brand_id, campaign.talent_id))
    return await _shown(calls, campaign, names)


async def _shown(calls: Calls, campaign: Any, names: dict[str, str]) -> Shown:
    briefs = (await calls.ask("render", "ListBriefs", campaign_id=campaign.id)).briefs
    answers = await asyncio.gather(
        *(calls.ask("render", "ListRenders", brief_id=one.id) for one in briefs)
    )
    made = [(brief, list(answer.renders)) for brief, answer in zip(briefs, answers, strict=True)]
    return Shown(campaign, made, names)


def find_waiting(shown: Iterable[Shown], party_id: str) -> list[Waiting]:
    """Return what waits for a director's word, the most urgent first."""
    found = [waits for one in shown for waits in one.waiting(party_id)]
    return sorted(found, key=lambda one: one.render.review_by.seconds)


def _director(campaign: Any) -> str:
    return next((one.party_id for one in campaign.credits if one.role == _DIRECTOR), "")


def _makers(campaign: Any) -> set[str]:
    return {campaign.brand_id, *(one.party_id for one in campaign.credits)}
