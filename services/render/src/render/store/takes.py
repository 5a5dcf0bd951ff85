"""What was said of takes, and which one of a shot is chosen."""

from kit import db
from kit.db import Tx
from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from render.domain.renders import Render
from render.domain.takes import Note, Word
from render.store.tables import choices, take_notes


async def note(tx: Tx, render: Render, word: Word, text: str, party_id: str) -> None:
    """Write down a word on a take."""
    row = {
        "render_id": render.id,
        "brief_id": render.brief_id,
        "word": str(word),
        "note": text,
        "party_id": party_id,
        "said_at": await db.now(tx),
    }
    await tx.execute(insert(take_notes).values(row))


async def find_notes(tx: Tx, brief_id: str) -> list[Note]:
    """Return every word on the takes of a brief, in the order they were said."""
    query = select(take_notes).where(take_notes.c.brief_id == brief_id)
    rows = (await tx.execute(query.order_by(take_notes.c.number))).all()
    return [
        Note(row.render_id, Word(row.word), row.note, row.party_id, row.said_at) for row in rows
    ]


async def choose(tx: Tx, render: Render) -> str:
    """Choose a take unless another of its shot is; return the id of the one that is."""
    row = {"brief_id": render.brief_id, "shot": render.shot, "render_id": render.id}
    await tx.execute(upsert(choices).values(row).on_conflict_do_nothing())
    return await find_chosen(tx, render)


async def find_chosen(tx: Tx, render: Render) -> str:
    """Return the id of the chosen take of a render's shot; nothing if none is."""
    of = (choices.c.brief_id == render.brief_id, choices.c.shot == render.shot)
    found = (await tx.execute(select(choices.c.render_id).where(*of))).scalar_one_or_none()
    return str(found or "")


async def free(tx: Tx, render: Render) -> bool:
    """Take back the choice of a take; return whether it was chosen."""
    gone = await tx.execute(delete(choices).where(choices.c.render_id == render.id))
    return bool(gone.rowcount)
