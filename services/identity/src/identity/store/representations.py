"""Which agency represents whom: offers, agreements, and what ended before its time."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, Select, func, insert, null, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from identity.domain.representations import Representation, RepresentationNotFound
from identity.store.tables import representation_ends as ends
from identity.store.tables import representation_offers as offers
from identity.store.tables import representations as agreements

_TIMES = ("agreed_at", "ended_at")
_TERMS = [f.name for f in fields(Representation) if f.name not in _TIMES]
_MOST_LISTED = 200


async def add_offer(tx: Tx, offer: Representation, *, proposed_by: str, now: datetime) -> None:
    """Store what an agency or a talent proposes."""
    row = {name: getattr(offer, name) for name in _TERMS}
    await tx.execute(insert(offers).values(proposed_by=proposed_by, proposed_at=now, **row))


async def add(tx: Tx, agreed: Representation) -> None:
    """Store what a talent signed."""
    row = {name: getattr(agreed, name) for name in (*_TERMS, "agreed_at")}
    await tx.execute(insert(agreements).values(row))


async def end(tx: Tx, agreed: Representation, *, ended_by: str) -> None:
    """Store that an agreement ended before its time."""
    row = {"representation_id": agreed.id, "ended_at": agreed.ended_at, "ended_by": ended_by}
    await tx.execute(insert(ends).values(row))


async def get(tx: Tx, representation_id: str) -> Representation:
    """Return an offer, or what came of it.

    Raises:
        RepresentationNotFound: there is none with that id.
    """
    if is_id("rep", representation_id):
        for query in (_agreed(), _offered()):
            found = query.where(query.selected_columns.id == representation_id)
            if (row := (await tx.execute(found)).one_or_none()) is not None:
                return _representation(row)
    raise RepresentationNotFound("there is no such representation")


async def was_agreed(tx: Tx, terms: Representation) -> bool:
    """Tell whether a talent signed the very same terms before, whatever became of it."""
    same = [agreements.c[name] == getattr(terms, name) for name in _TERMS if name != "id"]
    return (await tx.execute(select(agreements.c.id).where(*same).limit(1))).first() is not None


async def find(tx: Tx, talent_id: str, *, now: datetime) -> Representation | None:
    """Return who represents the talent now: of several, what she agreed to last."""
    query = _in_force(now).where(agreements.c.talent_id == talent_id)
    query = query.order_by(agreements.c.agreed_at.desc(), agreements.c.id.desc())
    row = (await tx.execute(query.limit(1))).one_or_none()
    return None if row is None else _representation(row)


async def find_each(tx: Tx, talent_id: str, *, now: datetime) -> list[Representation]:
    """Return every representation of the talent whose time is now."""
    query = _in_force(now).where(agreements.c.talent_id == talent_id)
    rows = (await tx.execute(query.order_by(agreements.c.agency_id))).all()
    return [_representation(row) for row in rows]


async def find_represented(tx: Tx, agency_id: str, *, now: datetime) -> list[Representation]:
    """Return what an agency represents talents by now: of each talent what she agreed to last."""
    newest = (
        _in_force(now)
        .order_by(agreements.c.talent_id, agreements.c.agreed_at.desc(), agreements.c.id.desc())
        .ext(distinct_on(agreements.c.talent_id))
        .subquery()
    )
    rows = (await tx.execute(select(newest).where(newest.c.agency_id == agency_id))).all()
    return [_representation(row) for row in rows]


async def find_all(tx: Tx, *, talent_id: str = "", agency_id: str = "") -> list[Representation]:
    """Return the newest offers and agreements of a talent, or of an agency, newest first.

    An offer that was signed is the agreement that came of it.
    """
    found = union_all(_agreed(), _offered()).subquery()
    of = found.c.talent_id == talent_id if talent_id else found.c.agency_id == agency_id
    query = select(found).where(of).order_by(found.c.id.desc())
    return [_representation(row) for row in (await tx.execute(query.limit(_MOST_LISTED))).all()]


async def count_open(tx: Tx, talent_id: str, agency_id: str, *, now: datetime) -> int:
    """Return how many offers of an agency a talent could sign now."""
    open_ones = _offered().subquery()
    query = select(func.count()).where(
        open_ones.c.talent_id == talent_id,
        open_ones.c.agency_id == agency_id,
        open_ones.c.ends_at > now,
    )
    return int((await tx.execute(query)).scalar_one())


def _in_force(now: datetime) -> Select[Any]:
    return _agreed().where(
        agreements.c.starts_at <= now, agreements.c.ends_at > now, ends.c.ended_at.is_(None)
    )


def _agreed() -> Select[Any]:
    joined = agreements.outerjoin(ends, ends.c.representation_id == agreements.c.id)
    terms = [agreements.c[name] for name in (*_TERMS, "agreed_at")]
    return select(*terms, ends.c.ended_at).select_from(joined)


def _offered() -> Select[Any]:
    """Return the query of the offers nobody signed."""
    signed = select(agreements.c.id).where(agreements.c.id == offers.c.id).exists()
    never = [null().cast(agreements.c.agreed_at.type).label(name) for name in _TIMES]
    return select(*[offers.c[name] for name in _TERMS], *never).where(~signed)


def _representation(row: Row[Any]) -> Representation:
    return Representation(**{name: getattr(row, name) for name in (*_TERMS, *_TIMES)})
