"""Cosignatures of a witness: its word, with the time, on a head of the log.

Source: C2SP tlog-cosignature, cosignature/v1.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from proofs import VerifierKey
from proofs.notes import (
    COSIGNATURE,
    Signature,
    check_name,
    cosigned_message,
    pack_cosignature,
)


@dataclass(frozen=True, slots=True)
class Cosigner:
    """Signs heads of a log under the witness's name."""

    name: str
    _key: Ed25519PrivateKey

    @classmethod
    def load(cls, name: str, pem: Path) -> "Cosigner":
        """Read the witness's private key.

        Raises:
            ValueError: the file holds no key, or the name cannot name one.
            TypeError: it is another kind of key.
        """
        check_name(name, "name")
        key = load_pem_private_key(pem.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the witness's key is not an Ed25519 key")
        return cls(name, key)

    @property
    def verifier_key(self) -> VerifierKey:
        """The key its cosignatures verify with."""
        return VerifierKey(self.name, COSIGNATURE, self._key.public_key().public_bytes_raw())

    def sign(self, text: str, *, at: int) -> Signature:
        """Return the cosignature of a checkpoint's text, made `at` a time in POSIX seconds."""
        signed = self._key.sign(cosigned_message(text, at))
        return Signature(self.name, self.verifier_key.key_id, pack_cosignature(at, signed))
