"""Keys of objects, wrapped with the key of the person they show."""

import os

from kit import db
from kit.db import Database, Tx
from sosia.identity.v1 import consent_pb2
from vault import DataKey

from identity.domain.consents import Step
from identity.keystore import KeyStore
from identity.service.consents import find_covering
from identity.store import parties as store


class PersonKeys:
    """Makes and opens keys of objects, only while the person's consent covers the step.

    Who asks does not count here: without the consent nobody gets a key, with it every service
    of the house may do the step's work.
    """

    def __init__(self, database: Database, keys: KeyStore) -> None:
        self._db = database
        self._keys = keys

    async def create_data_key(self, talent_id: str, step: Step) -> DataKey:
        """Make a key for one object.

        Raises:
            ConsentMissing: no live consent covers the step.
            PersonKeyDestroyed: the person was erased.
        """
        async with self._db.begin() as tx:
            await find_covering(tx, talent_id, step)
            await self._ensure_person_key(tx, talent_id)
        plaintext = os.urandom(32)
        return DataKey(plaintext, await self._keys.wrap(talent_id, plaintext))

    async def unwrap_data_key(self, talent_id: str, wrapped: bytes, step: Step) -> bytes:
        """Open the key of an object. Errors: as `create_data_key`, and WrappedKeyInvalid."""
        async with self._db.begin() as tx:
            await find_covering(tx, talent_id, step)
        return await self._keys.unwrap(talent_id, wrapped)

    async def _ensure_person_key(self, tx: Tx, talent_id: str) -> None:
        """Make the person's key the first time. Once noted it is never made again.

        The file comes first: after a crash in between, the note is made with the file there.
        """
        if (await store.get(tx, talent_id)).person_key_at is not None:
            return
        if (await store.lock(tx, talent_id)).person_key_at is None:
            await self._keys.make(talent_id)
            await store.note_person_key(tx, talent_id, await db.now(tx))


class LocalKeys:
    """The same keys as `vault.Keys`, for what identity itself keeps."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    async def create(self, talent_id: str, step: "consent_pb2.Step.ValueType") -> DataKey:
        """Make a key for one object."""
        return await self._keys.create_data_key(talent_id, _step(step))

    async def unwrap(
        self, talent_id: str, wrapped: bytes, step: "consent_pb2.Step.ValueType"
    ) -> bytes:
        """Return the key in the clear."""
        return await self._keys.unwrap_data_key(talent_id, wrapped, _step(step))


def _step(step: "consent_pb2.Step.ValueType") -> Step:
    return Step[consent_pb2.Step.Name(step).removeprefix("STEP_")]
