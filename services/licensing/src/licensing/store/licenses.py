"""Licenses, what they reserve of a talent, and consents that were withdrawn."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert

from licensing.domain.licenses import Change, License, LicenseNotFound, Side, State
from licensing.domain.money import Money
from licensing.domain.terms import find_reserved
from licensing.store.prices import agreed_row, read_terms
from licensing.store.tables import license_changes, licenses, reservations, withdrawn_consents

_MOST_LISTED = 200


async def add(tx: Tx, license: License) -> None:
    """Store a new license."""
    row = {
        "id": license.id,
        "quote_id": license.quote_id,
        "state": str(license.state),
        "statement": license.statement,
        "fee_minor": license.fee.minor,
        "images_used": license.images_used,
        "consent_id": license.consent_id,
        "offered_by": str(license.offered_by),
        "answers": license.answers,
        "renews": license.renews,
        "delegation_id": license.delegation_id,
        "ends_at": license.terms.ends_at,
        **agreed_row(license.terms, license.per_image, license.crew_pool_bp, license.created_at),
    }
    await tx.execute(insert(licenses).values(row))


async def get(tx: Tx, license_id: str, *, lock: bool = False) -> License:
    """Return a license; with `lock`, hold its row until the transaction ends.

    Raises:
        LicenseNotFound: there is none with that id.
    """
    row = None
    if is_id("lic", license_id):
        query = select(licenses).where(licenses.c.id == license_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise LicenseNotFound("there is no such license")
    return _license(row)


async def find_many(tx: Tx, license_ids: Collection[str]) -> dict[str, License]:
    """Return those of some licenses that are there, by id."""
    ids = [license_id for license_id in license_ids if is_id("lic", license_id)]
    rows = (await tx.execute(select(licenses).where(licenses.c.id.in_(ids)))).all() if ids else ()
    return {row.id: _license(row) for row in rows}


async def find_of_quote(tx: Tx, quote_id: str) -> License | None:
    """Return the license that was proposed from a quote, if it was."""
    query = select(licenses).where(licenses.c.quote_id == quote_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _license(row)


async def find_of_talent(tx: Tx, talent_id: str) -> list[License]:
    """Return a talent's newest licenses, newest first."""
    return await _find(tx, select(licenses).where(licenses.c.talent_id == talent_id))


async def find_of_brand(tx: Tx, brand_id: str) -> list[License]:
    """Return a brand's newest licenses, newest first."""
    return await _find(tx, select(licenses).where(licenses.c.brand_id == brand_id))


async def lock_active_under(tx: Tx, consent_id: str) -> list[License]:
    """Return the live licenses that were granted under a consent, and hold their rows."""
    active = licenses.c.state == str(State.ACTIVE)
    query = select(licenses).where(licenses.c.consent_id == consent_id, active)
    rows = (await tx.execute(query.order_by(licenses.c.id).with_for_update())).all()
    return [_license(row) for row in rows]


async def lock_signed_after(tx: Tx, delegation_id: str, ended_at: datetime) -> list[License]:
    """Return the live licenses signed under a delegation not before it ended, and hold them."""
    query = select(licenses).where(
        licenses.c.delegation_id == delegation_id,
        licenses.c.state == str(State.ACTIVE),
        licenses.c.signed_at >= ended_at,
    )
    rows = (await tx.execute(query.order_by(licenses.c.id).with_for_update())).all()
    return [_license(row) for row in rows]


async def _find(tx: Tx, query: Select[Any]) -> list[License]:
    ordered = query.order_by(licenses.c.created_at.desc(), licenses.c.id.desc())
    return [_license(row) for row in (await tx.execute(ordered.limit(_MOST_LISTED))).all()]


async def save(tx: Tx, license: License) -> None:
    """Store what changes in a license: its state, and how many pictures were drawn."""
    row = {
        "state": str(license.state),
        "signed_at": license.signed_at,
        "consent_id": license.consent_id,
        "delegation_id": license.delegation_id,
        "images_used": license.images_used,
        "accepted_at": license.accepted_at,
    }
    await tx.execute(update(licenses).where(licenses.c.id == license.id).values(row))


async def note_change(tx: Tx, change: Change) -> None:
    """Note a step of a license's life."""
    row = {
        "license_id": change.license_id,
        "state": str(change.state),
        "party_id": change.party_id,
        "note": change.note,
        "at": change.at,
    }
    await tx.execute(insert(license_changes).values(row))


