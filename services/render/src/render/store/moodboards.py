"""Reference pictures of briefs; what was taken off stays noted."""

from kit import db
from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, and_, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from render.domain.moodboards import Reference, ReferenceNotFound
from render.domain.renders import ProductPhoto
from render.store.tables import brief_references, briefs, campaigns, reference_removals

_HERE = reference_removals.c.reference_id.is_(None)
_FROM = brief_references.outerjoin(
    reference_removals, reference_removals.c.reference_id == brief_references.c.id
)
_CAMPAIGNS = _FROM.join(briefs, briefs.c.id == brief_references.c.brief_id).join(
    campaigns, campaigns.c.id == briefs.c.campaign_id
)
_IN_THE_CLEAR = brief_references.c.talent_id == ""


async def hold(tx: Tx, brief_id: str) -> None:
    """Hold a brief's row, so that its pictures are counted one after another."""
    query = select(briefs.c.id).where(briefs.c.id == brief_id)
    await tx.execute(query.with_for_update(key_share=True))


async def add(tx: Tx, reference: Reference) -> None:
    """Store a new reference picture."""
    row = {name: getattr(reference, name) for name in Reference.__slots__}
    await tx.execute(insert(brief_references).values(row))


async def find(tx: Tx, brief_id: str) -> list[Reference]:
    """Return what is on a brief's moodboard, in the order it came."""
    query = select(brief_references).select_from(_FROM)
    query = query.where(_HERE, brief_references.c.brief_id == brief_id)
    query = query.order_by(brief_references.c.created_at, brief_references.c.id)
    return [_reference(row) for row in (await tx.execute(query)).all()]


async def find_photos(tx: Tx, brief_id: str, product: int) -> list[ProductPhoto]:
    """Return the photos of a product that lie on a brief's moodboard, in the order they came."""
    found = await find(tx, brief_id)
    return [ProductPhoto(one.title, one.sha256) for one in found if one.product == product]


async def get(tx: Tx, reference_id: str, *, removed: bool = False) -> Reference:
    """Return a reference picture; with `removed`, also one that was taken off.

    Raises:
        ReferenceNotFound: there is none with that id.
    """
    row = None
    if is_id("ref", reference_id):
        query = select(brief_references).select_from(_FROM)
        query = query.where(brief_references.c.id == reference_id)
        row = (await tx.execute(query if removed else query.where(_HERE))).one_or_none()
    if row is None:
        raise ReferenceNotFound("there is no such reference picture")
    return _reference(row)


async def remove(tx: Tx, reference_id: str, *, removed_by: str) -> bool:
    """Note that a picture was taken off; return False if it was before."""
    row = {
        "reference_id": reference_id,
        "removed_by": removed_by,
        "removed_at": await db.now(tx),
    }
    noted = await tx.execute(upsert(reference_removals).values(row).on_conflict_do_nothing())
    return bool(noted.rowcount)


async def forget(tx: Tx, talent_id: str) -> list[str]:
    """Take everything off that is of a talent; return the keys of what lies in the clear.

    Of her is what lies sealed for her, and what was put on boards of her campaigns before they
    were sealed.
    """
    query = select(brief_references.c.id, brief_references.c.object_key)
    open_of_her = and_(_IN_THE_CLEAR, campaigns.c.talent_id == talent_id)
    of_her = or_(brief_references.c.talent_id == talent_id, open_of_her)
    query = query.select_from(_CAMPAIGNS).where(_HERE, of_her)
    found = (await tx.execute(query)).all()
    for row in found:
        await remove(tx, row.id, removed_by=talent_id)
    return [row.object_key for row in found if row.object_key.startswith("references/")]


async def count_open(tx: Tx, talent_id: str) -> int:
    """Return how many pictures on boards of a talent's campaigns lie in the clear."""
    query = select(func.count()).select_from(_CAMPAIGNS)
    query = query.where(_HERE, _IN_THE_CLEAR, campaigns.c.talent_id == talent_id)
    return int((await tx.execute(query)).scalar_one())


def _reference(row: Row[tuple[object, ...]]) -> Reference:
    return Reference(**row._mapping)
