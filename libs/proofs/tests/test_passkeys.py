"""A passkey's assertion checked offline, each of its rules alone."""

import pytest
from house.passkeys import PRESENT, VERIFIED, Passkey
from proofs.passkeys import find_fault, parse_assertion

SAID = b'{"type":"sosia.consent/1"}'


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_each_rule_is_checked_without_the_house(algorithm: str) -> None:
    passkey = Passkey(algorithm)

    def fault(signature: bytes, key: bytes = passkey.public_key) -> str:
        return find_fault(parse_assertion(signature), key, SAID)

    assert fault(passkey.sign(SAID)) == ""
    assert "another statement" in fault(passkey.sign(SAID + b" "))
    assert "not verified" in fault(passkey.sign(SAID, flags=PRESENT))
    assert "present" in fault(passkey.sign(SAID, flags=VERIFIED))
    assert "origin" in fault(passkey.sign(SAID, origin="https://elsewhere.example"))
    assert "assertion" in fault(passkey.sign(SAID, type="webauthn.create"))
    assert "somebody else" in fault(passkey.sign(SAID, crossOrigin=True))
    assert "did not make it" in fault(passkey.sign(SAID), Passkey(algorithm).public_key)
