"""Every marked file: whole pictures, then their formats, each under its own number."""

from sqlalchemy import select, union_all

from render.store.tables import formats, manifests, pictures, renders

KNOWN = ("fingerprint", "keyed_fingerprint", "outline", "rights_digest", "sha256", "watermark")
_BOTH = ("render_id", *KNOWN)

assets = union_all(
    select(
        renders.c.asset_number,
        *(pictures.c[name] for name in _BOTH),
        manifests.c.id.label("manifest_id"),
        manifests.c.store,
    ).select_from(
        pictures.join(renders, pictures.c.render_id == renders.c.id).outerjoin(
            manifests, manifests.c.render_id == pictures.c.render_id
        )
    ),
    select(
        formats.c.asset_number,
        *(formats.c[name] for name in _BOTH),
        formats.c.manifest_id,
        formats.c.store,
    ),
).subquery("assets")
"""Pictures made before there were manifests have none."""

looks = union_all(
    *(select(table.c.fingerprint, table.c.noted_by) for table in (pictures, formats))
).subquery("looks")
"""The fingerprint of every marked file, and the transaction that noted it."""
