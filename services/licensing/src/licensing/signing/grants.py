"""Grants as tokens: compact EdDSA JWTs under one key, and the making of that key."""

import base64
import hashlib
import json
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from licensing.domain.grants import Grant, claims

ALGORITHM = "EdDSA"


def thumbprint(key: Ed25519PublicKey) -> str:
    """Return the JWK thumbprint of a key: RFC 7638 over the members RFC 8037 names."""
    x = _base64url(key.public_bytes_raw())
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return _base64url(hashlib.sha256(members.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class GrantSigner:
    """The key of the house that signs grants."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = thumbprint(key.public_key())

    @classmethod
    def load(cls, path: Path) -> "GrantSigner":
        """Read the key.

        Raises:
            ValueError: the file holds no Ed25519 private key.
        """
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the grant key is not an Ed25519 key")
        return cls(key)

    def write(self, grant: Grant) -> str:
        """Return the token of a grant; the same grant is always the same token."""
        return jwt.encode(
            claims(grant), self._key, algorithm=ALGORITHM, headers={"kid": self.key_id}
        )


def write_key_pair(path: Path) -> Path:
    """Make a key pair: the private key in `path` (0600), the public in `path`.pub (0644).

    Returns where the public key is.

    Raises:
        FileExistsError: one of the two is there; a key in use is never replaced.
    """
    public = path.with_name(f"{path.name}.pub")
    if public.exists():
        raise FileExistsError(f"{public} is there already")
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public.touch(mode=0o644, exist_ok=False)
    public.chmod(0o644)
    public.write_bytes(pem)
    return public
