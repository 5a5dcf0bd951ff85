"""What happens to a license is kept as a row of its own, in the transaction that makes it so."""

from kit import db, trace
from kit.db import Tx

from licensing.domain.licenses import Change, License
from licensing.store import licenses as store


async def begin(tx: Tx, license: License, note: str = "") -> None:
    """Store a new license, and that it was proposed."""
    await store.add(tx, license)
    await _note(tx, license, note)


async def keep(tx: Tx, license: License, note: str = "") -> None:
    """Store what changed in a license, and that it did."""
    await store.save(tx, license)
    await _note(tx, license, note)


async def _note(tx: Tx, license: License, note: str) -> None:
    actor = trace.actor()
    by = "" if actor.kind == "service" else actor.party_id
    await store.note_change(tx, Change(license.id, license.state, await db.now(tx), by, note))