async def find_changes(tx: Tx, license_ids: Collection[str]) -> list[Change]:
    """Return the steps of some licenses' lives, oldest first."""
    query = select(license_changes).where(license_changes.c.license_id.in_(license_ids))
    rows = (await tx.execute(query.order_by(license_changes.c.number))).all()
    return [
        Change(row.license_id, State(row.state), row.at, row.party_id, row.note) for row in rows
    ]


async def lock_over(tx: Tx, now: datetime) -> list[License]:
    """Return some live licenses whose term is over and whom nobody else holds, and hold them."""
    query = select(licenses).where(licenses.c.state == str(State.ACTIVE), licenses.c.ends_at <= now)
    query = query.order_by(licenses.c.ends_at).limit(_MOST_LISTED)
    rows = (await tx.execute(query.with_for_update(skip_locked=True))).all()
    return [_license(row) for row in rows]


async def find_contradicted(tx: Tx, license: License, path: str) -> str | None:
    """Return a territory in which another brand's live license contradicts this one, if any.

    Two licenses contradict each other when one of them is exclusive and they meet in talent,
    category, territory and time; two categories meet when one is within the other. The caller
    holds the talent's row; the constraints of the table say the same without it.

    Args:
        path: of the license's category.
    """
    wanted = [
        (reservations.c.territory == country) & reservations.c.term.overlaps(Range(start, end))
        for country, start, end in find_reserved(license.terms)
    ]
    query = select(reservations.c.territory).where(
        reservations.c.talent_id == license.terms.talent_id,
        reservations.c.categories.bool_op("&&")(_categories(path)),
        reservations.c.brand_id != license.terms.brand_id,
        or_(*wanted),
    )
    if not license.terms.exclusive:
        query = query.where(reservations.c.exclusive)
    query = query.order_by(reservations.c.territory).limit(1)
    return (await tx.execute(query)).scalar_one_or_none()


async def reserve(tx: Tx, license: License, path: str) -> None:
    """Note which countries a live license takes in the category of that path, and when."""
    rows = [
        {
            "license_id": license.id,
            "talent_id": license.terms.talent_id,
            "brand_id": license.terms.brand_id,
            "territory": country,
            "term": Range(starts_at, ends_at),
            "exclusive": license.terms.exclusive,
        }
        for country, starts_at, ends_at in find_reserved(license.terms)
    ]
    await tx.execute(insert(reservations).values(categories=_categories(path)), rows)


def _categories(path: str) -> ColumnElement[Any]:
    """Return a category and all within it as a range of paths: "/" comes right after "."."""
    return func.category_range(path, f"{path}/")


async def give_back(tx: Tx, license_id: str) -> None:
    """Take back what an ended license reserved."""
    await tx.execute(delete(reservations).where(reservations.c.license_id == license_id))


async def note_withdrawn(tx: Tx, consent_id: str, talent_id: str, policy: str) -> None:
    """Remember that a consent was withdrawn; end_now, as an erasure says it again, overrules."""
    row = {"consent_id": consent_id, "talent_id": talent_id, "policy": policy}
    note = upsert(withdrawn_consents).values(row)
    if policy == "end_now":
        note = note.on_conflict_do_update(
            index_elements=["consent_id"],
            set_={"policy": policy},
            where=withdrawn_consents.c.policy != policy,
        )
    else:
        note = note.on_conflict_do_nothing()
    await tx.execute(note)


async def find_withdrawal(tx: Tx, consent_id: str) -> str | None:
    """Return the policy under which a consent was withdrawn; None if nobody told us so."""
    query = select(withdrawn_consents.c.policy)
    query = query.where(withdrawn_consents.c.consent_id == consent_id)
    return (await tx.execute(query)).scalar_one_or_none()


def _license(row: Row[Any]) -> License:
    return License(
        row.id,
        row.quote_id,
        read_terms(row),
        State(row.state),
        row.statement,
        Money(row.currency_code, row.fee_minor),
        Money(row.currency_code, row.per_image_minor),
        row.crew_pool_bp,
        row.images_used,
        row.created_at,
        row.signed_at,
        row.consent_id,
        Side(row.offered_by),
        row.accepted_at,
        row.answers,
        row.renews,
        row.delegation_id,
    )
