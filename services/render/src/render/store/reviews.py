"""Until when the director's word on a draft is waited for."""

from datetime import datetime, timedelta

from kit.db import Tx
from sqlalchemy import exists, func, insert, select, update

from render.domain.renders import State
from render.store.tables import choices, renders, reviews_due

_MOST = 200
_SETTLED = (str(State.APPROVED), str(State.RELEASED))


async def begin(tx: Tx, render_id: str, lasts: timedelta) -> None:
    """Wait for a word on a new draft."""
    now = func.clock_timestamp()
    row = {"render_id": render_id, "began_at": now, "due_at": now + lasts}
    await tx.execute(insert(reviews_due).values(row))


async def begin_again(tx: Tx, brief_id: str, shot: int) -> None:
    """Wait anew, as long as the first time, for a word on the drafts of a shot."""
    of = select(renders.c.id).where(
        renders.c.brief_id == brief_id,
        renders.c.shot == shot,
        renders.c.state == str(State.DRAFT),
    )
    lasts = reviews_due.c.due_at - reviews_due.c.began_at
    again = {"began_at": func.now(), "due_at": func.now() + lasts, "reminded_at": None}
    await tx.execute(update(reviews_due).where(reviews_due.c.render_id.in_(of)).values(again))


async def lock_due(tx: Tx, column: str, by: datetime) -> dict[str, datetime]:
    """Return the drafts whose time is over at `by`, each with its deadline; hold and mark them.

    Takes of a shot of which one is approved wait for nobody.

    Args:
        column: "reminded_at" or "lapsed_at": where it is marked, so that it is done once.
        by: a time.
    """
    chosen = renders.alias()
    settled = exists().where(
        choices.c.brief_id == renders.c.brief_id,
        choices.c.shot == renders.c.shot,
        choices.c.render_id == chosen.c.id,
        chosen.c.state.in_(_SETTLED),
    )
    query = select(reviews_due.c.render_id, reviews_due.c.due_at).select_from(
        reviews_due.join(renders, renders.c.id == reviews_due.c.render_id)
    )
    query = query.where(
        renders.c.state == str(State.DRAFT),
        reviews_due.c[column].is_(None),
        reviews_due.c.due_at <= by,
        ~settled,
    )
    query = query.order_by(reviews_due.c.due_at).limit(_MOST)
    held = query.with_for_update(of=[reviews_due, renders], skip_locked=True)
    found = {row.render_id: row.due_at for row in await tx.execute(held)}
    if found:
        marked = update(reviews_due).where(reviews_due.c.render_id.in_(found))
        await tx.execute(marked.values({column: func.now()}))
    return found
