"""Grants as they were issued; their tokens are nowhere."""

from typing import Any

from kit.db import Tx
from sqlalchemy import Row, insert, select, update

from licensing.domain.grants import Grant, Work
from licensing.store.tables import grants


async def add(tx: Tx, grant: Grant, *, issued_by: str) -> None:
    """Store a new grant."""
    row = {
        "id": grant.id,
        "license_id": grant.work.license_id,
        "twin_version_id": grant.work.twin_version_id,
        "brief_sha256": grant.work.brief_sha256,
        "count": grant.work.count,
        "issued_by": issued_by,
        "issued_at": grant.issued_at,
        "expires_at": grant.expires_at,
    }
    await tx.execute(insert(grants).values(row))


async def get(tx: Tx, grant_id: str) -> Grant:
    """Return a grant that is known to be there."""
    return _grant((await tx.execute(select(grants).where(grants.c.id == grant_id))).one())


async def renew(tx: Tx, grant: Grant) -> None:
    """Store the new times of a grant that is issued again."""
    times = {"issued_at": grant.issued_at, "expires_at": grant.expires_at}
    await tx.execute(update(grants).where(grants.c.id == grant.id).values(times))


def _grant(row: Row[Any]) -> Grant:
    work = Work(row.license_id, row.twin_version_id, row.brief_sha256, row._mapping["count"])
    return Grant(row.id, work, row.issued_at, row.expires_at)
