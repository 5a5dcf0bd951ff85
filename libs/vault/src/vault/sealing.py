"""Sealed objects: encrypted with a key of their own, which a person's key wraps."""

import json
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from kit.objects import ObjectBroken

_MAGIC = b"SOSIA1\n"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key for one object: in the clear for now, and wrapped with its person's key for later."""

    plaintext: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return "DataKey(...)"


def seal(data: bytes, key: DataKey, *, object_key: str, talent_id: str) -> bytes:
    """Encrypt `data` with AES-256-GCM, bound to where it will lie.

    The wrapped key stands in the header, beside the object and in no database, so that destroying
    a person's key leaves nothing readable in any backup.
    """
    header = json.dumps({"talent": talent_id, "key": key.wrapped.hex()}).encode()
    nonce = os.urandom(12)
    sealed = AESGCM(key.plaintext).encrypt(nonce, data, header + object_key.encode())
    return _MAGIC + len(header).to_bytes(4, "big") + header + nonce + sealed


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed object taken apart; `open` needs the unwrapped key."""

    talent_id: str
    wrapped: bytes
    header: bytes
    body: bytes

    def open(self, plaintext_key: bytes, *, object_key: str) -> bytes:
        """Decrypt.

        Raises:
            ObjectBroken: wrong key, changed bytes, or moved from another object key.
        """
        nonce, sealed = self.body[:12], self.body[12:]
        try:
            return AESGCM(plaintext_key).decrypt(nonce, sealed, self.header + object_key.encode())
        except InvalidTag as error:
            raise ObjectBroken(f"object {object_key} does not decrypt") from error


def parse(data: bytes) -> Sealed:
    """Take a sealed object apart.

    Raises:
        ObjectBroken: it was not made by `seal`.
    """
    if not data.startswith(_MAGIC):
        raise ObjectBroken("object is not sealed")
    start = len(_MAGIC) + 4
    end = start + int.from_bytes(data[start - 4 : start], "big")
    try:
        header = json.loads(data[start:end])
        return Sealed(header["talent"], bytes.fromhex(header["key"]), data[start:end], data[end:])
    except (ValueError, KeyError, TypeError) as error:
        raise ObjectBroken("object has a broken header") from error
