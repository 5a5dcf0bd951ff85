"""Erasures, and what of a person stands in identity's rows."""

from dataclasses import fields
from typing import Any

from kit.db import Tx
from kit.db import metadata as kit_metadata
from sqlalchemy import ColumnElement, Row, Table, func, insert, literal, null, select, update
from sqlalchemy.dialects.postgresql import JSONB

from identity.domain.erasures import SCRUBBED, Erasure, State
from identity.store import uploads as uploads_store
from identity.store.tables import (
    capture_sets,
    consents,
    erasures,
    parties,
    party_keys,
    photos,
    receipts,
)

_PLAIN = [field.name for field in fields(Erasure) if field.name not in ("state", "consents")]
_NO_HASH = bytes(32)


async def find(tx: Tx, talent_id: str, *, lock: bool = False) -> Erasure | None:
    """Return a person's erasure, None if she did not ask for one."""
    query = select(erasures).where(erasures.c.talent_id == talent_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _erasure(row)


async def has(tx: Tx, talent_id: str) -> bool:
    """Tell whether a person had herself erased."""
    query = select(erasures.c.talent_id).where(erasures.c.talent_id == talent_id)
    return (await tx.execute(query)).one_or_none() is not None


async def find_unfinished(tx: Tx) -> list[str]:
    """Return whose erasure is not certified yet, oldest first."""
    query = select(erasures.c.talent_id).where(erasures.c.state != str(State.CERTIFIED))
    return list((await tx.execute(query.order_by(erasures.c.asked_at))).scalars())


async def add(tx: Tx, erasure: Erasure) -> None:
    """Store a new erasure."""
    row = {name: getattr(erasure, name) for name in _PLAIN}
    row |= {"state": str(erasure.state), "consents": list(erasure.consents)}
    await tx.execute(insert(erasures).values(row))


async def step(tx: Tx, talent_id: str, state: State, **values: Any) -> None:
    """Note that an erasure has come to a state."""
    query = update(erasures).where(erasures.c.talent_id == talent_id)
    await tx.execute(query.values(state=str(state), **values))


async def count(tx: Tx, talent_id: str) -> dict[str, int]:
    """Return how many capture sets, photos and receipts there are of a person."""
    hers = _photos_of(talent_id)
    return {
        "capture_sets": await _count(tx, capture_sets, capture_sets.c.talent_id == talent_id),
        "photos": await _count(tx, photos, hers),
        "receipts": await _count(tx, receipts, receipts.c.talent_id == talent_id),
    }


async def _count(tx: Tx, table: Table, which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(which)
    return int((await tx.execute(query)).scalar_one())


def _photos_of(talent_id: str) -> ColumnElement[bool]:
    sets = select(capture_sets.c.id).where(capture_sets.c.talent_id == talent_id)
    return photos.c.capture_set_id.in_(sets)


async def lock_capture_sets(tx: Tx, talent_id: str) -> None:
    """Hold a person's capture sets: a photo that is being noted is there by now, or never is."""
    query = select(capture_sets.c.id).where(capture_sets.c.talent_id == talent_id)
    await tx.execute(query.order_by(capture_sets.c.id).with_for_update())


async def scrub(tx: Tx, talent_id: str) -> None:
    """Empty what is personal in the rows that stay; ids, times and measures stay."""
    names = {"name": SCRUBBED, "public_name": SCRUBBED}
    await tx.execute(update(parties).where(parties.c.id == talent_id).values(names))
    written = (consents.c.talent_id == talent_id) & (consents.c.text_version > 0)
    unread = consents.c.text != SCRUBBED
    await tx.execute(update(consents).where(written, unread).values(text=SCRUBBED))
    named = (party_keys.c.party_id == talent_id) & (party_keys.c.name != "")
    await tx.execute(update(party_keys).where(named).values(name=SCRUBBED))
    hers = capture_sets.c.talent_id == talent_id
    await tx.execute(update(capture_sets).where(hers).values(marks=[], report=null()))
    empty: dict[str, Any] = {
        **dict.fromkeys(("filename", "caption", "pose"), SCRUBBED),
        **dict.fromkeys(("luminance", "shadows", "highlights"), None),
        "marks": [],
        "perceptual_hash": _NO_HASH,
    }
    await tx.execute(update(photos).where(_photos_of(talent_id)).values(empty))
    await uploads_store.forget_all(tx, talent_id)
    await _scrub_outbox(tx, talent_id)


async def _scrub_outbox(tx: Tx, talent_id: str) -> None:
    """Empty her name in the event of her registration, from which a stream may be refilled."""
    outbox = kit_metadata.tables["outbox"]
    registered = outbox.c.type == "sosia.identity.v1.PartyRegistered"
    hers = outbox.c.data["partyId"].astext == talent_id
    data = outbox.c.data.concat(literal({"publicName": SCRUBBED}, JSONB))
    await tx.execute(update(outbox).where(registered, hers).values(data=data))


def _erasure(row: Row[Any]) -> Erasure:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return Erasure(state=State(row.state), consents=tuple(row.consents), **plain)
