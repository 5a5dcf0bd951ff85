"""Twin versions."""

from dataclasses import asdict, fields
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import ColumnElement, Row, func, insert, select, update

from training.domain.runs import Consent
from training.domain.twins import Facts, Likeness, Sealed, Twin, TwinNotFound
from training.store.tables import twins

_FACTS = tuple(field.name for field in fields(Facts))
_LIKENESS = tuple(field.name for field in fields(Likeness))


async def add(tx: Tx, twin: Twin) -> None:
    """Store a new twin version."""
    row = {
        "id": twin.id,
        "talent_id": twin.talent_id,
        "run_id": twin.run_id,
        "capture_set_id": twin.capture_set_id,
        "consent_id": twin.consent.id,
        "consent_receipt_id": twin.consent.receipt_id,
        "base": twin.base,
        "adapter_object_key": twin.adapter.object_key,
        "adapter_sha256": twin.adapter.sha256,
        "sheet_object_key": twin.sheet.object_key,
        "sheet_sha256": twin.sheet.sha256,
        "created_at": twin.created_at,
    }
    row |= asdict(twin.facts) | asdict(twin.likeness)
    await tx.execute(insert(twins).values(row))


async def get(tx: Tx, twin_version_id: str) -> Twin:
    """Return a twin version that may be used.

    Raises:
        TwinNotFound: there is none with that id, or it was disabled.
    """
    row = None
    if is_id("twn", twin_version_id):
        query = select(twins).where(twins.c.id == twin_version_id, twins.c.disabled_at.is_(None))
        row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise TwinNotFound("there is no such twin")
    return _twin(row)


async def find(tx: Tx, talent_id: str) -> list[Twin]:
    """Return the talent's twin versions that may be used, newest first."""
    query = select(twins).where(twins.c.talent_id == talent_id, twins.c.disabled_at.is_(None))
    rows = (await tx.execute(query.order_by(twins.c.created_at.desc(), twins.c.id.desc()))).all()
    return [_twin(row) for row in rows]


async def disable_under(tx: Tx, consent_id: str) -> int:
    """Disable what was trained under a consent; return how many versions."""
    return await _disable(tx, twins.c.consent_id == consent_id)


async def disable_of(tx: Tx, talent_id: str) -> int:
    """Disable a talent's twins; return how many versions."""
    return await _disable(tx, twins.c.talent_id == talent_id)


async def _disable(tx: Tx, which: ColumnElement[bool]) -> int:
    query = update(twins).where(which, twins.c.disabled_at.is_(None))
    return (await tx.execute(query.values(disabled_at=func.clock_timestamp()))).rowcount


def _twin(row: Row[Any]) -> Twin:
    return Twin(
        id=row.id,
        talent_id=row.talent_id,
        run_id=row.run_id,
        capture_set_id=row.capture_set_id,
        consent=Consent(row.consent_id, row.consent_receipt_id),
        base=row.base,
        facts=Facts(**{name: getattr(row, name) for name in _FACTS}),
        adapter=Sealed(row.adapter_object_key, row.adapter_sha256),
        sheet=Sealed(row.sheet_object_key, row.sheet_sha256),
        likeness=Likeness(**{name: getattr(row, name) for name in _LIKENESS}),
        created_at=row.created_at,
    )
