"""Consents."""

from dataclasses import fields
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, insert, select, update

from identity.domain.consents import (
    Advice,
    Consent,
    ConsentNotFound,
    Policy,
    State,
    Step,
    Terms,
)
from identity.store.tables import consents

_PLAIN_TERMS = (
    "talent_id",
    "purpose",
    "currency_code",
    "amount_minor",
    "rate_basis",
    "starts_at",
    "ends_at",
    "uses",
    "language",
)
_REST = [field.name for field in fields(Consent) if field.name not in ("terms", "state")]


async def add(tx: Tx, consent: Consent) -> None:
    """Store a new consent."""
    terms = consent.terms
    row = {name: getattr(terms, name) for name in _PLAIN_TERMS}
    row |= {
        "scope": [str(step) for step in terms.scope],
        "advice": str(terms.advice),
        "withdrawal_policy": str(terms.withdrawal_policy),
        "prohibited_contexts": list(terms.prohibited_contexts),
    }
    row |= {name: getattr(consent, name) for name in _REST}
    await tx.execute(insert(consents).values(state=str(consent.state), **row))


async def get(tx: Tx, consent_id: str, *, lock: bool = False) -> Consent:
    """Return a consent; with `lock`, hold its row until the transaction ends.

    Raises:
        ConsentNotFound: there is none with that id.
    """
    row = None
    if is_id("con", consent_id):
        query = select(consents).where(consents.c.id == consent_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise ConsentNotFound("there is no such consent")
    return _consent(row)


async def find_signed(tx: Tx, talent_id: str) -> list[Consent]:
    """Return every consent the talent ever signed, the newest first."""
    query = select(consents).where(
        consents.c.talent_id == talent_id, consents.c.signed_at.is_not(None)
    )
    query = query.order_by(consents.c.signed_at.desc(), consents.c.id.desc())
    return [_consent(row) for row in (await tx.execute(query)).all()]


async def find_all(tx: Tx, talent_id: str) -> list[Consent]:
    """Return every consent of a talent, proposed ones too, the newest first."""
    query = select(consents).where(consents.c.talent_id == talent_id)
    query = query.order_by(consents.c.proposed_at.desc(), consents.c.id.desc())
    return [_consent(row) for row in (await tx.execute(query)).all()]


async def lock_all(tx: Tx, talent_id: str) -> list[Consent]:
    """Return every consent of a talent, newer before older, and hold their rows."""
    query = select(consents).where(consents.c.talent_id == talent_id)
    query = query.order_by(consents.c.proposed_at.desc(), consents.c.id.desc())
    return [_consent(row) for row in (await tx.execute(query.with_for_update())).all()]


async def find_superseded(tx: Tx, consent: Consent, *, lock: bool = False) -> list[Consent]:
    """Return what a consent says it supersedes, what that one superseded, and so on.

    With `lock`, hold their rows, newer before older, as everybody who holds several does.
    """
    found: list[Consent] = []
    while consent.supersedes:
        consent = await get(tx, consent.supersedes, lock=lock)
        found.append(consent)
    return found


async def save(tx: Tx, consent: Consent) -> None:
    """Write what may change of a consent."""
    changed = {
        "state": str(consent.state),
        "signed_at": consent.signed_at,
        "superseded_by": consent.superseded_by,
        "superseded_at": consent.superseded_at,
        "withdrawn_at": consent.withdrawn_at,
        "receipt_id": consent.receipt_id,
    }
    await tx.execute(update(consents).where(consents.c.id == consent.id).values(changed))


def _consent(row: Row[Any]) -> Consent:
    terms = Terms(
        **{name: getattr(row, name) for name in _PLAIN_TERMS},
        scope=tuple(Step(step) for step in row.scope),
        advice=Advice(row.advice),
        withdrawal_policy=Policy(row.withdrawal_policy),
        prohibited_contexts=tuple(row.prohibited_contexts),
    )
    rest = {name: getattr(row, name) for name in _REST}
    return Consent(state=State(row.state), terms=terms, **rest)
