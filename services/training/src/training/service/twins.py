"""Twin versions, as callers see them."""

from kit import fields, trace
from kit.db import Database
from sosia.identity.v1 import consent_pb2
from vault import TWINS, Vault

from training.clients import Identity
from training.domain.twins import Remains, Twin, TwinNotFound
from training.service import access
from training.store import erasures as erasures_store
from training.store import twins as store


class Twins:
    """What runs made, while the consent it was made under stands."""

    def __init__(self, database: Database, identity: Identity, vault: Vault) -> None:
        self._db = database
        self._identity = identity
        self._vault = vault

    async def get(self, twin_version_id: str) -> Twin:
        """Return a twin version of a talent the caller is near."""
        trace.require_actor()
        async with self._db.begin() as tx:
            twin = await store.get(tx, twin_version_id)
        if not await access.is_near(self._identity, twin.talent_id):
            raise TwinNotFound("there is no such twin")
        return twin

    async def find(self, talent_id: str) -> list[Twin]:
        """Return a talent's twin versions, newest first."""
        trace.require_actor()
        fields.check_id("pty", talent_id, "talent_id", what="a talent")
        await access.require_near(self._identity, talent_id)
        async with self._db.begin() as tx:
            return await store.find(tx, talent_id)

    async def open_sheet(self, twin_version_id: str) -> bytes:
        """Return the sample sheet of a twin version, a PNG.

        Raises:
            TwinNotFound: as `get`.
            FailedPrecondition: CONSENT_MISSING, no live consent covers training.
        """
        twin = await self.get(twin_version_id)
        return await self._vault.get(
            twin.sheet.object_key, sha256=twin.sheet.sha256, step=consent_pb2.STEP_TRAINING
        )

    async def find_remains(self, talent_id: str) -> Remains:
        """Return what is still there of a talent the caller is near."""
        trace.require_actor()
        fields.check_id("pty", talent_id, "talent_id", what="a talent")
        await access.require_near(self._identity, talent_id)
        objects = len(await self._vault.find(talent_id, TWINS))
        async with self._db.begin() as tx:
            erased_at, deleted = await erasures_store.find(tx, talent_id)
            twins = await erasures_store.count_twins(tx, talent_id)
            runs = await erasures_store.count_runs(tx, talent_id)
        return Remains(erased_at, deleted, objects, twins, runs)
