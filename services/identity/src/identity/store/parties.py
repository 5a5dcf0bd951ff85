"""Parties and their keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.errors import FieldInvalid
from kit.fields import is_id
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from identity.domain.parties import Kind, Party, PartyNotFound
from identity.store.tables import api_keys, parties, party_keys


async def add(tx: Tx, party: Party) -> None:
    """Store a new party and its keys.

    Raises:
        FieldInvalid: one of the keys is another party's.
    """
    row = {
        "id": party.id,
        "kind": str(party.kind),
        "name": party.name,
        "public_name": party.public_name,
        "synthetic": party.synthetic,
        "created_at": party.created_at,
    }
    await tx.execute(insert(parties).values(row))
    for key in party.public_keys:
        key_row = {"public_key": key, "party_id": party.id, "added_at": party.created_at}
        noted = await tx.execute(upsert(party_keys).values(key_row).on_conflict_do_nothing())
        if not noted.rowcount:
            raise FieldInvalid("public_key", "must not be another party's")


async def get(tx: Tx, party_id: str) -> Party:
    """Return a party.

    Raises:
        PartyNotFound: there is none with that id.
    """
    return (await get_all(tx, [party_id]))[party_id]


async def get_all(tx: Tx, party_ids: Iterable[str]) -> dict[str, Party]:
    """Return parties by id.

    Raises:
        PartyNotFound: one is not there.
    """
    ids = list(dict.fromkeys(party_ids))
    known = [party_id for party_id in ids if is_id("pty", party_id)]
    rows = (await tx.execute(select(parties).where(parties.c.id.in_(known)))).all()
    found = {party.id: party for party in await _with_keys(tx, rows)}
    for party_id in ids:
        if party_id not in found:
            raise PartyNotFound("there is no such party")
    return found


async def lock(tx: Tx, party_id: str) -> Party:
    """Return a party and hold its row until the transaction ends. Raises PartyNotFound."""
    if is_id("pty", party_id):
        await tx.execute(select(parties.c.id).where(parties.c.id == party_id).with_for_update())
    return await get(tx, party_id)


async def find(tx: Tx, *, kind: Kind | None, after: str, limit: int) -> list[Party]:
    """Return parties by id, which is by the time they were registered."""
    query = select(parties).where(parties.c.id > after).order_by(parties.c.id).limit(limit)
    if kind is not None:
        query = query.where(parties.c.kind == str(kind))
    return await _with_keys(tx, (await tx.execute(query)).all())


async def _with_keys(tx: Tx, rows: Sequence[Row[Any]]) -> list[Party]:
    query = select(party_keys).where(party_keys.c.party_id.in_([row.id for row in rows]))
    plain = (party_keys.c.kind == "ed25519") & (party_keys.c.state == "live")
    query = query.where(plain).order_by(party_keys.c.added_at, party_keys.c.public_key)
    keys: dict[str, list[bytes]] = {}
    for key in (await tx.execute(query)).all():
        keys.setdefault(key.party_id, []).append(key.public_key)
    return [
        Party(
            row.id,
            Kind(row.kind),
            row.name,
            row.public_name,
            row.synthetic,
            row.created_at,
            tuple(keys.get(row.id, ())),
            row.person_key_at,
        )
        for row in rows
    ]


async def note_person_key(tx: Tx, party_id: str, made_at: datetime) -> None:
    """Note that the person's encryption key was made."""
    query = update(parties).where(parties.c.id == party_id)
    await tx.execute(query.values(person_key_at=made_at))


async def add_api_key(tx: Tx, key_id: str, party_id: str, sha256: bytes, *, origin: str) -> None:
    """Store the hash of an API key, unless it is there."""
    row = {
        "id": key_id,
        "party_id": party_id,
        "key_sha256": sha256,
        "origin": origin,
        "created_at": func.clock_timestamp(),
    }
    await tx.execute(
        upsert(api_keys).values(row).on_conflict_do_nothing(index_elements=["key_sha256"])
    )


async def drop_other_file_keys(tx: Tx, sha256: bytes) -> int:
    """Delete keys that came from the key file but are not in it any more; return how many."""
    stale = (api_keys.c.origin == "file") & (api_keys.c.key_sha256 != sha256)
    return (await tx.execute(delete(api_keys).where(stale))).rowcount


async def find_by_api_key(tx: Tx, sha256: bytes) -> Party | None:
    """Return whose API key has that hash, None if nobody's."""
    query = select(api_keys.c.party_id).where(api_keys.c.key_sha256 == sha256)
    party_id = (await tx.execute(query)).scalar_one_or_none()
    return None if party_id is None else await get(tx, party_id)
