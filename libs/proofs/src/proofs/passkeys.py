"""Assertions of passkeys: WebAuthn's way to sign one statement, checked without a network.

Source: W3C Web Authentication Level 3, sections 5.8.1, 6.1 and 7.2; RFC 9052 and 9053 (COSE).
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from proofs.encoding import Malformed
from proofs.statements import unique

_ES256 = bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820")
"""{1: 2, 3: -7, -1: 1, -2: x, -3: y} in CTAP2's canonical CBOR: before x, before y."""
_EDDSA = bytes.fromhex("a4010103272006215820")
"""{1: 1, 3: -8, -1: 6, -2: x}: before x."""
ES256_BYTES, EDDSA_BYTES = 77, 42
MOST_BYTES = 8192
"""Of an assertion in JSON; those of today have about 700."""
_NAMES = ("credential_id", "authenticator_data", "client_data_json", "signature")
_RP_ID_HASH, _FLAGS, _COUNT = slice(0, 32), 32, slice(33, 37)
_LEAST_AUTHENTICATOR_DATA = 37
_USER_PRESENT, _USER_VERIFIED = 0x01, 0x04


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator answered, and what its bytes say."""

    credential_id: bytes
    authenticator_data: bytes
    client_data_json: bytes
    signature: bytes
    client_data: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """Where the page was on which somebody signed."""
        return str(self.client_data.get("origin", ""))

    @property
    def rp_id_hash(self) -> bytes:
        """SHA-256 of the domain the passkey belongs to."""
        return self.authenticator_data[_RP_ID_HASH]

    @property
    def sign_count(self) -> int:
        """How often the authenticator says it signed; 0 where it does not count."""
        return int.from_bytes(self.authenticator_data[_COUNT], "big")

    @property
    def is_present(self) -> bool:
        """Whether somebody touched the authenticator."""
        return bool(self.authenticator_data[_FLAGS] & _USER_PRESENT)

    @property
    def is_verified(self) -> bool:
        """Whether the authenticator knew who, by a PIN, a finger or a face."""
        return bool(self.authenticator_data[_FLAGS] & _USER_VERIFIED)


def is_assertion(signature: bytes) -> bool:
    """Tell whether a signature has a passkey's form, and not that of Ed25519."""
    return len(signature) != 64 and signature.startswith(b"{") and signature.endswith(b"}")


def parse_assertion(signature: bytes, field: str = "signature") -> Assertion:
    """Read a passkey's assertion: one JSON object that is closed by its last byte.

    A leaf of the log covers statement, assertion and key as one run of bytes; that the assertion
    begins and ends with a brace, holds one object and nothing more is what keeps them apart.

    Raises:
        Malformed: it is none, or too long.
    """
    if len(signature) > MOST_BYTES or not is_assertion(signature):
        raise Malformed(field, f"must be one JSON object of at most {MOST_BYTES} bytes")
    told = _object(signature, field)
    if sorted(told) != sorted(("type", *_NAMES)) or told["type"] != "webauthn":
        raise Malformed(field, f"must have type webauthn, {', '.join(_NAMES)} and nothing more")
    parts = {name: from_url(told[name], f"{field}.{name}") for name in _NAMES}
    if len(parts["authenticator_data"]) < _LEAST_AUTHENTICATOR_DATA:
        raise Malformed(f"{field}.authenticator_data", "must have 37 bytes at least")
    client_data = _object(parts["client_data_json"], f"{field}.client_data_json")
    return Assertion(**parts, client_data=client_data)


def find_fault(assertion: Assertion, public_key: bytes, statement: bytes) -> str:
    """Return why an assertion does not sign a statement with a key, or an empty string.

    That the origin is the house's own is for whoever knows it to see; here it is seen that the
    passkey's domain is one of the origin's.
    """
    challenge = _to_url(hashlib.sha256(statement).digest())
    said = assertion.client_data
    checks = (
        (said.get("type") == "webauthn.get", "it is no assertion"),
        (said.get("challenge") == challenge, "it signs another statement"),
        (not said.get("crossOrigin"), "it was made inside a page of somebody else"),
        (assertion.rp_id_hash in _domains(assertion.origin), "its domain is not its origin's"),
        (assertion.is_present, "nobody was present"),
        (assertion.is_verified, "the user was not verified"),
        (is_signed_by(public_key, assertion), "the key it names did not make it"),
    )
    return next((fault for holds, fault in checks if not holds), "")


def is_signed_by(public_key: bytes, assertion: Assertion) -> bool:
    """Tell whether a COSE key in its canonical form made the signature of an assertion."""
    client_data = hashlib.sha256(assertion.client_data_json).digest()
    signed = assertion.authenticator_data + client_data
    try:
        if len(public_key) == EDDSA_BYTES and public_key.startswith(_EDDSA):
            key = Ed25519PublicKey.from_public_bytes(public_key[len(_EDDSA) :])
            key.verify(assertion.signature, signed)
            return True
        x, y = _point(public_key)
        numbers = EllipticCurvePublicNumbers(x, y, SECP256R1())
        numbers.public_key().verify(assertion.signature, signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def es256_key(x: bytes, y: bytes) -> bytes:
    """Return the COSE key of a point of P-256, 32 bytes each, in its canonical form."""
    return _ES256[0] + x + _ES256[1] + y


def eddsa_key(x: bytes) -> bytes:
    """Return the COSE key of a raw Ed25519 key in its canonical form."""
    return _EDDSA + x


def from_url(text: object, field: str) -> bytes:
    """Read base64url without padding (RFC 7515, section 2) in its one right form.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(text, str) or not text:
        raise Malformed(field, "must be a text in base64url")
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(field, "must be base64url") from error
    if _to_url(found) != text:
        raise Malformed(field, "must be base64url in its one right form, without padding")
    return found


def _to_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _object(data: bytes, field: str) -> dict[str, Any]:
    try:
        found = json.loads(data.decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise Malformed(field, "must be JSON in UTF-8") from error
    if not isinstance(found, dict):
        raise Malformed(field, "must be a JSON object")
    return found


def _point(public_key: bytes) -> tuple[int, int]:
    before_x, before_y = _ES256
    x, y = public_key[len(before_x) :][:32], public_key[-32:]
    if len(public_key) != ES256_BYTES or public_key != before_x + x + before_y + y:
        raise ValueError("neither ES256 nor EdDSA")
    return int.from_bytes(x, "big"), int.from_bytes(y, "big")


def _domains(origin: str) -> Iterator[bytes]:
    """Yield the SHA-256 of an origin's host and of each domain above it."""
    try:
        labels = (urlsplit(origin).hostname or "").split(".")
    except ValueError:
        return
    for number in range(len(labels)):
        yield hashlib.sha256(".".join(labels[number:]).encode()).digest()
