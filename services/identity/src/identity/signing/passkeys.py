"""Passkeys: what a browser made or signed with one, checked by py_webauthn and by our own rules.

What is accepted here must be provable later from a receipt alone, so an assertion also passes
the offline check of `proofs`, and a key is kept in the one form that check reads.
"""

import hashlib
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from kit.errors import FieldInvalid
from proofs import Malformed, passkeys
from proofs.passkeys import Assertion
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    parse_attestation_object,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey, DecodedOKPPublicKey
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AttestationFormat

from identity.domain.parties import SignatureInvalid, check_public_key
from identity.domain.signing_keys import Place, SigningKey

ALGORITHMS = (COSEAlgorithmIdentifier.ECDSA_SHA_256, COSEAlgorithmIdentifier.EDDSA)
_REFUSED = (WebAuthnException, LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""What py_webauthn raises: its own errors, and Python's where bytes are not of their form."""
_NAMES = ("credential_id", "client_data_json", "attestation_object")
_MOST_BYTES, _MOST_ID_BYTES = 8192, 1023


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey a browser made.

    Attributes:
        challenge: SHA-256 of the offer it was made for, 32 bytes.
        parts: what the browser answered, by name.
    """

    challenge: bytes
    parts: dict[str, bytes]

    @classmethod
    def parse(cls, credential: bytes, field: str) -> "Made":
        """Read what signing.js sends.

        Raises:
            FieldInvalid: it is something else.
        """
        rule = f"must be JSON of type webauthn.create with {', '.join(_NAMES)} in base64url"
        try:
            told = json.loads(credential) if len(credential) <= _MOST_BYTES else None
            if not isinstance(told, dict) or told.get("type") != "webauthn.create":
                raise FieldInvalid(field, rule)
            parts = {name: passkeys.from_url(told.get(name), f"{field}.{name}") for name in _NAMES}
            said = json.loads(parts["client_data_json"])
            challenge = said.get("challenge") if isinstance(said, dict) else None
            return cls(passkeys.from_url(challenge, f"{field}.client_data_json"), parts)
        except Malformed as error:
            raise FieldInvalid(error.field, error.rule) from error
        except (ValueError, RecursionError) as error:
            raise FieldInvalid(field, rule) from error

    def verify(self, place: Place, field: str) -> tuple[bytes, bytes, int]:
        """Return the id of the credential, its key in canonical form and its counter.

        Raises:
            FieldInvalid: it was not made at `place` by somebody the authenticator verified, or is
                neither ES256 nor EdDSA.
        """
        try:
            attested = parse_attestation_object(self.parts["attestation_object"])
            if attested.fmt != AttestationFormat.NONE:
                raise FieldInvalid(field, "must come with attestation none")
            found = verify_registration_response(
                credential=self._as_browser_says(),
                expected_challenge=self.challenge,
                expected_rp_id=place.rp_id,
                expected_origin=place.origin,
                require_user_verification=True,
                supported_pub_key_algs=list(ALGORITHMS),
            )
            public_key = _canonical(found.credential_public_key)
        except _REFUSED as error:
            raise FieldInvalid(field, f"is refused: {error}") from error
        stated = self.parts["credential_id"] == found.credential_id
        if not stated or not 0 < len(found.credential_id) <= _MOST_ID_BYTES:
            raise FieldInvalid(f"{field}.credential_id", "must be the id the authenticator gave")
        return found.credential_id, public_key, found.sign_count

    def _as_browser_says(self) -> dict[str, object]:
        named = bytes_to_base64url(self.parts["credential_id"])
        return {
            "id": named,
            "rawId": named,
            "type": "public-key",
            "response": {
                "clientDataJSON": bytes_to_base64url(self.parts["client_data_json"]),
                "attestationObject": bytes_to_base64url(self.parts["attestation_object"]),
            },
        }


def read(signature: bytes) -> Assertion:
    """Read a passkey's assertion. Raises FieldInvalid."""
    try:
        return passkeys.parse_assertion(signature)
    except Malformed as error:
        raise FieldInvalid(error.field, error.rule) from error


def verify(assertion: Assertion, key: SigningKey, statement: bytes, *, counted: bool = True) -> int:
    """Return the authenticator's counter if an assertion signs a statement with a passkey.

    With `counted` False the counter may stand still: the assertion was seen before.

    Raises:
        SignatureInvalid: another statement, domain, origin or key, nobody present or verified, or
            a counter that did not rise, as a copied authenticator's does not.
    """
    fault = passkeys.find_fault(assertion, key.public_key, statement)
    if fault:
        raise SignatureInvalid(f"the passkey's answer is refused: {fault}")
    named = bytes_to_base64url(assertion.credential_id)
    told = {
        "id": named,
        "rawId": named,
        "type": "public-key",
        "response": {
            "clientDataJSON": bytes_to_base64url(assertion.client_data_json),
            "authenticatorData": bytes_to_base64url(assertion.authenticator_data),
            "signature": bytes_to_base64url(assertion.signature),
        },
    }
    try:
        found = verify_authentication_response(
            credential=told,
            expected_challenge=hashlib.sha256(statement).digest(),
            expected_rp_id=key.rp_id,
            expected_origin=key.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count if counted else 0,
            require_user_verification=True,
        )
    except _REFUSED as error:
        raise SignatureInvalid(f"the passkey's answer is refused: {error}") from error
    return found.new_sign_count


def _canonical(cose: bytes) -> bytes:
    """Return a COSE key in the one form there is of it here.

    Raises:
        ValueError, FieldInvalid: another kind of key, or no point of its curve.
    """
    key = decode_credential_public_key(cose)
    if isinstance(key, DecodedOKPPublicKey) and key.alg == ALGORITHMS[1] and len(key.x) == 32:
        check_public_key(key.x)
        return passkeys.eddsa_key(key.x)
    if isinstance(key, DecodedEC2PublicKey) and len(key.x) == len(key.y) == 32:
        x, y = int.from_bytes(key.x, "big"), int.from_bytes(key.y, "big")
        EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
        return passkeys.es256_key(key.x, key.y)
    raise ValueError("the key is neither ES256 over P-256 nor EdDSA over Ed25519")
