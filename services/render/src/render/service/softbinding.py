"""Manifests for copies that lost them: the C2PA's Soft Binding Resolution API, for anybody."""

from kit.db import Database

from render.domain import bindings
from render.domain.bindings import Algorithms, Match
from render.service.verification import Verifier
from render.store import manifests


class SoftBindings:
    """Leads from what is left on a picture to the manifest it was released with."""

    def __init__(
        self, database: Database, verifier: Verifier, algorithms: Algorithms, endpoint: str
    ) -> None:
        """Take in where the manifests are to be had, if not where they are asked for."""
        self._db = database
        self.verifier = verifier
        self.algorithms = algorithms
        self._endpoint = endpoint

    async def find_by_binding(self, alg: str, value: str, most: int | None) -> list[Match]:
        """Return the manifests that assert a value to the bit: what is near is not said.

        Raises:
            FieldInvalid: one of the three is not as it must be.
        """
        binding = self.algorithms.read(alg, value)
        most = bindings.check_most(most)
        if not self.algorithms.holds(binding):
            return []
        async with self._db.begin() as tx:
            return self._matches(await manifests.find_bound(tx, binding, most=most))

    async def find_by_content(self, content: bytes, alg: str, most: int | None) -> list[Match]:
        """Return the manifest of the picture a file is; none unless verified or recovered.

        Raises:
            FieldInvalid: `alg` is given and not one of ours, or `most` less than one.
            PhotoTooLarge, PhotoUnreadable: as `Verifier.verify`.
        """
        if alg:
            self.algorithms.check(alg)
        bindings.check_most(most)
        _, record = await self.verifier.recognise(content)
        if record is None:
            return []
        async with self._db.begin() as tx:
            found = await manifests.find_of(tx, record.candidate.rights.asset_number)
            return self._matches(found)

    async def get(self, manifest_id: str) -> bytes:
        """Return a manifest store.

        Raises:
            ManifestNotFound: no released picture has a manifest of that id.
        """
        async with self._db.begin() as tx:
            return await manifests.get(tx, manifest_id)

    def _matches(self, ids: list[str]) -> list[Match]:
        return [Match(one, self._endpoint) for one in ids]
