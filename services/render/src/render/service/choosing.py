"""Which take of a shot is chosen; each function is part of a transaction that holds the render."""

from kit import outbox
from kit.db import Tx
from sosia.render.v1 import events_pb2

from render.domain import takes as domain
from render.domain.renders import Render
from render.domain.takes import Word
from render.store import takes as store


async def choose(tx: Tx, render: Render, director_id: str, note: str) -> None:
    """Choose a take; again is nothing new. Raises RenderNotDraft, TakeChosen."""
    domain.check_choice(render, await store.choose(tx, render))
    if render.is_chosen:
        return
    await store.note(tx, render, Word.CHOSEN, note, director_id)
    event = events_pb2.TakeChosen(
        render_id=render.id,
        brief_id=render.brief_id,
        shot=render.shot,
        take=_number(render),
        director_id=director_id,
        note=note,
    )
    await outbox.publish(tx, event)


async def approve(tx: Tx, render: Render, director_id: str, note: str) -> None:
    """Choose a take that is approved. Raises RenderNotDraft, TakeChosen."""
    await choose(tx, render, director_id, "")
    await store.note(tx, render, Word.APPROVED, note, director_id)


async def put_back(tx: Tx, render: Render, director_id: str, note: str) -> None:
    """Choose a take no longer. Raises RenderNotDraft, TakeNotChosen."""
    domain.check_put_back(render, await store.find_chosen(tx, render))
    await free(tx, render, Word.PUT_BACK, note, director_id)


async def free(tx: Tx, render: Render, word: Word, note: str, party_id: str) -> None:
    """Write down why a take is not the one; if it was chosen, another may be now."""
    was_chosen = await store.free(tx, render)
    await store.note(tx, render, word, note, party_id)
    if was_chosen:
        event = events_pb2.TakePutBack(
            render_id=render.id,
            brief_id=render.brief_id,
            shot=render.shot,
            take=_number(render),
            word=str(word),
            note=note,
        )
        await outbox.publish(tx, event)


def _number(render: Render) -> int:
    return render.take.number if render.take else 0
