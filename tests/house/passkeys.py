"""An authenticator in software: makes passkeys and signs with them, rightly or wrongly.

Source: W3C Web Authentication Level 3, sections 6.1 and 6.5.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "http://localhost:8080"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def to_url(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Passkey:
    """A passkey, and the count its authenticator keeps; 0 at the start, one more each time."""

    algorithm: str = "ES256"
    origin: str = ORIGIN
    rp_id: str = "localhost"
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0
    counts: bool = True

    def __post_init__(self) -> None:
        """Make its key."""
        if self.algorithm == "ES256":
            self._es256 = generate_private_key(SECP256R1())
        else:
            self._eddsa = Ed25519PrivateKey.generate()

    @property
    def cose(self) -> dict[int, Any]:
        """The public key as COSE has it."""
        if self.algorithm == "EdDSA":
            return {1: 1, 3: -8, -1: 6, -2: self._eddsa.public_key().public_bytes_raw()}
        numbers = self._es256.public_key().public_numbers()
        x, y = (part.to_bytes(32, "big") for part in (numbers.x, numbers.y))
        return {1: 2, 3: -7, -1: 1, -2: x, -3: y}

    @property
    def public_key(self) -> bytes:
        """The public key as the house keeps it."""
        return cbor2.dumps(self.cose, canonical=True)

    def make(self, statement: bytes, *, flags: int = PRESENT | VERIFIED, **said: Any) -> bytes:
        """Answer an offer: what NewPasskey.credential is."""
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(flags | ATTESTED) + attested + self.public_key
        made = {"fmt": "none", "attStmt": {}, "authData": data}
        return json.dumps(
            {
                "type": "webauthn.create",
                "credential_id": to_url(self.credential_id),
                "client_data_json": to_url(self._client("webauthn.create", statement, said)),
                "attestation_object": to_url(cbor2.dumps(made)),
            }
        ).encode()

    def sign(self, statement: bytes, *, flags: int = PRESENT | VERIFIED, **said: Any) -> bytes:
        """Sign a statement; `said` changes what the browser says of it."""
        if self.counts:
            self.count += 1
        data = self._data(flags)
        client = self._client("webauthn.get", statement, said)
        signed = data + hashlib.sha256(client).digest()
        if self.algorithm == "ES256":
            signature = self._es256.sign(signed, ECDSA(SHA256()))
        else:
            signature = self._eddsa.sign(signed)
        parts = {
            "credential_id": self.credential_id,
            "authenticator_data": data,
            "client_data_json": client,
            "signature": signature,
        }
        told = {"type": "webauthn"} | {name: to_url(part) for name, part in parts.items()}
        return json.dumps(told).encode()

    def _data(self, flags: int) -> bytes:
        rp_id_hash = hashlib.sha256(self.rp_id.encode()).digest()
        return rp_id_hash + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, statement: bytes, said: dict[str, Any]) -> bytes:
        challenge = to_url(hashlib.sha256(statement).digest())
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | said).encode()


async def added(desk: Any, person: Any, passkey: Passkey, signer: Any, name: str = "phone") -> Any:
    """Add a passkey to a party, confirmed by a key that signs already."""
    key = await pending(desk, person, passkey, name)
    signed = {"key_id": key.id, "signature": signer.sign(key.statement)}
    return (await desk.ask(person, "ConfirmKey", **signed)).key


async def pending(
    desk: Any, person: Any, passkey: Passkey, name: str = "phone", *, by: Any = None
) -> Any:
    """Add a passkey nobody has signed for yet."""
    by = by or person
    offer = (await desk.ask(by, "OfferKey", party_id=person.id)).offer
    made = {"name": name, "credential": passkey.make(offer.statement)}
    return (await desk.ask(by, "AddKey", party_id=person.id, passkey=made)).key
