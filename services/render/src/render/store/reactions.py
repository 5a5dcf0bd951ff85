"""What people said of pictures."""

from collections import defaultdict
from datetime import date, timedelta

from kit.db import Tx
from sqlalchemy import Row, delete, func, insert, select

from render.domain.reactions import BEST, Day, Reaction, Said, fold
from render.store.tables import reactions, renders

_MOST_REMARKS = 100


async def lock(tx: Tx, address_hash: bytes, render_id: str) -> None:
    """Let what one address says, and what is said of one picture, take turns."""
    for name in (f"reactions:{render_id}", f"reactions:{address_hash.hex()}"):
        await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def find_same(tx: Tx, new: Reaction) -> Reaction | None:
    """Return what the same address said today of the same picture in the same words."""
    query = select(reactions).where(
        reactions.c.render_id == new.render_id,
        reactions.c.day == new.day,
        reactions.c.address_hash == new.address_hash,
        reactions.c.score == new.score,
        reactions.c.text == new.text,
    )
    row = (await tx.execute(query)).first()
    return None if row is None else _reaction(row)


async def count(tx: Tx, new: Reaction) -> Said:
    """Count what was said today by its address and of its picture."""
    theirs = (reactions.c.day == new.day, reactions.c.address_hash == new.address_hash)
    query = select(reactions.c.render_id, reactions.c.text).where(*theirs)
    by_address = (await tx.execute(query)).all()
    hour_ago = new.made_at - timedelta(hours=1)
    here = await tx.scalar(
        select(func.count()).where(
            reactions.c.render_id == new.render_id, reactions.c.made_at > hour_ago
        )
    )
    today = select(reactions.c.text).where(
        reactions.c.render_id == new.render_id, reactions.c.day == new.day
    )
    texts = [fold(text) for text in (await tx.scalars(today)).all()] if new.text else []
    elsewhere = [row for row in by_address if row.render_id != new.render_id]
    return Said(
        by_address=len(by_address),
        by_address_here=len(by_address) - len(elsewhere),
        here=int(here or 0),
        same_text=texts.count(fold(new.text)),
        same_text_elsewhere=sum(
            bool(new.text) and fold(row.text) == fold(new.text) for row in elsewhere
        ),
    )


async def add(tx: Tx, new: Reaction) -> None:
    """Note what was said."""
    row = {name: getattr(new, name) for name in Reaction.__slots__}
    await tx.execute(insert(reactions).values(row))


async def find_days(tx: Tx, render_id: str) -> list[Day]:
    """Return the days on which anything was said of a picture, oldest first."""
    query = (
        select(reactions.c.day, reactions.c.score, func.count().label("count"))
        .where(reactions.c.render_id == render_id)
        .group_by(reactions.c.day, reactions.c.score)
    )
    found: dict[date, list[int]] = defaultdict(lambda: [0] * BEST)
    for row in (await tx.execute(query)).all():
        found[row.day][row.score - 1] = row._mapping["count"]
    return [Day(day, tuple(found[day])) for day in sorted(found)]


async def find_remarks(tx: Tx, render_id: str) -> list[Reaction]:
    """Return what was written of a picture, newest first, the newest 100."""
    query = (
        select(reactions)
        .where(reactions.c.render_id == render_id, reactions.c.text != "")
        .order_by(reactions.c.made_at.desc())
        .limit(_MOST_REMARKS)
    )
    return [_reaction(row) for row in (await tx.execute(query)).all()]


async def forget(tx: Tx, talent_id: str) -> None:
    """Delete what was said of a talent's pictures."""
    hers = select(renders.c.id).where(renders.c.talent_id == talent_id)
    await tx.execute(delete(reactions).where(reactions.c.render_id.in_(hers)))


def _reaction(row: Row[tuple[object, ...]]) -> Reaction:
    return Reaction(**{name: getattr(row, name) for name in Reaction.__slots__})
