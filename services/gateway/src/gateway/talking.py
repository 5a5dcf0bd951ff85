"""A talk about a license: every offer with its price, who made it, and what came of it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.clients import Calls
from gateway.offers import last_day
from gateway.parts import find_names
from gateway.transcode import to_json

PROPOSED, ACTIVE, DECLINED, REVOKED, COUNTERED, EXPIRED = range(1, 7)
BRAND, TALENT = 1, 2
_TALENT_KINDS = ("talent", "agency")
_TALENTS = 1


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of a talk, and how it differs from the one it answers."""

    license: Any
    note: str
    """What was said with it."""
    party_id: str
    """Who made it; the brand where nobody noted it."""
    differs: list[str]
    """Names of the terms that are other than in the offer it answers."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk, as one side sees it."""

    offers: list[Offer]
    ends: list[Any]
    """Changes that are no offers: accepted, declined, signed, revoked, expired."""
    names: dict[str, str]
    kind: str

    @property
    def head(self) -> Any:
        """Return the license that stands last."""
        return self.offers[-1].license

    @property
    def is_talents(self) -> bool:
        """Tell whether the visitor is on the talent's side."""
        return self.kind in _TALENT_KINDS

    @property
    def is_open(self) -> bool:
        """Tell whether the last offer still stands."""
        return bool(self.head.state == PROPOSED)

    @property
    def is_accepted(self) -> bool:
        """Tell whether the brand said yes to the talent's offer."""
        return bool(self.head.accepted_at.seconds)

    @property
    def may_answer(self) -> bool:
        """Tell whether it is the visitor's turn to make an offer."""
        return may_answer(self.head, self.kind)

    @property
    def may_accept(self) -> bool:
        """Tell whether the visitor may say yes for the brand."""
        return self.may_answer and self.kind == "brand"

    @property
    def may_sign(self) -> bool:
        """Tell whether the visitor may grant what both sides want."""
        wanted = self.head.offered_by == BRAND or self.is_accepted
        return self.is_open and wanted and self.kind == "talent"

    @property
    def may_renew(self) -> bool:
        """Tell whether the visitor may ask for a license that follows this one."""
        return self.kind == "brand" and self.head.state in (ACTIVE, EXPIRED)

    @property
    def last_days(self) -> list[str]:
        """Return the last day of each use, as a form has it."""
        return [last_day(use["ends_at"], use["zone"]) for use in to_json(self.head.terms)["uses"]]

    def name(self, party_id: str) -> str:
        """Return who an id is, as far as that may be seen."""
        return self.names.get(party_id, party_id)


@dataclass(frozen=True, slots=True)
class Head:
    """The last offer of a talk, in a list."""

    license: Any
    brand: str
    talent: str
    is_turn: bool
    """The visitor's side is waited for."""


def may_answer(license: Any, kind: str) -> bool:
    """Tell whether a caller of that kind has the turn on a license."""
    if license.state != PROPOSED or license.accepted_at.seconds:
        return False
    return bool(
        (license.offered_by == BRAND and kind in _TALENT_KINDS)
        or (license.offered_by == TALENT and kind == "brand")
    )


async def open_talk(calls: Calls, license_id: str, kind: str) -> Talk:
    """Ask for a license, for those whose offers it answers, and for every change of theirs.

    Raises:
        NotFound: no such license, or none the caller may know of.
    """
    asked = {"license_id": license_id}
    changes = list((await calls.ask("licensing", "ListLicenseChanges", **asked)).changes)
    chain = [(await calls.ask("licensing", "GetLicense", **asked)).license]
    while chain[-1].answers and len(chain) < 50:
        asked = {"license_id": chain[-1].answers}
        chain.append((await calls.ask("licensing", "GetLicense", **asked)).license)
    chain.reverse()
    offers = [_offer(chain, index, changes) for index in range(len(chain))]
    ends = [change for change in changes if not _is_offer(change)]
    terms = chain[-1].terms
    ids = {terms.brand_id, terms.talent_id, *(one.party_id for one in changes)}
    return Talk(offers, ends, await find_names(calls, ids), kind)


async def list_heads(calls: Calls, of: dict[str, str], kind: str) -> list[Head]:
    """Ask for the licenses of a side; of a talk only the last offer."""
    found = list((await calls.ask("licensing", "ListLicenses", **of)).licenses)
    heads = [one for one in found if one.state != COUNTERED]
    ids = {one.terms.brand_id for one in heads} | {one.terms.talent_id for one in heads}
    names = await find_names(calls, ids)
    return [
        Head(
            one,
            names.get(one.terms.brand_id, ""),
            names.get(one.terms.talent_id, ""),
            may_answer(one, kind)
            or ((kind == "talent" and bool(one.accepted_at.seconds)) and one.state == PROPOSED),
        )
        for one in heads
    ]


async def list_talents(calls: Calls) -> list[Any]:
    """Ask for the talents of the house, the first 200."""
    page = {"page_size": 200}
    found = await calls.ask("identity", "ListParties", kind=_TALENTS, page=page)
    return list(found.parties)


async def list_represented(calls: Calls, agency_id: str) -> list[Any]:
    """Ask which talents of the house an agency represents now."""

    async def represented(talent: Any) -> bool:
        asked = calls.ask("identity", "GetRepresentation", talent_id=talent.id)
        return bool((await asked).representation.agency_id == agency_id)

    talents = await list_talents(calls)
    hers = await asyncio.gather(*(represented(one) for one in talents))
    return [talent for talent, is_hers in zip(talents, hers, strict=True) if is_hers]


def _offer(chain: list[Any], index: int, changes: list[Any]) -> Offer:
    """Return an offer with the word that came with it: noted on the one it answers."""
    license = chain[index]
    if index == 0:
        return Offer(license, "", license.terms.brand_id, [])
    before = chain[index - 1]
    answered = next(
        (one for one in changes if one.license_id == before.id and one.state == COUNTERED), None
    )
    note, party = (answered.note, answered.party_id) if answered else ("", "")
    return Offer(license, note, party, _differs(before, license))


def _differs(before: Any, after: Any) -> list[str]:
    was, now = to_json(before.terms), to_json(after.terms)
    return [name for name in now if name != "statement" and was[name] != now[name]]


def _is_offer(change: Any) -> bool:
    """Tell whether a change only says that an offer was made or answered."""
    if change.state == PROPOSED:
        return bool(change.note != "accepted")
    return bool(change.state == COUNTERED)
