"""Estates of talents who died, and their successors."""

from dataclasses import fields
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, insert, literal, select, update

from identity.domain import estates as domain
from identity.domain.estates import Estate, EstateNotFound, Life, State, Successor
from identity.store.tables import erasures, estate_successors, estates

_MOST_LISTED = 200
_PLAIN = [field.name for field in fields(Estate) if field.name not in ("state", "successors")]


async def add(tx: Tx, estate: Estate) -> None:
    """Store a new estate and its successors."""
    row = {name: getattr(estate, name) for name in _PLAIN}
    row |= {"state": str(estate.state), "told": list(estate.told)}
    await tx.execute(insert(estates).values(row))
    rows = [
        {
            "estate_id": estate.id,
            "party_id": one.party_id,
            "public_keys": list(one.public_keys),
            "statement": one.statement,
        }
        for one in estate.successors
    ]
    await tx.execute(insert(estate_successors), rows)


async def get(tx: Tx, estate_id: str, *, lock: bool = False) -> Estate:
    """Return an estate; with `lock`, hold its row until the transaction ends.

    Raises:
        EstateNotFound: there is none with that id.
    """
    row = None
    if is_id("est", estate_id):
        query = select(estates).where(estates.c.id == estate_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise EstateNotFound("there is no such estate")
    return await _estate(tx, row)


async def find_newest(tx: Tx, talent_id: str) -> Estate | None:
    """Return the newest estate of a talent, stopped ones too; None if there never was one."""
    query = select(estates).where(estates.c.talent_id == talent_id)
    query = query.order_by(estates.c.opened_at.desc(), estates.c.id.desc()).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else await _estate(tx, row)


async def find_open(tx: Tx, talent_id: str) -> Estate | None:
    """Return the estate of a talent that waits or is settled, if there is one."""
    open_ = (estates.c.talent_id == talent_id) & (estates.c.state != str(State.STOPPED))
    row = (await tx.execute(select(estates).where(open_))).one_or_none()
    return None if row is None else await _estate(tx, row)


async def find_all_open(tx: Tx, party_id: str) -> list[Estate]:
    """Return the newest estates that wait or are settled; of a successor, those that name them."""
    query = select(estates).where(estates.c.state != str(State.STOPPED))
    if party_id:
        theirs = select(estate_successors.c.estate_id)
        theirs = theirs.where(estate_successors.c.party_id == party_id)
        query = query.where(estates.c.id.in_(theirs))
    query = query.order_by(estates.c.opened_at.desc(), estates.c.id.desc()).limit(_MOST_LISTED)
    return [await _estate(tx, row) for row in (await tx.execute(query)).all()]


async def find_life(tx: Tx, talent_id: str) -> Life:
    """Say whether a talent speaks for herself; of one who is not known, that she does."""
    open_ = (estates.c.talent_id == talent_id) & (estates.c.state != str(State.STOPPED))
    gone = select(literal(str(Life.ERASED))).where(erasures.c.talent_id == talent_id)
    query = gone.union_all(select(estates.c.state).where(open_))
    states = set((await tx.execute(query)).scalars())
    lives = {str(Life.ERASED): Life.ERASED, str(State.SETTLED): Life.SUCCEEDED}
    lives[str(State.WAITING)] = Life.FROZEN
    return next((life for state, life in lives.items() if state in states), Life.LIVING)


async def find_all_successors(tx: Tx, talent_id: str) -> list[Successor]:
    """Return everybody who was ever named in an estate of hers, with the keys named then."""
    hers = select(estates.c.id).where(estates.c.talent_id == talent_id)
    query = select(estate_successors).where(estate_successors.c.estate_id.in_(hers))
    rows = (await tx.execute(query)).all()
    return [Successor(row.party_id, tuple(row.public_keys)) for row in rows]


async def is_successor(tx: Tx, talent_id: str, party_id: str) -> bool:
    """Tell whether somebody is named in a talent's estate that is not stopped."""
    query = select(estate_successors.c.party_id).join(
        estates, estates.c.id == estate_successors.c.estate_id
    )
    query = query.where(
        estates.c.talent_id == talent_id,
        estates.c.state != str(State.STOPPED),
        estate_successors.c.party_id == party_id,
    )
    return (await tx.execute(query)).one_or_none() is not None


async def save(tx: Tx, estate: Estate) -> None:
    """Write what may change of an estate."""
    changed = {
        "state": str(estate.state),
        "settled_at": estate.settled_at,
        "stopped_at": estate.stopped_at,
        "stop_reason": estate.stop_reason,
    }
    await tx.execute(update(estates).where(estates.c.id == estate.id).values(changed))


async def note_accepted(tx: Tx, estate_id: str, successor: Successor) -> None:
    """Write that a successor signed."""
    query = update(estate_successors).where(
        estate_successors.c.estate_id == estate_id,
        estate_successors.c.party_id == successor.party_id,
    )
    signed = {"accepted_at": successor.accepted_at, "receipt_id": successor.receipt_id}
    await tx.execute(query.values(signed))


async def _estate(tx: Tx, row: Row[Any]) -> Estate:
    query = select(estate_successors).where(estate_successors.c.estate_id == row.id)
    found = (await tx.execute(query.order_by(estate_successors.c.party_id))).all()
    successors = tuple(
        Successor(
            one.party_id, tuple(one.public_keys), one.statement, one.accepted_at, one.receipt_id
        )
        for one in found
    )
    plain = {name: getattr(row, name) for name in _PLAIN} | {"told": tuple(row.told)}
    return domain.Estate(state=State(row.state), successors=successors, **plain)
