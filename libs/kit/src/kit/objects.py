"""Files too large for a row: in an object store, checked by their SHA-256."""

import hashlib
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, from_url

_STAGED = "*#*"
"""What a put into a local folder writes to before it renames; no key can end like that."""


class ObjectBroken(ValueError):
    """An object is not what was stored under that key."""


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data`, hex."""
    return hashlib.sha256(data).hexdigest()


class Objects:
    """An object store: a local folder by default, S3 in production."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"mkdir": True} if url.startswith("file:") else {}
        self._store = from_url(url, **options)

    async def put(self, key: str, data: bytes) -> str:
        """Store `data` under `key`, over whatever was there; return its SHA-256, hex."""
        await obstore.put_async(self._store, key, data)
        return sha256(data)

    async def get(self, key: str, *, expect_sha256: str) -> bytes:
        """Return what lies under `key`.

        Raises:
            ObjectBroken: it is not what was stored, by its SHA-256.
            FileNotFoundError: nothing lies there.
        """
        data = await self.read(key)
        if sha256(data) != expect_sha256:
            raise ObjectBroken(f"object {key} is not what was stored")
        return data

    async def read(self, key: str) -> bytes:
        """Return what lies under `key`, whatever it is. Raises FileNotFoundError."""
        return bytes(await (await obstore.get_async(self._store, key)).bytes_async())

    async def find(self, prefix: str) -> list[str]:
        """Return the keys under a prefix, which counts in whole segments: "a/b" finds "a/b/c"."""
        found = [row["path"] async for chunk in obstore.list(self._store, prefix) for row in chunk]
        return sorted(found)

    async def delete(self, key: str) -> None:
        """Delete what lies under `key`, if anything."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return

    async def clear(self, prefix: str) -> None:
        """Delete all that lies under a prefix, and what a killed put left there half written."""
        for key in await self.find(prefix):
            await self.delete(key)
        if isinstance(self._store, LocalStore):
            for staged in (Path(str(self._store.prefix)) / prefix).rglob(_STAGED):
                staged.unlink(missing_ok=True)
