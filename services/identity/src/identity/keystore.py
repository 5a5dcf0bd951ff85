"""Person keys in a folder: one file a person, never in the database.

Destroying the file erases the person: nothing that was sealed for her opens again, in any
backup. What is left is a mark with the word she gave for it, which outlives a restore of the
database from before. In production a key-management service takes this place behind the same
methods.
"""

import asyncio
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from identity.domain.keys import PersonKeyDestroyed, WrappedKeyInvalid

_VERSION = b"\x01"
_NONCE_BYTES = 12
_WRAPPED_BYTES = len(_VERSION) + _NONCE_BYTES + 32 + 16


class KeyStore(Protocol):
    """Where person keys live."""

    async def make(self, talent_id: str) -> None:
        """Make the person's key unless there is one."""

    async def wrap(self, talent_id: str, data_key: bytes) -> bytes:
        """Encrypt a data key with the person's key. Raises PersonKeyDestroyed."""

    async def unwrap(self, talent_id: str, wrapped: bytes) -> bytes:
        """Open a wrapped data key. Raises PersonKeyDestroyed, WrappedKeyInvalid."""

    async def destroy(self, talent_id: str, word: bytes) -> None:
        """Destroy the person's key for good and keep why; no other is made. May be repeated."""

    async def find_destroyed(self) -> Mapping[str, bytes]:
        """Return whose keys were destroyed, and the word each destruction was done on."""


class FileKeyStore:
    """A folder of AES-256 keys, each readable by this process' user only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    async def make(self, talent_id: str) -> None:
        """Make the person's key unless there is one; it is on disk when this returns.

        Raises:
            PersonKeyDestroyed: she had one, and it was destroyed.
        """
        await asyncio.to_thread(self._make, talent_id)

    async def wrap(self, talent_id: str, data_key: bytes) -> bytes:
        """Return version, nonce and the data key under AES-GCM, bound to the person's id."""
        key = await asyncio.to_thread(self._read, talent_id)
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + AESGCM(key).encrypt(nonce, data_key, talent_id.encode())

    async def unwrap(self, talent_id: str, wrapped: bytes) -> bytes:
        """Return the data key.

        Raises:
            PersonKeyDestroyed: the person's key is gone.
            WrappedKeyInvalid: it was wrapped for another person, or changed.
        """
        key = await asyncio.to_thread(self._read, talent_id)
        if len(wrapped) != _WRAPPED_BYTES or not wrapped.startswith(_VERSION):
            raise WrappedKeyInvalid("not a wrapped key")
        nonce, sealed = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, sealed, talent_id.encode())
        except InvalidTag as error:
            raise WrappedKeyInvalid("not a key wrapped for this person") from error

    async def destroy(self, talent_id: str, word: bytes) -> None:
        """Overwrite and remove the person's key, also what a kill left of making it.

        The mark that it was destroyed comes first, so that none is made in between; a kill
        anywhere is made good by the next call.
        """
        await asyncio.to_thread(self._destroy, talent_id, word)

    async def find_destroyed(self) -> Mapping[str, bytes]:
        """Return whose keys were destroyed, and the word each destruction was done on."""
        return await asyncio.to_thread(
            lambda: {mark.stem: mark.read_bytes() for mark in self._folder.glob("*.destroyed")}
        )

    def _destroy(self, talent_id: str, word: bytes) -> None:
        draft = self._folder / f".{talent_id}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, word)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(self._mark(talent_id))  # whole or not at all
        self._sync_folder()
        for file in (self._path(talent_id), *self._folder.glob(f".{talent_id}.*")):
            _overwrite(file)
            file.unlink(missing_ok=True)
        self._sync_folder()

    def _mark(self, talent_id: str) -> Path:
        return self._folder / f"{talent_id}.destroyed"

    def _path(self, talent_id: str) -> Path:
        return self._folder / f"{talent_id}.key"

    def _read(self, talent_id: str) -> bytes:
        try:
            return self._path(talent_id).read_bytes()
        except FileNotFoundError as error:
            raise _destroyed(talent_id) from error

    def _make(self, talent_id: str) -> None:
        draft = self._folder / f".{talent_id}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, AESGCM.generate_key(bit_length=256))
            os.fsync(descriptor)
            os.link(draft, self._path(talent_id))  # whole or not at all, and never over another
            if self._mark(talent_id).exists():  # looked at last: destroyed before or meanwhile
                self._path(talent_id).unlink(missing_ok=True)
                raise _destroyed(talent_id)
        except FileExistsError:
            return
        finally:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _destroyed(talent_id: str) -> PersonKeyDestroyed:
    return PersonKeyDestroyed(f"the key of {talent_id} was destroyed", talentId=talent_id)


def _overwrite(file: Path) -> None:
    """Write over a file where it lies, as far as the disk beneath lets anyone."""
    try:
        descriptor = os.open(file, os.O_WRONLY)
    except FileNotFoundError:
        return
    try:
        os.write(descriptor, os.urandom(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
