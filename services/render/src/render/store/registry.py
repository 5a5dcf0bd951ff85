"""Released pictures, found by what is in or on them."""

from typing import Any

from kit.db import Tx
from sqlalchemy import Row, Text, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import BIT

from render.domain.answers import Registered
from render.domain.renders import State
from render.domain.verdicts import SAME_PICTURE_BITS, Candidate, Layers, Rights
from render.store.assets import KNOWN, assets
from render.store.campaigns import to_credits
from render.store.tables import renders

_NEAR_BITS = SAME_PICTURE_BITS + 8  # a second one that near makes the nearest uncertain
_MOST = 40  # a picture is there up to five times, whole and in its formats


async def find(tx: Tx, layers: Layers) -> list[Registered]:
    """Return the released pictures any layer leads to, named ones first, then the nearest looks.

    Looks are compared with every released picture, bit by bit.
    """
    rights = layers.credentials.rights
    distance = func.bit_count(
        _bits(func.encode(assets.c.fingerprint, "hex")).op("#")(_bits(layers.fingerprint.hex()))
    )
    named = or_(
        assets.c.asset_number == layers.watermark,
        renders.c.id == (rights.render_id if rights else None),
        assets.c.sha256 == layers.sha256,
    )
    query = (
        select(renders, assets.c.asset_number.label("number"), *(assets.c[name] for name in KNOWN))
        .join_from(renders, assets, assets.c.render_id == renders.c.id)
        .where(renders.c.state == str(State.RELEASED), or_(named, distance <= _NEAR_BITS))
        .order_by(func.coalesce(named, False).desc(), distance)
        .limit(_MOST)
    )
    return [_registered(row) for row in (await tx.execute(query)).all()]


def _bits(hexadecimal: Any) -> Any:
    """Return 64 hex digits as a string of bits, which PostgreSQL can compare and count."""
    return cast(literal("x") + cast(hexadecimal, Text), BIT(256))


def _registered(row: Row[Any]) -> Registered:
    rights = Rights(
        asset_number=row.number,
        render_id=row.id,
        license_id=row.license_id,
        twin_version_id=row.twin_version_id,
        consent_receipt_id=row.consent_receipt_id,
        digest=row.rights_digest,
    )
    return Registered(
        candidate=Candidate(
            rights, row.fingerprint, row.keyed_fingerprint, row.sha256, row.outline
        ),
        talent_id=row.talent_id,
        brand_id=row.brand_id,
        credits=to_credits(row.credits),
        released_at=row.released_at,
    )
