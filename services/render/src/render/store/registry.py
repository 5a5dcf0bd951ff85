"""Released pictures, found by what is in or on them."""

from typing import Any

from kit.db import Tx
from sqlalchemy import Row, literal_column, or_, select, text

from render.domain.answers import Registered
from render.domain.renders import State
from render.domain.verdicts import SAME_PICTURE_BITS, Candidate, Layers, Rights
from render.store.campaigns import to_credits
from render.store.tables import pictures, renders

_NEAR_BITS = SAME_PICTURE_BITS + 8  # a second one that near makes the nearest uncertain
_MOST = 20
_DISTANCE: Any = literal_column(
    "bit_count(('x' || encode(pictures.fingerprint, 'hex'))::bit(256)"
    " # CAST('x' || CAST(:seen AS text) AS bit(256)))"
)


async def find(tx: Tx, layers: Layers) -> list[Registered]:
    """Return the released pictures any layer leads to, the nearest looks first.

    Looks are compared with every released picture, bit by bit.
    """
    rights = layers.credentials.rights
    leads = or_(
        renders.c.asset_number == layers.watermark,
        renders.c.id == (rights.render_id if rights else None),
        text(f"{_DISTANCE} <= :near"),
    )
    query = (
        select(renders, pictures.c.fingerprint, pictures.c.rights_digest)
        .join_from(renders, pictures, pictures.c.render_id == renders.c.id)
        .where(renders.c.state == str(State.RELEASED), leads)
        .order_by(_DISTANCE)
        .limit(_MOST)
    )
    values = {"seen": layers.fingerprint.hex(), "near": _NEAR_BITS}
    return [_registered(row) for row in (await tx.execute(query, values)).all()]


def _registered(row: Row[Any]) -> Registered:
    rights = Rights(
        asset_number=row.asset_number,
        render_id=row.id,
        license_id=row.license_id,
        twin_version_id=row.twin_version_id,
        consent_receipt_id=row.consent_receipt_id,
        digest=row.rights_digest,
    )
    return Registered(
        candidate=Candidate(rights, row.fingerprint),
        talent_id=row.talent_id,
        brand_id=row.brand_id,
        credits=to_credits(row.credits),
        released_at=row.released_at,
    )
