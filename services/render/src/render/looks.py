"""Which fingerprints in the registry are near one: an index of all, kept up with the registry.

The index is a file read into memory, built in the background; what came since lies beside it and
is compared one by one. Nothing is found in it but fingerprints: which pictures have them, and
whether those are released, the registry says.
"""

import asyncio
import json
from pathlib import Path

import hamming
import numpy as np
from hamming.index import Broken
from kit.bus import stopping
from kit.db import GONE, Database, Tx
from kit.ops import log

from render.domain.verdicts import SAME_PICTURE_BITS, UNSURE_BITS
from render.store import registry

_LEAST = 20_000  # fingerprints beside the index from which a new one is worth its building
_SHARE = 8  # and the share of the index they must reach: one in so many
_EVERY_S = 60.0
_MANY = 32 << 15  # bytes of fingerprints among which none is looked for that came before
_EMPTY: hamming.Codes = np.empty((0, 4), np.uint64)


class Looks:
    """Every fingerprint of the registry, to be searched."""

    def __init__(self, path: Path | None = None) -> None:
        """Take the file where the index lies; without one it is in memory only."""
        self._path = path
        self._index: hamming.Index | None = None
        self._beside: hamming.Codes = _EMPTY
        self._again: set[bytes] = set()
        self._since = 0

    @property
    def indexed(self) -> int:
        """Return how many fingerprints are in the index; others are compared one by one."""
        return 0 if self._index is None else self._index.count

    async def open(self, database: Database) -> None:
        """Read the index from its file, if it is of this registry, whole and not too new."""
        if self._path is None or not self._path.exists():
            return
        try:
            index = await asyncio.to_thread(hamming.Index.open, self._path)
            note = json.loads(index.note)
            since, told = int(note["since"]), str(note["sum"])
        except (OSError, Broken, ValueError, KeyError, TypeError) as error:
            log.warning("the index of looks is not used", error=repr(error))
            return
        async with database.begin() as tx:
            if await registry.sum_up(tx, since) == told:
                self._index, self._since = index, since

    async def near(self, tx: Tx, fingerprint: bytes) -> list[bytes]:
        """Return every fingerprint that counts beside this one, none if none is the same picture's.

        Those a little further away count where one is near: they make the nearest uncertain.
        Pictures whose transaction committed before this call are all seen.
        """
        await self._catch_up(tx)
        index, beside = self._index, self._beside
        return await asyncio.to_thread(_near, index, beside, fingerprint)

    async def keep(self, database: Database) -> None:
        """Build a new index whenever enough has come beside the old one, until cancelled."""
        while not stopping():
            try:
                async with database.begin() as tx:
                    await self._catch_up(tx)
                if self.is_due:
                    await self.rebuild(database)
            except (*GONE, OSError) as error:
                log.warning("no new index of looks; will try again", error=repr(error))
            await asyncio.sleep(_EVERY_S)

    @property
    def is_due(self) -> bool:
        """Tell whether so much lies beside the index that a new one is worth its building."""
        beside, most = len(self._beside), hamming.MOST
        return beside >= max(_LEAST, self.indexed // _SHARE) and self.indexed + beside <= most

    async def rebuild(self, database: Database) -> None:
        """Build an index of the whole registry, then use it; searches go on meanwhile."""
        async with database.begin() as tx:
            since, looks = await registry.read_looks(tx, 0)
            told = await registry.sum_up(tx, since)
        note = json.dumps({"since": since, "sum": told}).encode()
        codes = hamming.pack(looks)
        index = await asyncio.to_thread(hamming.build, codes, self._path, note=note)
        self._index, self._since = index, since  # what came meanwhile is read again
        self._beside, self._again = _EMPTY, set()

    async def _catch_up(self, tx: Tx) -> None:
        """Put beside the index what it lacks; read again if another took its place meanwhile."""
        index: object = self
        while index is not self._index:
            index = self._index
            oldest, looks = await registry.read_looks(tx, self._since)
        self._since = max(self._since, oldest)
        if len(looks) > _MANY:
            self._beside = np.concatenate([self._beside, hamming.pack(looks)])
            self._again = set()
            return
        whole = [looks[at : at + 32] for at in range(0, len(looks), 32)]
        fresh = b"".join(one for one in dict.fromkeys(whole) if one not in self._again)
        if fresh:
            self._beside = np.concatenate([self._beside, hamming.pack(fresh)])
        self._again = set(whole)


def _near(index: hamming.Index | None, beside: hamming.Codes, fingerprint: bytes) -> list[bytes]:
    for radius in (SAME_PICTURE_BITS, UNSURE_BITS):
        found = [hamming.scan(beside, fingerprint, radius)]
        if index is not None:
            found.append(index.search(fingerprint, radius))
        alike = {code.tobytes() for one in found for code in one.codes}
        if not alike:
            break
    return sorted(alike)
