"""A consent is read and signed from the command line, over the public API."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from identity import consenting

ACTIVE, PROPOSED, WITHDRAWN = 2, 1, 3


@pytest.fixture
def pem(tmp_path: Path) -> Any:
    """Write somebody's private key as OpenSSL does."""

    def write(person: Any) -> Path:
        file = tmp_path / f"{person.id}.pem"
        held = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        file.write_bytes(person.key.private_bytes(*held))
        return file

    return write


async def ran(web: Any, consent: Any, talent: Any, key: Path, *more: str, word: str = "yes") -> int:
    """Run the command on behalf of a talent, who answers with a word."""
    secret = key.parent / "api-key"
    secret.write_text(await web.key_of(talent))
    arguments = [consent.id, "--key", str(key), "--url", web.url, "--key-file", str(secret), *more]
    return await consenting.run(arguments, ask=lambda _: word)


async def state(web: Any, consent: Any) -> int:
    asked = web.desk.ask(web.desk.staff, "GetConsent", consent_id=consent.id)
    return int((await asked).consent.state)


async def test_she_reads_signs_and_withdraws_with_her_own_key(
    web: Any, pem: Any, capsys: Any
) -> None:
    talent = await web.desk.party("talent")
    consent = await web.desk.proposed(talent)
    key = pem(talent)
    assert await ran(web, consent, talent, key, word="no") == 1
    assert await state(web, consent) == PROPOSED
    assert await ran(web, consent, talent, key) == 0
    assert await state(web, consent) == ACTIVE
    said = capsys.readouterr().out
    assert consent.text.rstrip() in said
    assert "receipt rcp_" in said
    assert await ran(web, consent, talent, key, "--withdraw", "--yes", word="no") == 0
    assert await state(web, consent) == WITHDRAWN
    assert await ran(web, consent, talent, key, "--yes") == 0  # the same command: as before
    assert await state(web, consent) == WITHDRAWN


async def test_another_key_is_refused_and_no_key_signs_nothing(
    web: Any, pem: Any, tmp_path: Path, capsys: Any
) -> None:
    talent, other = await web.desk.party("talent"), await web.desk.party("talent")
    consent = await web.desk.proposed(talent)
    assert await ran(web, consent, talent, pem(other)) == 1
    assert "SIGNATURE_INVALID" in capsys.readouterr().err
    (tmp_path / "none.pem").write_text("no key")
    assert await ran(web, consent, talent, tmp_path / "none.pem") == 2
    assert "no private key in PEM" in capsys.readouterr().err
    assert await ran(web, consent, other, pem(talent)) == 2
    assert f"no consent {consent.id}" in capsys.readouterr().err
    assert await state(web, consent) == PROPOSED


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("text", "You allow nothing at all."),
        ("statement", {"consent_id": "con_other"}),
        ("statement", {"type": "sosia.erasure/1"}),
        ("withdrawal_statement", {"type": "sosia.consent/1"}),
    ],
)
def test_nothing_but_what_is_shown_is_signed(field: str, changed: Any) -> None:
    """A house that shows one text and has another signed is found out on her own machine."""
    text = "You allow pictures."
    said = {"type": "sosia.consent/1", "consent_id": "con_1"}
    said["text_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    taken_back = {"type": "sosia.consent-withdrawal/1", "consent_id": "con_1"}
    consent = {"text": text, "statement": said, "withdrawal_statement": taken_back}
    withdraw = field == "withdrawal_statement"
    assert consenting.check(_sent(consent), "con_1", withdraw=withdraw)
    old: Any = consent[field]
    new = changed if field == "text" else old | changed
    with pytest.raises(consenting.NotSigned, match=field):
        consenting.check(_sent(consent | {field: new}), "con_1", withdraw=withdraw)


def _sent(consent: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        if isinstance(value, str)
        else base64.b64encode(json.dumps(value).encode()).decode()
        for name, value in consent.items()
    }
