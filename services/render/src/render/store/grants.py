"""What grants were used for."""

from kit.db import Tx
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from render.domain.grants import Uses
from render.domain.renders import Render
from render.store.tables import grant_uses, grants


async def use(tx: Tx, jti: str, render: Render) -> Uses:
    """Note that a render uses a grant, once however often it is tried; return all its uses.

    Holds the grant's row, so that renders of one grant are counted one after another.
    """
    noted = {"jti": jti, "brief_id": render.brief_id}
    await tx.execute(insert(grants).values(noted).on_conflict_do_nothing())
    query = select(grants.c.brief_id).where(grants.c.jti == jti).with_for_update()
    brief_id = (await tx.execute(query)).scalar_one()
    used = {"jti": jti, "render_id": render.id}
    await tx.execute(insert(grant_uses).values(used).on_conflict_do_nothing())
    count = select(func.count()).where(grant_uses.c.jti == jti)
    return Uses(brief_id, (await tx.execute(count)).scalar_one())
