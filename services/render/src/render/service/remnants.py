"""What is left of a talent, for her to see that it is nothing once she was erased."""

from kit import fields, trace
from kit.db import Database
from kit.errors import NotAllowed
from vault import PICTURES, Vault

from render.clients import Identity
from render.domain.renders import Remains
from render.service import access
from render.store import erasures as store
from render.store import moodboards as moodboards_store


class Remnants:
    """Counts of what there is of talents."""

    def __init__(self, database: Database, identity: Identity, vault: Vault) -> None:
        self._db = database
        self._identity = identity
        self._vault = vault

    async def find(self, talent_id: str) -> Remains:
        """Return what is still there; the talent, the agency that represents her and staff may ask.

        Raises:
            Unauthenticated, FieldInvalid, NotAllowed: in this order.
        """
        trace.require_actor()
        fields.check_id("pty", talent_id, "talent_id", what="a talent")
        if not await access.is_near(self._identity, brand_id="", talent_id=talent_id, crew=()):
            raise NotAllowed("only the talent, her agency and staff may do this")
        objects = len(await self._vault.find(talent_id, PICTURES))
        async with self._db.begin() as tx:
            erased_at, deleted = await store.find(tx, talent_id)
            left, released = await store.count(tx, talent_id)
            objects += await moodboards_store.count_open(tx, talent_id)
        return Remains(erased_at, deleted, objects, left, released)
