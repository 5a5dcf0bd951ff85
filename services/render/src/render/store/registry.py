"""Released pictures, found by what is in or on them."""

from collections.abc import Sequence
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import BigInteger, Row, Select, Text, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import BIT

from render.domain.answers import Registered
from render.domain.renders import RenderNotFound, State
from render.domain.verdicts import Candidate, Layers, Rights
from render.store.assets import KNOWN, assets, looks
from render.store.campaigns import to_credits
from render.store.tables import renders

_MOST = 40  # a picture is there up to five times, whole and in its formats
_OLDEST_OPEN = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)
_NO_BYTES = func.decode("", "hex")


async def find(tx: Tx, layers: Layers, alike: Sequence[bytes]) -> list[Registered]:
    """Return the released pictures any layer leads to, named ones first, then the nearest looks.

    Args:
        layers: of the file.
        alike: every fingerprint in the registry that is near enough to count.
    """
    distance = func.bit_count(
        _bits(func.encode(assets.c.fingerprint, "hex")).op("#")(_bits(layers.fingerprint.hex()))
    )
    named = union_all(*_named(layers)).subquery()
    looking = select(assets.c.asset_number).where(assets.c.fingerprint.in_(alike))
    first = assets.c.asset_number.in_(select(named.c[0]))
    query = (
        select(renders, assets.c.asset_number.label("number"), *(assets.c[name] for name in KNOWN))
        .join_from(renders, assets, assets.c.render_id == renders.c.id)
        .where(assets.c.asset_number.in_(union_all(select(named.c[0]), looking)))
        .where(renders.c.state == str(State.RELEASED))
        .order_by(first.desc(), distance)
        .limit(_MOST)
    )
    return [_registered(row) for row in (await tx.execute(query)).all()]


async def get(tx: Tx, render_id: str) -> Registered:
    """Return a released picture.

    Raises:
        RenderNotFound: there is none with that id, or it is not released.
    """
    query = (
        select(renders, assets.c.asset_number.label("number"), *(assets.c[name] for name in KNOWN))
        .join_from(renders, assets, assets.c.asset_number == renders.c.asset_number)
        .where(renders.c.state == str(State.RELEASED), renders.c.id == render_id)
    )
    row = (await tx.execute(query)).one_or_none() if is_id("ren", render_id) else None
    if row is None:
        raise RenderNotFound("there is no such render")
    return _registered(row)


def _named(layers: Layers) -> list[Select[tuple[int]]]:
    """Return the numbers that watermark, signature and hash lead to, each by its own index."""
    rights, number = layers.credentials.rights, select(assets.c.asset_number)
    return [
        number.where(
            assets.c.asset_number == layers.watermark, assets.c.watermark == layers.watermark_by
        ),
        number.where(assets.c.render_id == (rights.render_id if rights else None)),
        number.where(assets.c.sha256 == layers.sha256),
    ]


async def read_looks(tx: Tx, since: int) -> tuple[int, bytes]:
    """Return the fingerprints, 32 bytes each, that transactions from `since` on noted.

    Beside them the transaction to ask from the next time: the oldest that was still open, so that
    no row is missed, whenever it commits. Some come again.
    """
    all_of_them = func.coalesce(func.string_agg(looks.c.fingerprint, _NO_BYTES), _NO_BYTES)
    query = select(_OLDEST_OPEN, all_of_them).where(looks.c.noted_by >= since)
    oldest, found = (await tx.execute(query)).one()
    return int(oldest), bytes(found)


async def sum_up(tx: Tx, before: int) -> str | None:
    """Return count and checksum of the fingerprints that transactions before this one noted.

    None if that transaction is yet to come: the number is another database's.
    """
    checksum = func.bit_xor(func.hashtextextended(func.encode(looks.c.fingerprint, "hex"), 0))
    query = select(_OLDEST_OPEN, func.count(), func.coalesce(checksum, 0))
    query = query.select_from(looks).where(looks.c.noted_by < before)
    oldest, count, total = (await tx.execute(query)).one()
    return f"{count}:{total}" if before <= oldest else None


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
            rights,
            row.fingerprint,
            row.keyed_fingerprint,
            row.sha256,
            row.outline,
            row.watermark,
        ),
        talent_id=row.talent_id,
        brand_id=row.brand_id,
        credits=to_credits(row.credits),
        released_at=row.released_at,
    )
