"""Keys parties sign with, offers to make and use passkeys, signatures that were verified."""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.errors import FieldInvalid
from kit.fields import is_id
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from identity.domain.signing_keys import KeyNotFound, Kind, SigningKey, State
from identity.store.tables import key_offers, party_keys, verified_signatures

FOR_KEY, FOR_SIGN_IN = "key", "sign_in"
"""What an offer is for."""


async def add(tx: Tx, key: SigningKey, field: str) -> None:
    """Store a new key.

    Raises:
        FieldInvalid: the key or the credential is known already, removed ones too.
    """
    row = {**asdict(key), "kind": str(key.kind), "state": str(key.state)}
    noted = await tx.execute(upsert(party_keys).values(row).on_conflict_do_nothing())
    if not noted.rowcount:
        raise FieldInvalid(field, "must not be another party's, or one that is known already")


async def get(tx: Tx, key_id: str) -> SigningKey:
    """Return a key.

    Raises:
        KeyNotFound: there is none with that id.
    """
    row = None
    if is_id("sky", key_id):
        query = select(party_keys).where(party_keys.c.id == key_id)
        row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise KeyNotFound("there is no such key")
    return _key(row)


async def find(tx: Tx, party_id: str, *, lock: bool = False) -> list[SigningKey]:
    """Return a party's keys, oldest first; with `lock`, hold their rows."""
    query = select(party_keys).where(party_keys.c.party_id == party_id)
    query = query.order_by(party_keys.c.added_at, party_keys.c.public_key)
    rows = (await tx.execute(query.with_for_update() if lock else query)).all()
    return [_key(row) for row in rows]


async def find_live(tx: Tx, party_id: str) -> tuple[bytes, ...]:
    """Return the public keys a party signs with now, passkeys too, oldest first."""
    keys = await find(tx, party_id)
    return tuple(key.public_key for key in keys if key.state is State.LIVE)


async def find_owner(tx: Tx, credential_id: bytes) -> str | None:
    """Return whose live passkey a credential is, None if nobody's."""
    query = select(party_keys.c.party_id).where(
        party_keys.c.credential_id == credential_id, party_keys.c.state == str(State.LIVE)
    )
    return (await tx.execute(query)).scalar_one_or_none()


async def save(tx: Tx, key: SigningKey) -> None:
    """Write what may change of a key."""
    changed = {
        "state": str(key.state),
        "sign_count": key.sign_count,
        "used_at": key.used_at,
        "removed_at": key.removed_at,
    }
    await tx.execute(update(party_keys).where(party_keys.c.id == key.id).values(changed))


async def add_offer(
    tx: Tx, statement: bytes, purpose: str, party_id: str, *, now: datetime, until: datetime
) -> None:
    """Note an offer under the challenge that is made of it; those that are over are deleted."""
    await tx.execute(delete(key_offers).where(key_offers.c.ends_at <= now))
    row = {
        "challenge": hashlib.sha256(statement).digest(),
        "purpose": purpose,
        "party_id": party_id,
        "ends_at": until,
    }
    await tx.execute(insert(key_offers).values(row))


async def take_offer(tx: Tx, challenge: bytes, purpose: str, *, now: datetime) -> str | None:
    """Use up an offer; return whom it was made to, None if it does not stand."""
    query = delete(key_offers).where(
        key_offers.c.challenge == challenge,
        key_offers.c.purpose == purpose,
        key_offers.c.ends_at > now,
    )
    return (await tx.execute(query.returning(key_offers.c.party_id))).scalar_one_or_none()


async def note_verified(
    tx: Tx, key: SigningKey, message: bytes, signature: bytes, *, now: datetime
) -> None:
    """Note that a signature was verified while its key was live."""
    row = {
        "digest": _digest(message, signature),
        "party_id": key.party_id,
        "public_key": key.public_key,
        "verified_at": now,
    }
    await tx.execute(upsert(verified_signatures).values(row).on_conflict_do_nothing())


async def find_verified(tx: Tx, party_id: str, message: bytes, signature: bytes) -> bytes | None:
    """Return with which key of a party a signature was verified before, None if it was not."""
    query = select(verified_signatures.c.public_key).where(
        verified_signatures.c.digest == _digest(message, signature),
        verified_signatures.c.party_id == party_id,
    )
    return (await tx.execute(query)).scalar_one_or_none()


def _digest(message: bytes, signature: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(message).digest() + signature).digest()


def _key(row: Row[Any]) -> SigningKey:
    told = {**row._mapping, "kind": Kind(row.kind), "state": State(row.state)}
    return SigningKey(**told)
