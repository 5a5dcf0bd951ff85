"""Receipts of every kind, and what becomes of one when anything in it is changed."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from proofs import Malformed, VerifierKey, check, examine, parse_receipt
from proofs.notes import ED25519, Signature
from proofs.receipts import ReceiptFile
from proofs.tree import leaf_hash, node_hash

LOG = Ed25519PrivateKey.generate()
KEY = VerifierKey("log", ED25519, LOG.public_key().public_bytes_raw())
TALENT = Ed25519PrivateKey.generate()
BESIDE = leaf_hash(b"another receipt")
STATED: dict[str, tuple[str, str]] = {
    '{"consent_id":"con_1","type":"sosia.consent/1"}': ("consent_signed", "con_1"),
    '{"consent_id":"con_1","type":"sosia.consent-withdrawal/1"}': ("consent_withdrawn", "con_1"),
    '{"agency_id":"pty_1","type":"sosia.representation/1"}': ("representation_agreed", "rep_1"),
    '{"license_id":"lic_1","type":"sosia.license/1"}': ("license_signed", "lic_1"),
    "revoke:lic_1": ("license_revoked", "lic_1"),
    '{"render_id":"rnd_1","type":"sosia.approval/1"}': ("approval_decided", "rnd_1"),
}
FALLEN = '{"license_id":"lic_1","type":"sosia.license-revocation/1"}'


def in_log(receipt: ReceiptFile) -> ReceiptFile:
    """Return a receipt as the second and last leaf of a log, whatever it says."""
    parts = receipt.salt + receipt.statement + receipt.signature + receipt.public_key
    root = node_hash(BESIDE, leaf_hash(hashlib.sha256(parts).digest()))
    text = f"log\n2\n{base64.b64encode(root).decode()}\n"
    line = Signature("log", KEY.key_id, LOG.sign(text.encode()))
    return replace(receipt, checkpoint=f"{text}\n{line}")


def a_receipt(statement: str, kind: str, subject: str, *, signed: bool = True) -> ReceiptFile:
    said = statement.encode()
    signature = TALENT.sign(said) if signed else b""
    key = TALENT.public_key().public_bytes_raw() if signed else b""
    fields = ("rcp_1", kind, subject, said, signature, key, bytes(range(32)))
    return in_log(ReceiptFile(*fields, 1, (BESIDE,), "", "2030-01-01T00:00:00Z"))


def signed_receipt() -> ReceiptFile:
    statement, (kind, subject) = next(iter(STATED.items()))
    return a_receipt(statement, kind, subject)


def as_json(receipt: ReceiptFile) -> dict[str, Any]:
    """Write a receipt as the API does."""
    made: dict[str, Any] = {}
    for name in ReceiptFile.__dataclass_fields__:
        value = getattr(receipt, name)
        made[name] = base64.b64encode(value).decode() if isinstance(value, bytes) else value
    made["leaf_index"] = str(receipt.leaf_index)
    made["inclusion_proof"] = [base64.b64encode(one).decode() for one in receipt.inclusion_proof]
    return made


@pytest.mark.parametrize("statement", STATED)
def test_a_receipt_of_every_kind_proves_what_it_states(statement: str) -> None:
    receipt = a_receipt(statement, *STATED[statement])
    assert [one.fault for one in examine(receipt, KEY)] == [""] * 4
    assert check(receipt, str(KEY)) == ""
    assert "kind" in check(replace(receipt, kind="consent_forged"), str(KEY))
    unsigned = a_receipt(statement, *STATED[statement], signed=False)
    assert "never without one" in check(unsigned, str(KEY))
    subject = check(replace(receipt, subject_id="x"), str(KEY))
    assert ("subject_id" in subject) == ("representation" not in statement)


@pytest.mark.parametrize(
    ("statement", "kind", "about"),
    [
        (
            '{"consent_id":"con_2","supersedes":"con_1","type":"sosia.consent/1"}',
            "consent_superseded",
            ["con_1"],
        ),
        (
            '{"also_withdraws":[{"consent_id":"con_1","withdrawal_policy":"end_now"},'
            '{"consent_id":"con_0","withdrawal_policy":"end_now"}],"consent_id":"con_2",'
            '"type":"sosia.consent-withdrawal/1"}',
            "consent_withdrawn",
            ["con_2", "con_1", "con_0"],
        ),
    ],
)
def test_one_signature_makes_a_receipt_for_each_consent_it_changes(
    statement: str, kind: str, about: list[str]
) -> None:
    for subject in about:
        assert check(a_receipt(statement, kind, subject), str(KEY)) == ""
    assert "subject_id" in check(a_receipt(statement, kind, "con_9"), str(KEY))
    assert "kind" in check(a_receipt(statement, "license_signed", about[0]), str(KEY))


def test_what_follows_from_a_withdrawal_is_the_houses_own_word() -> None:
    receipt = a_receipt(FALLEN, "license_revoked", "lic_1", signed=False)
    found = examine(receipt, KEY)
    assert not any(one.fault for one in found)
    assert "the house's own word" in found[2].remark


def test_a_statement_of_a_type_to_come_is_proven_but_its_kind_is_not() -> None:
    found = examine(a_receipt('{"type":"sosia.later/1"}', "anything", "x"), KEY)
    assert not any(one.fault for one in found)
    assert "not checked: sosia.later/1" in found[3].remark


@pytest.mark.parametrize("moved", ["signature", "key"])
def test_the_end_of_a_statement_cannot_be_moved_over_its_signature(moved: str) -> None:
    """The leaf is the same: it covers statement, signature and key as one run of bytes."""
    honest = signed_receipt()
    if moved == "signature":
        content = honest.statement + honest.signature + honest.public_key
        shifted = replace(honest, statement=content, signature=b"", public_key=b"")
    else:
        content = honest.statement + honest.signature
        shifted = replace(honest, statement=content, signature=b"")
    found = examine(shifted, KEY)
    assert not found[1].fault, "the tree alone does not tell them apart"
    assert "neither a JSON object" in found[3].fault
    assert check(shifted, str(KEY))


@pytest.mark.parametrize(
    "statement",
    [
        '{"consent_id":"con_1","consent_id":"con_1","type":"sosia.consent/1"}',
        '{"consent_id":NaN,"type":"sosia.consent/1"}',
        '["sosia.consent/1"]',
        '{"consent_id":"con_1"}',
        '{"type":1}',
        "revoke:",
        "revoke:lic_1\n",
        "[" * 100_000,
        "\ufeff{}",
    ],
)
def test_what_can_be_read_in_two_ways_is_no_statement(statement: str) -> None:
    receipt = a_receipt(statement, "consent_signed", "con_1")
    assert "neither a JSON object" in examine(receipt, KEY)[3].fault


def test_a_file_is_read_whole_or_without_its_wrapping() -> None:
    receipt = signed_receipt()
    for content in ({"receipt": as_json(receipt)}, as_json(receipt)):
        assert parse_receipt(json.dumps(content)) == receipt
    unsigned = a_receipt(FALLEN, "license_revoked", "lic_1", signed=False)
    bare = {key: value for key, value in as_json(unsigned).items() if value}
    assert parse_receipt(json.dumps(bare)) == unsigned


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("salt", "AAAA", "32 bytes, has 3"),
        ("salt", "", "32 bytes, has 0"),
        ("salt", 5, "a text"),
        ("signature", "AAAA", "0 or 64 bytes"),
        ("public_key", "AAAA", "0 or 32 or 42 or 77 bytes"),
        ("statement", "A", "base64"),
        ("statement", "\u00e9", "base64"),
        ("statement", "", "not be empty"),
        ("statement", "e31=", "one right form"),
        ("leaf_index", "-1", "decimal"),
        ("leaf_index", "01", "decimal"),
        ("leaf_index", 1.5, "decimal"),
        ("leaf_index", True, "decimal"),
        ("leaf_index", str(2**63), "decimal"),
        ("inclusion_proof", "AAAA", "list"),
        ("inclusion_proof", [5], "list"),
        ("inclusion_proof[0]", ["AAAA"], "32 bytes"),
        ("checkpoint", "", "signatures"),
        ("checkpoint", None, "a text"),
        ("kind", [], "a text"),
    ],
)
def test_a_malformed_field_is_named_with_its_rule(field: str, value: Any, rule: str) -> None:
    content = as_json(signed_receipt()) | {field.partition("[")[0]: value}
    with pytest.raises(Malformed, match=rule) as caught:
        examine(parse_receipt(json.dumps(content)), KEY)
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"receipt":5}', "[" * 100_000, '"a"'])
def test_what_is_no_receipt_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Malformed, match="receipt: "):
        parse_receipt(text)


def test_a_field_that_stands_twice_is_refused() -> None:
    inner = json.dumps(as_json(signed_receipt()))
    with pytest.raises(Malformed, match="twice"):
        parse_receipt('{"kind":"consent_withdrawn",' + inner[1:])


@pytest.mark.parametrize(
    "field", ["statement", "signature", "public_key", "salt", "checkpoint", "kind", "subject_id"]
)
def test_no_byte_of_a_field_can_be_another(field: str) -> None:
    honest = signed_receipt()
    whole = getattr(honest, field)
    for at in range(len(whole)):
        if isinstance(whole, bytes):
            changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        else:
            changed = whole[:at] + chr(ord(whole[at]) ^ 1) + whole[at + 1 :]
        assert check(replace(honest, **{field: changed}), str(KEY)), (field, at)


def test_no_other_place_in_the_log_and_no_other_path_will_do() -> None:
    honest = signed_receipt()
    for index in (0, 2, 3):
        assert "does not lead" in check(replace(honest, leaf_index=index), str(KEY))
    for path in ((), (BESIDE, BESIDE), (bytes(32),)):
        assert "does not lead" in check(replace(honest, inclusion_proof=path), str(KEY))
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert "not signed by the log" in check(honest, str(VerifierKey("log", ED25519, other)))
