"""Fidelity reports, and the talent's word on them."""

from typing import Any

from kit.db import Tx
from sqlalchemy import Row, insert, select

from training.domain.fidelity import Acceptance, Report
from training.store.tables import fidelity, fidelity_acceptances

_SIGNED = ("statement", "signature", "public_key", "signed_at")


async def add(tx: Tx, report: Report) -> None:
    """Store the report of a new version."""
    row = {
        "twin_version_id": report.twin_version_id,
        "talent_id": report.talent_id,
        "figures": dict(report.figures),
        "template_object_key": report.template_object_key,
        "template_sha256": report.template_sha256,
        "measured_at": report.measured_at,
    }
    await tx.execute(insert(fidelity).values(row))


async def find(tx: Tx, twin_version_ids: list[str], *, lock: bool = False) -> dict[str, Report]:
    """Return the reports of versions; with `lock`, hold their rows until the transaction ends."""
    said = fidelity_acceptances
    query = select(fidelity, *(said.c[name] for name in _SIGNED)).select_from(
        fidelity.outerjoin(said, said.c.twin_version_id == fidelity.c.twin_version_id)
    )
    query = query.where(fidelity.c.twin_version_id.in_(twin_version_ids))
    if lock:
        query = query.with_for_update(of=fidelity)
    return {row.twin_version_id: _report(row) for row in (await tx.execute(query)).all()}


async def accept(tx: Tx, report: Report, acceptance: Acceptance) -> None:
    """Keep the talent's signed word on a version."""
    row = {name: getattr(acceptance, name) for name in _SIGNED}
    row |= {"twin_version_id": report.twin_version_id, "talent_id": report.talent_id}
    await tx.execute(insert(fidelity_acceptances).values(row))


def _report(row: Row[Any]) -> Report:
    signed = None if row.signed_at is None else Acceptance(*(getattr(row, n) for n in _SIGNED))
    return Report(
        twin_version_id=row.twin_version_id,
        talent_id=row.talent_id,
        figures=row.figures,
        template_object_key=row.template_object_key,
        template_sha256=row.template_sha256,
        measured_at=row.measured_at,
        acceptance=signed,
    )
