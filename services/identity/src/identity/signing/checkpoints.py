"""Signed heads of the log, as C2SP tlog-checkpoint in a signed note."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class LogSigner:
    """Signs heads of one log under its name."""

    origin: str
    _key: Ed25519PrivateKey

    @classmethod
    def load(cls, origin: str, pem: Path) -> "LogSigner":
        """Read the log's private key.

        Raises:
            ValueError: the file holds no key, or the origin cannot name one.
            TypeError: it is another kind of key.
        """
        if not origin or set("+{") & set(origin) or any(letter.isspace() for letter in origin):
            raise ValueError(
                "the log's origin must not be empty, nor hold blanks, a plus or a brace"
            )
        key = load_pem_private_key(pem.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the log's key is not an Ed25519 key")
        return cls(origin, key)

    @property
    def verifier_key(self) -> str:
        """The C2SP verifier key: name, key id and public key."""
        public = _ED25519 + self._public()
        return f"{self.origin}+{self._key_id().hex()}+{base64.b64encode(public).decode()}"

    def checkpoint(self, size: int, root: bytes) -> str:
        """Return the signed head of a log with `size` leaves and that root."""
        body = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._key_id() + self._key.sign(body.encode())).decode()
        return f"{body}\n\u2014 {self.origin} {signature}\n"

    def sign(self, statement: bytes) -> bytes:
        """Sign a statement of the house, 64 bytes; it verifies with `public_key`.

        A statement is a JSON object, a checkpoint begins with the log's name: no signature of one
        is ever one of the other.

        Raises:
            ValueError: it is no JSON object.
        """
        if not statement.startswith(b"{"):
            raise ValueError("a statement of the house must be a JSON object")
        return self._key.sign(statement)

    @property
    def public_key(self) -> bytes:
        """The log's raw public key, 32 bytes."""
        return self._public()

    def _public(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def _key_id(self) -> bytes:
        named = self.origin.encode() + b"\n" + _ED25519 + self._public()
        return hashlib.sha256(named).digest()[:4]
