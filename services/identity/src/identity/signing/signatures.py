"""Ed25519 signatures of parties."""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def find_signer(public_keys: Sequence[bytes], message: bytes, signature: bytes) -> bytes | None:
    """Return the first of some keys that made `signature` over `message`, None if none did."""
    for key in public_keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except InvalidSignature:
            continue
        return key
    return None
