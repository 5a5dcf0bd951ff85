"""Approvals."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from licensing.domain.approvals import Approval, ApprovalNotFound, State
from licensing.store.tables import approvals, estates, releases

_MOST_LISTED = 200


async def add(tx: Tx, approval: Approval) -> bool:
    """Store a new approval; return False if the talent was asked about this picture before."""
    row = {
        "id": approval.id,
        "license_id": approval.license_id,
        "talent_id": approval.talent_id,
        "render_id": approval.render_id,
        "picture_sha256": approval.picture_sha256,
        "state": str(approval.state),
        "reason": approval.reason,
        "approve_statement": approval.approve_statement,
        "refuse_statement": approval.refuse_statement,
        "created_at": approval.created_at,
        "deadline": approval.deadline,
    }
    noted = await tx.execute(upsert(approvals).values(row).on_conflict_do_nothing())
    return bool(noted.rowcount)


async def get(tx: Tx, approval_id: str, *, lock: bool = False) -> Approval:
    """Return an approval; with `lock`, hold its row until the transaction ends.

    Raises:
        ApprovalNotFound: there is none with that id.
    """
    row = None
    if is_id("apr", approval_id):
        query = select(approvals).where(approvals.c.id == approval_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise ApprovalNotFound("there is no such approval")
    return _approval(row)


async def find(tx: Tx, *, talent_id: str, render_id: str) -> list[Approval]:
    """Return the newest approvals of a talent or, with a render's id, of a render."""
    of = approvals.c.render_id == render_id if render_id else approvals.c.talent_id == talent_id
    query = select(approvals).where(of)
    query = query.order_by(approvals.c.created_at.desc(), approvals.c.id.desc())
    return [_approval(row) for row in (await tx.execute(query.limit(_MOST_LISTED))).all()]


async def save(tx: Tx, approval: Approval) -> None:
    """Store what she said."""
    row = {
        "state": str(approval.state),
        "reason": approval.reason,
        "decided_at": approval.decided_at,
    }
    await tx.execute(update(approvals).where(approvals.c.id == approval.id).values(row))


async def lock_due(tx: Tx, column: str, by: datetime) -> list[Approval]:
    """Return pending approvals whose deadline is not after `by`, and hold and mark them.

    While her estate waits a talent's time stands still.

    Args:
        column: "reminded_at" or "lapsed_at": where it is marked, so that it is done once.
        by: a time.
    """
    mark = approvals.c[column]
    frozen = select(estates.c.talent_id).where(estates.c.state == "waiting")
    query = select(approvals).where(
        approvals.c.state == str(State.PENDING),
        mark.is_(None),
        approvals.c.deadline <= by,
        approvals.c.talent_id.not_in(frozen),
    )
    query = query.order_by(approvals.c.deadline).limit(_MOST_LISTED)
    found = [_approval(row) for row in await tx.execute(query.with_for_update(skip_locked=True))]
    ids = [one.id for one in found]
    if ids:
        marked = update(approvals).where(approvals.c.id.in_(ids)).values({column: func.now()})
        await tx.execute(marked)
    return found


async def is_approved(tx: Tx, license_id: str, render_id: str, picture_sha256: str) -> bool:
    """Tell whether she said yes to this picture, under this license."""
    query = select(approvals.c.id).where(
        approvals.c.license_id == license_id,
        approvals.c.render_id == render_id,
        approvals.c.picture_sha256 == picture_sha256,
        approvals.c.state == str(State.APPROVED),
    )
    return (await tx.execute(query)).first() is not None


async def find_words(tx: Tx, render_ids: Collection[str]) -> dict[str, tuple[str, bool]]:
    """Return the license of each render that was released or that she was asked about.

    With it, whether she said yes to its newest picture; a released one had her yes if it needed it.
    """
    if not render_ids:
        return {}
    asked = select(approvals).where(approvals.c.render_id.in_(render_ids))
    released = select(releases.c.render_id, releases.c.license_id)
    released = released.where(releases.c.render_id.in_(render_ids))
    words = {
        row.render_id: (row.license_id, row.state == str(State.APPROVED))
        for row in await tx.execute(asked.order_by(approvals.c.created_at))
    }
    for row in await tx.execute(released):
        words[row.render_id] = (row.license_id, True)
    return words


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        row.id,
        row.license_id,
        row.talent_id,
        row.render_id,
        row.picture_sha256,
        State(row.state),
        row.reason,
        row.approve_statement,
        row.refuse_statement,
        row.created_at,
        row.deadline,
        row.decided_at,
    )
