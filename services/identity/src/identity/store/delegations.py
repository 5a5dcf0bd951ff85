"""Delegations."""

from dataclasses import fields
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, func, insert, select, update

from identity.domain.delegations import Act, Bounds, Delegation, DelegationNotFound, State
from identity.store.tables import delegations

_BOUNDS = [field.name for field in fields(Bounds)]
_PLAIN = [field.name for field in fields(Delegation) if field.name not in ("bounds", "state")]
_LISTS = {"acts", "brand_ids", "categories", "agency_keys"}
_MOST_LISTED = 200


async def add(tx: Tx, delegation: Delegation) -> None:
    """Store a new delegation."""
    row = {name: getattr(delegation, name) for name in _PLAIN}
    row |= {name: getattr(delegation.bounds, name) for name in _BOUNDS}
    row |= {name: list(row[name]) for name in _LISTS}
    await tx.execute(insert(delegations).values(state=str(delegation.state), **row))


async def get(tx: Tx, delegation_id: str, *, lock: bool = False) -> Delegation:
    """Return a delegation; with `lock`, hold its row until the transaction ends.

    Raises:
        DelegationNotFound: there is none with that id.
    """
    row = None
    if is_id("del", delegation_id):
        query = select(delegations).where(delegations.c.id == delegation_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise DelegationNotFound("there is no such delegation")
    return _delegation(row)


async def find(tx: Tx, *, talent_id: str = "", agency_id: str = "") -> list[Delegation]:
    """Return the newest delegations of a talent, or to an agency, newest first."""
    of = delegations.c.talent_id == talent_id if talent_id else delegations.c.agency_id == agency_id
    query = select(delegations).where(of)
    query = query.order_by(delegations.c.proposed_at.desc(), delegations.c.id.desc())
    return [_delegation(row) for row in (await tx.execute(query.limit(_MOST_LISTED))).all()]


async def find_live(tx: Tx, talent_id: str, agency_id: str) -> Delegation | None:
    """Return and hold the version that is live for an agency, if one is."""
    query = select(delegations).where(
        delegations.c.talent_id == talent_id,
        delegations.c.agency_id == agency_id,
        delegations.c.state == str(State.ACTIVE),
    )
    row = (await tx.execute(query.with_for_update())).one_or_none()
    return None if row is None else _delegation(row)


async def next_version(tx: Tx, talent_id: str, agency_id: str) -> int:
    """Return the number of the next version for an agency; the caller holds the talent's row."""
    query = select(func.coalesce(func.max(delegations.c.version), 0) + 1).where(
        delegations.c.talent_id == talent_id, delegations.c.agency_id == agency_id
    )
    return int((await tx.execute(query)).scalar_one())


async def save(tx: Tx, delegation: Delegation) -> None:
    """Write what may change of a delegation."""
    changed = {
        "state": str(delegation.state),
        "signed_at": delegation.signed_at,
        "ended_at": delegation.ended_at,
        "receipt_id": delegation.receipt_id,
    }
    query = update(delegations).where(delegations.c.id == delegation.id)
    await tx.execute(query.values(changed))


def _delegation(row: Row[Any]) -> Delegation:
    values = {name: getattr(row, name) for name in (*_PLAIN, *_BOUNDS)}
    values |= {name: tuple(values[name]) for name in _LISTS}
    values["acts"] = tuple(Act(act) for act in row.acts)
    bounds = Bounds(**{name: values.pop(name) for name in _BOUNDS})
    return Delegation(state=State(row.state), bounds=bounds, **values)
