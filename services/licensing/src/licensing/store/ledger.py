"""The ledger, which only grows, and pictures that were released."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.ids import new_id
from sqlalchemy import Row, Select, func, insert, select

from licensing.domain.ledger import Entry, Kind, Payment, Share, make_lines
from licensing.domain.money import Money
from licensing.store.tables import entries, releases, transactions


@dataclass(frozen=True, slots=True)
class Release:
    """A picture that left the house."""

    render_id: str
    license_id: str
    picture_sha256: str
    transaction_id: str


async def post(tx: Tx, payment: Payment, shares: Sequence[Share], *, now: datetime) -> None:
    """Post a payment and its shares; the database refuses a sum that is not zero at commit."""
    gross = payment.gross
    row = {
        "id": payment.transaction_id,
        "kind": str(payment.kind),
        "subject_id": payment.subject_id,
        "brand_id": payment.brand_id,
        "currency_code": gross.currency,
        "gross_minor": gross.minor,
        "posted_at": now,
    }
    await tx.execute(insert(transactions).values(row))
    rows = [
        {
            "id": new_id("ent"),
            "transaction_id": payment.transaction_id,
            "account": account,
            "party_id": share.party_id,
            "role": share.role,
            "currency_code": gross.currency,
            "amount_minor": share.amount,
        }
        for account, share in make_lines(payment, shares)
    ]
    if rows:
        await tx.execute(insert(entries), rows)


async def find_of_party(tx: Tx, party_id: str) -> list[Entry]:
    """Return every entry of a party, oldest first."""
    return await _find(tx, _query().where(entries.c.party_id == party_id))


async def find_of_subject(tx: Tx, subject_id: str) -> list[Entry]:
    """Return every entry about a license or a render, oldest first."""
    return await _find(tx, _query().where(transactions.c.subject_id == subject_id))


async def sum_up(tx: Tx, party_id: str) -> list[Money]:
    """Return what is owed to a party, one total per currency."""
    total = func.sum(entries.c.amount_minor).label("total")
    query = select(entries.c.currency_code, total).where(entries.c.party_id == party_id)
    query = query.group_by(entries.c.currency_code).order_by(entries.c.currency_code)
    return [Money(row.currency_code, int(row.total)) for row in (await tx.execute(query)).all()]


async def add_release(tx: Tx, release: Release, *, now: datetime) -> None:
    """Note that a picture left the house."""
    row = {
        "render_id": release.render_id,
        "license_id": release.license_id,
        "picture_sha256": release.picture_sha256,
        "transaction_id": release.transaction_id,
        "released_at": now,
    }
    await tx.execute(insert(releases).values(row))


async def find_release(tx: Tx, render_id: str) -> Release | None:
    """Return the release of a render, if it was released."""
    row = (await tx.execute(select(releases).where(releases.c.render_id == render_id))).first()
    if row is None:
        return None
    return Release(row.render_id, row.license_id, row.picture_sha256, row.transaction_id)


def _query() -> Select[Any]:
    facts = (transactions.c.kind, transactions.c.subject_id, transactions.c.posted_at)
    joined = entries.join(transactions, transactions.c.id == entries.c.transaction_id)
    return select(entries, *facts).select_from(joined).order_by(entries.c.number)


async def _find(tx: Tx, query: Select[Any]) -> list[Entry]:
    return [_entry(row) for row in (await tx.execute(query)).all()]


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.id,
        row.transaction_id,
        Kind(row.kind),
        row.subject_id,
        row.account,
        row.party_id,
        row.role,
        Money(row.currency_code, row.amount_minor),
        row.posted_at,
    )
