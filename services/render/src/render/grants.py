"""Grants as they come: compact JWTs that licensing signed with its own key, or nothing."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from render.domain.grants import Claims, GrantInvalid

ISSUER, AUDIENCE = "sosia/licensing", "render"
_TEXTS = ("jti", "license_id", "twin_version_id", "brief_sha256")
_NUMBERS = ("iat", "exp", "count")


class GrantReader:
    """Reads grants with one pinned key; a token has no say in what it is checked with."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def load(cls, pem: Path) -> "GrantReader":
        """Read licensing's public key.

        Raises:
            TypeError: it is another kind of key.
        """
        key = load_pem_public_key(pem.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise TypeError("the grant key is not an Ed25519 public key")
        return cls(key)

    def read(self, token: str) -> Claims:
        """Return what a grant says, whatever its times: the database's clock judges those.

        Raises:
            GrantInvalid: not licensing's signature, not for render, or not of our form.
        """
        options: Any = {
            "require": [*_TEXTS, *_NUMBERS, "iss", "aud"],
            "strict_aud": True,
            "verify_exp": False,
            "verify_iat": False,
        }
        try:
            said = jwt.decode(
                token,
                self._key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options=options,
            )
        except jwt.PyJWTError as error:
            raise GrantInvalid("the grant is not licensing's") from error
        return _claims(said)


def _claims(said: dict[str, Any]) -> Claims:
    texts = all(isinstance(said[name], str) for name in _TEXTS)
    numbers = all(type(said[name]) is int and 0 <= said[name] < 2**40 for name in _NUMBERS)
    if not (texts and numbers):
        raise GrantInvalid("the grant is not of the form licensing makes")
    return Claims(
        jti=said["jti"],
        issued_at=datetime.fromtimestamp(said["iat"], UTC),
        expires_at=datetime.fromtimestamp(said["exp"], UTC),
        license_id=said["license_id"],
        twin_version_id=said["twin_version_id"],
        brief_sha256=said["brief_sha256"],
        count=said["count"],
    )
