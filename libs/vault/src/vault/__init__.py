"""A person's files: sealed where they lie, opened only while her consent covers the step.

identity owns the keys; training and render come here to keep what they make of a person.
"""

from typing import Protocol

from kit import rpc
from kit.objects import Objects
from sosia.identity.v1 import consent_pb2, identity_service_pb2, identity_service_pb2_grpc

from vault.sealing import DataKey, Sealed, parse, seal

__all__ = ["CAPTURES", "FOLDERS", "PICTURES", "TWINS", "DataKey", "Keys", "RemoteKeys", "Vault"]

CAPTURES, TWINS, PICTURES = FOLDERS = ("captures", "twins", "pictures")
"""Whose objects lie where: identity's, training's, render's. What shows a person lies in one of
these, in the folder of her id, and nowhere else, so that all of it is found when she is erased."""


class Keys(Protocol):
    """Who makes and unwraps keys of objects: identity, or its client."""

    async def create(self, talent_id: str, step: "consent_pb2.Step.ValueType") -> DataKey:
        """Make a key for one object. Errors: as IdentityService.CreateDataKey."""

    async def unwrap(
        self, talent_id: str, wrapped: bytes, step: "consent_pb2.Step.ValueType"
    ) -> bytes:
        """Return the key in the clear. Errors: as IdentityService.UnwrapDataKey."""


class RemoteKeys:
    """Keys asked of the identity service."""

    def __init__(self, identity: identity_service_pb2_grpc.IdentityServiceStub) -> None:
        self._identity = identity

    async def create(self, talent_id: str, step: "consent_pb2.Step.ValueType") -> DataKey:
        """Make a key for one object."""
        request = identity_service_pb2.CreateDataKeyRequest(talent_id=talent_id, step=step)
        answer = await rpc.call(self._identity.CreateDataKey, request)
        return DataKey(answer.plaintext, answer.wrapped)

    async def unwrap(
        self, talent_id: str, wrapped: bytes, step: "consent_pb2.Step.ValueType"
    ) -> bytes:
        """Return the key in the clear."""
        request = identity_service_pb2.UnwrapDataKeyRequest(
            talent_id=talent_id, wrapped=wrapped, step=step
        )
        return (await rpc.call(self._identity.UnwrapDataKey, request)).plaintext


class Vault:
    """An object store of which every file is sealed for the person it shows."""

    def __init__(self, objects: Objects, keys: Keys) -> None:
        self._objects = objects
        self._keys = keys

    async def put(
        self, object_key: str, data: bytes, *, talent_id: str, step: "consent_pb2.Step.ValueType"
    ) -> str:
        """Seal and store `data`; return the SHA-256 of the stored bytes, hex.

        Raises:
            DomainError: no live consent covers the step, or identity does not answer.
        """
        key = await self._keys.create(talent_id, step)
        sealed = seal(data, key, object_key=object_key, talent_id=talent_id)
        return await self._objects.put(object_key, sealed)

    async def get(
        self, object_key: str, *, sha256: str, step: "consent_pb2.Step.ValueType"
    ) -> bytes:
        """Fetch and open what was stored.

        Raises:
            ObjectBroken: it is not what was stored, by `sha256` of the stored bytes.
            FileNotFoundError: nothing lies there.
            DomainError: no live consent covers the step, or identity does not answer.
        """
        sealed = parse(await self._objects.get(object_key, expect_sha256=sha256))
        key = await self._keys.unwrap(sealed.talent_id, sealed.wrapped, step)
        return sealed.open(key, object_key=object_key)

    async def find(self, talent_id: str, folder: str) -> list[str]:
        """Return the keys of a person's objects in one of `FOLDERS`, those no row names too."""
        return await self._objects.find(f"{folder}/{talent_id}")

    async def clear(self, place: str) -> None:
        """Delete all that lies in one place of a person's, as "captures/pty_1/cap_1"."""
        await self._objects.clear(place)

    async def take_apart(self, object_key: str) -> Sealed:
        """Fetch what lies there, whatever was stored, without opening it.

        Raises:
            FileNotFoundError: nothing lies there.
            ObjectBroken: it is not sealed.
        """
        return parse(await self._objects.read(object_key))

    async def delete(self, object_key: str) -> None:
        """Delete what lies under `object_key`, if anything."""
        await self._objects.delete(object_key)
