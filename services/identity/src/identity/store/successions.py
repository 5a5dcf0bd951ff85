"""Whom talents name to succeed them."""

from dataclasses import fields
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, func, insert, select, update

from identity.domain.successions import State, Succession, SuccessionNotFound
from identity.store.tables import successions

_PLAIN = [f.name for f in fields(Succession) if f.name not in ("state", "successor_ids")]
_MOST_LISTED = 100


async def add(tx: Tx, succession: Succession) -> None:
    """Store a new succession."""
    row = {name: getattr(succession, name) for name in _PLAIN}
    row |= {"state": str(succession.state), "successor_ids": list(succession.successor_ids)}
    await tx.execute(insert(successions).values(row))


async def get(tx: Tx, succession_id: str, *, lock: bool = False) -> Succession:
    """Return a succession; with `lock`, hold its row until the transaction ends.

    Raises:
        SuccessionNotFound: there is none with that id.
    """
    row = None
    if is_id("suc", succession_id):
        query = select(successions).where(successions.c.id == succession_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise SuccessionNotFound("there is no such succession")
    return _succession(row)


async def find(tx: Tx, talent_id: str) -> list[Succession]:
    """Return a talent's newest successions, newest first."""
    query = select(successions).where(successions.c.talent_id == talent_id)
    query = query.order_by(successions.c.version.desc()).limit(_MOST_LISTED)
    return [_succession(row) for row in (await tx.execute(query)).all()]


async def find_live(tx: Tx, talent_id: str) -> Succession | None:
    """Return the succession a talent signed last, if she signed one."""
    query = select(successions).where(
        successions.c.talent_id == talent_id, successions.c.state == str(State.ACTIVE)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _succession(row)


async def next_version(tx: Tx, talent_id: str) -> int:
    """Return the number of the next version; the caller holds the talent's row."""
    query = select(func.coalesce(func.max(successions.c.version), 0) + 1)
    return int((await tx.execute(query.where(successions.c.talent_id == talent_id))).scalar_one())


async def save(tx: Tx, succession: Succession) -> None:
    """Write what may change of a succession."""
    changed = {
        "state": str(succession.state),
        "signed_at": succession.signed_at,
        "ended_at": succession.ended_at,
        "receipt_id": succession.receipt_id,
    }
    query = update(successions).where(successions.c.id == succession.id)
    await tx.execute(query.values(changed))


def _succession(row: Row[Any]) -> Succession:
    plain = {name: getattr(row, name) for name in _PLAIN}
    ids = tuple(row.successor_ids)
    return Succession(state=State(row.state), successor_ids=ids, **plain)
