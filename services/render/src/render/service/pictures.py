"""Pictures handed out: reduced to those who review them, whole to the licensed brand."""

import asyncio
from collections.abc import Callable

from kit import db, trace
from kit.db import Database
from kit.objects import sha256
from sosia.identity.v1 import consent_pb2
from vault import Vault

from render.clients import Licensing
from render.domain import licenses
from render.domain import renders as domain
from render.domain.renders import Picture, Render, RenderNotFound, State
from render.service.renders import Renders


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

    async def open(self, render_id: str, kind: str) -> tuple[bytes, str]:
        """Return a JPEG and its SHA-256, hex.

        Raises:
            FieldInvalid: neither a draft nor the clean file is asked for.
            RenderNotFound: there is none yet, none for the caller, or none any more, because the
                talent was erased.
            LicenseNotActive, LicenseExpired: the clean file, after the license ended.
            FailedPrecondition: CONSENT_MISSING, the talent withdrew.
        """
        trace.require_actor()
        domain.check_kind(kind)
        render = await self._renders.get(render_id)
        if render.picture is None or (kind == "clean" and not _is_delivered(render)):
            raise RenderNotFound("there is no such picture")
        try:
            if kind == "clean":
                return await self._open_clean(render, render.picture)
            return await self._open_draft(render, render.picture)
        except FileNotFoundError as error:
            raise RenderNotFound("there is no such picture any more") from error

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
