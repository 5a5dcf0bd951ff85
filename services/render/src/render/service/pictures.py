"""Pictures handed out: reduced to those who review them, whole to the licensed brand."""

import asyncio
from collections.abc import Callable

from kit import db, trace
from kit.db import Database
from kit.errors import FieldInvalid
from kit.objects import sha256
from sosia.identity.v1 import consent_pb2
from vault import Vault

from render.clients import Licensing
from render.domain import formats, licenses
from render.domain import renders as domain
from render.domain.formats import Format, FormatNotFound
from render.domain.renders import Picture, Render, RenderNotFound, State
from render.service.renders import Renders
from render.store import renders as store


class Pictures:
    """What renders made."""

    def __init__(
        self,
        database: Database,
        renders: Renders,
        licensing: Licensing,
        vault: Vault,
        reduce: Callable[[bytes], bytes],
    ) -> None:
        """Take in `reduce`, which makes a draft of a marked JPEG."""
        self._db = database
        self._renders = renders
        self._licensing = licensing
        self._vault = vault
        self._reduce = reduce

    async def open(self, render_id: str, kind: str, format: str = "") -> tuple[bytes, str]:
        """Return a JPEG and its SHA-256, hex; of the clean file also in another `format`.

        Raises:
            FieldInvalid: neither a draft nor the clean file is asked for, or a format of no kind
                that is made, or of a draft.
            RenderNotFound: there is none yet, none for the caller, or none any more, because the
                talent was erased.
            FormatNotFound: the picture has no file in that format.
            LicenseNotActive, LicenseExpired: the clean file, after the license ended.
            FailedPrecondition: CONSENT_MISSING, the talent withdrew.
        """
        trace.require_actor()
        domain.check_kind(kind)
        if format:
            formats.check_format(format)
            if kind != "clean":
                raise FieldInvalid("format", "must be empty for a draft")
        render = await self._renders.get(render_id)
        if render.picture is None or (kind == "clean" and not _is_delivered(render)):
            raise RenderNotFound("there is no such picture")
        try:
            if kind == "clean":
                return await self._open_clean(render, await self._find(render, format))
            return await self._open_draft(render, render.picture)
        except FileNotFoundError as error:
            raise RenderNotFound("there is no such picture any more") from error

    async def find_formats(self, render_id: str) -> list[Format]:
        """Return the formats in which a released picture is to be had; none before.

        Raises:
            RenderNotFound: there is none, or none for the caller.
        """
        render = await self._renders.get(render_id)
        if render.state is not State.RELEASED:
            return []
        async with self._db.begin() as tx:
            return await store.find_formats(tx, render.id)

    async def _find(self, render: Render, format: str) -> Picture:
        """Return the whole picture, or that of a format."""
        if render.picture is not None and not format:
            return render.picture
        async with self._db.begin() as tx:
            found = await store.find_formats(tx, render.id)
        named = next((one for one in found if one.name == format), None)
        if named is None:
            raise FormatNotFound(f"the picture is not to be had as {format}", format=format)
        return named.picture

    async def _open_clean(self, render: Render, picture: Picture) -> tuple[bytes, str]:
        license = await self._licensing.get_license(render.license_id)
        async with self._db.begin() as tx:
            now = await db.now(tx)
        licenses.check_live(license, now=now)
        content = await self._vault.get(
            picture.object_key, sha256=picture.object_sha256, step=consent_pb2.STEP_DELIVERY
        )
        return content, picture.sha256

    async def _open_draft(self, render: Render, picture: Picture) -> tuple[bytes, str]:
        released = render.state is State.RELEASED
        step = consent_pb2.STEP_DELIVERY if released else consent_pb2.STEP_RENDERING
        marked = await self._vault.get(picture.object_key, sha256=picture.object_sha256, step=step)
        content = await asyncio.to_thread(self._reduce, marked)
        return content, sha256(content)


def _is_delivered(render: Render) -> bool:
    """Tell whether the caller may have the file itself: the licensed brand, once it is out."""
    actor = trace.actor()
    its_brand = actor.kind == "brand" and actor.party_id == render.brand_id
    return its_brand and render.state is State.RELEASED
