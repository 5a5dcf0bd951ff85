"""How near pictures are to their talents."""

from kit.db import Tx
from sqlalchemy import insert, select

from render.domain.drift import WINDOW, Score
from render.domain.renders import Render
from render.store.tables import likeness, renders

_SCORE = Score.__slots__
_MOST = 4 * WINDOW
"""Releases looked back on: not every one is a close-up with a face."""


async def add(tx: Tx, render: Render, score: Score) -> None:
    """Note how near a finished picture is."""
    row = {name: getattr(score, name) for name in _SCORE}
    await tx.execute(
        insert(likeness).values(render_id=render.id, talent_id=render.talent_id, **row)
    )


async def find_released(tx: Tx, talent_id: str) -> list[Score]:
    """Return the scores of a talent's released pictures, newest first."""
    query = (
        select(*(likeness.c[name] for name in _SCORE))
        .join_from(likeness, renders, renders.c.id == likeness.c.render_id)
        .where(likeness.c.talent_id == talent_id, renders.c.released_at.is_not(None))
        .order_by(renders.c.released_at.desc(), renders.c.id.desc())
        .limit(_MOST)
    )
    return [Score(**row._mapping) for row in (await tx.execute(query)).all()]
