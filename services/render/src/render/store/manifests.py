"""Manifests of released pictures; of others nothing is found."""

from kit.db import Tx
from sqlalchemy import ColumnElement, select

from render.domain.bindings import Binding, ManifestNotFound, is_label
from render.domain.renders import State
from render.store.assets import assets
from render.store.tables import renders

_OUT = renders.c.state == str(State.RELEASED)
_FROM = renders.join(assets, assets.c.render_id == renders.c.id)


async def find_bound(tx: Tx, binding: Binding, *, most: int) -> list[str]:
    """Return the ids of at most `most` manifests that assert exactly this, oldest release first."""
    if binding.is_watermark:
        of_number = assets.c.asset_number == binding.number
        which = (assets.c.watermark == binding.alg, of_number)
        return await _find(tx, *which, most=most)
    return await _find(tx, assets.c.fingerprint == binding.value, most=most)


async def find_of(tx: Tx, asset_number: int) -> list[str]:
    """Return the id of a picture's or format's manifest, if it is released and was kept."""
    return await _find(tx, assets.c.asset_number == asset_number, most=1)


async def _find(tx: Tx, *which: ColumnElement[bool], most: int) -> list[str]:
    kept = assets.c.manifest_id.is_not(None)
    query = select(assets.c.manifest_id).select_from(_FROM).where(_OUT, kept, *which)
    order = (renders.c.released_at, renders.c.id, assets.c.asset_number)
    query = query.order_by(*order).limit(most)
    return list((await tx.execute(query)).scalars())


async def get(tx: Tx, manifest_id: str) -> bytes:
    """Return a manifest store.

    Raises:
        ManifestNotFound: no released picture has a manifest of that id.
    """
    found = None
    if is_label(manifest_id):
        query = select(assets.c.store).select_from(_FROM)
        query = query.where(_OUT, assets.c.manifest_id == manifest_id)
        found = (await tx.execute(query)).scalar_one_or_none()
    if found is None:
        raise ManifestNotFound("no released picture has this manifest")
    return bytes(found)
