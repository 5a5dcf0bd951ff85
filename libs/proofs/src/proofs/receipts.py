"""Receipts checked from outside: nothing is believed but the log's public key."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proofs import passkeys, statements
from proofs.encoding import Malformed, check_length, decimal, decode
from proofs.notes import VerifierKey, is_signed, open_head, parse_head, parse_note
from proofs.tree import is_included, leaf_hash

_SALT = (32,)
_PUBLIC_KEY = (0, 32, passkeys.EDDSA_BYTES, passkeys.ES256_BYTES)
_TEXTS = ("id", "kind", "subject_id", "checkpoint", "issued_at")


class Receipt(Protocol):
    """What a receipt brings along: a message of identity, or a file."""

    @property
    def kind(self) -> str:
        """What was agreed."""

    @property
    def subject_id(self) -> str:
        """What it is about."""

    @property
    def statement(self) -> bytes:
        """What was said."""

    @property
    def signature(self) -> bytes:
        """Ed25519 over the statement, 64 bytes, or a passkey's assertion in JSON; or none."""

    @property
    def public_key(self) -> bytes:
        """The key it verifies with: raw, 32 bytes, or a passkey's COSE key; or none."""

    @property
    def salt(self) -> bytes:
        """32 bytes nobody can guess."""

    @property
    def leaf_index(self) -> int:
        """Its position in the log, from 0."""

    @property
    def inclusion_proof(self) -> Sequence[bytes]:
        """The hashes beside the path from the leaf to the root, 32 bytes each."""

    @property
    def checkpoint(self) -> str:
        """The signed head of the log that covers it."""


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt as the API answers with it."""

    id: str
    kind: str
    subject_id: str
    statement: bytes
    signature: bytes
    public_key: bytes
    salt: bytes
    leaf_index: int
    inclusion_proof: tuple[bytes, ...]
    checkpoint: str
    issued_at: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        what: was checked, as a noun.
        fault: why it does not hold; empty when it does.
        remark: what the check could not cover.
    """

    what: str
    fault: str = ""
    remark: str = ""


def check(receipt: Receipt, verifier_key: str) -> str:
    """Return why a receipt proves nothing, or an empty string when it does."""
    try:
        found = examine(receipt, VerifierKey.parse(verifier_key))
    except Malformed as error:
        return str(error)
    return next((one.fault for one in found if one.fault), "")


def examine(receipt: Receipt, key: VerifierKey) -> list[Check]:
    """Return everything that was checked of a receipt; it proves what it states if all holds.

    `id` and `issued_at` are the house's own notes: no leaf covers them.

    Raises:
        Malformed: a field cannot be what it claims to be.
    """
    check_length(receipt.salt, "salt", _SALT)
    _check_form(receipt.signature, receipt.public_key)
    for number, step in enumerate(receipt.inclusion_proof):
        check_length(step, f"inclusion_proof[{number}]", (32,))
    return [
        _check_checkpoint(receipt, key),
        _check_place(receipt),
        _check_signature(receipt),
        *_check_statement(receipt),
    ]


def parse_receipt(text: str) -> ReceiptFile:
    """Read the JSON of GET /v1/receipts/{id}: the whole answer, or the receipt in it.

    A field that is missing has its type's default, as in proto3's JSON.

    Raises:
        Malformed: it is something else; names the field.
    """
    try:
        whole = json.loads(text, object_pairs_hook=statements.unique)
    except (ValueError, RecursionError) as error:
        raise Malformed("receipt", f"must be JSON: {error}") from error
    inner = whole.get("receipt", whole) if isinstance(whole, dict) else None
    if not isinstance(inner, dict) or not {"statement", "checkpoint"} & inner.keys():
        raise Malformed("receipt", "must be the answer of GET /v1/receipts/{id}")
    if not inner.get("statement"):
        raise Malformed("statement", "must not be empty")
    texts = {name: _text(inner, name) for name in _TEXTS}
    path = inner.get("inclusion_proof", [])
    if not isinstance(path, list) or not all(isinstance(step, str) for step in path):
        raise Malformed("inclusion_proof", "must be a list of base64 texts")
    steps = (decode(one, f"inclusion_proof[{n}]", lengths=(32,)) for n, one in enumerate(path))
    signature = decode(_text(inner, "signature"), "signature")
    public_key = decode(_text(inner, "public_key"), "public_key")
    _check_form(signature, public_key)
    return ReceiptFile(
        statement=decode(_text(inner, "statement"), "statement"),
        signature=signature,
        public_key=public_key,
        salt=decode(_text(inner, "salt"), "salt", lengths=_SALT),
        leaf_index=decimal(str(inner.get("leaf_index", "0")), "leaf_index"),
        inclusion_proof=tuple(steps),
        **texts,
    )


def _check_checkpoint(receipt: Receipt, key: VerifierKey) -> Check:
    what = "the log's signature on the checkpoint"
    if open_head(receipt.checkpoint, key) is None:
        return Check(what, "the checkpoint is not signed by the log")
    return Check(what)


def _check_place(receipt: Receipt) -> Check:
    """Check the inclusion proof against the head the checkpoint states, signed or not."""
    head = parse_head(parse_note(receipt.checkpoint))
    what = f"the receipt's place in the log, leaf {receipt.leaf_index} of {head.size}"
    parts = (receipt.salt, receipt.statement, receipt.signature, receipt.public_key)
    leaf = leaf_hash(hashlib.sha256(b"".join(parts)).digest())
    if not is_included(leaf, receipt.leaf_index, head.size, receipt.inclusion_proof, head.root):
        return Check(what, "the proof does not lead to the checkpoint")
    return Check(what)


def _check_form(signature: bytes, public_key: bytes) -> None:
    """See that a signature and its key are of one form. Raises Malformed."""
    check_length(public_key, "public_key", _PUBLIC_KEY)
    if len(public_key) > 32:
        passkeys.parse_assertion(signature)
    else:
        check_length(signature, "signature", (0, 64))


def _check_signature(receipt: Receipt) -> Check:
    what = "the signature on the statement"
    if not receipt.signature and not receipt.public_key:
        return Check(what, remark="nobody signed it: it is the house's own word")
    if len(receipt.public_key) > 32:
        return _check_passkey(receipt, what)
    if not is_signed(receipt.public_key, receipt.signature, receipt.statement):
        return Check(what, "the statement is not signed with the key it names")
    return Check(what, remark=f"made with the key {receipt.public_key.hex()}")


def _check_passkey(receipt: Receipt, what: str) -> Check:
    assertion = passkeys.parse_assertion(receipt.signature)
    fault = passkeys.find_fault(assertion, receipt.public_key, receipt.statement)
    if fault:
        return Check(what, f"the passkey's assertion proves nothing: {fault}")
    key = receipt.public_key.hex()
    return Check(what, remark=f"made at {assertion.origin} with the passkey {key}")


def _check_statement(receipt: Receipt) -> Iterator[Check]:
    """Check that what the receipt says of its statement is what the statement says."""
    what = "what the receipt says of its statement"
    said = statements.read(receipt.statement)
    if said is None:
        yield Check(what, "the statement is neither a JSON object with a type nor a revocation")
        return
    forms = statements.FORMS.get(said["type"])
    if forms is None:
        yield Check(what, remark=f"kind and subject are not checked: {said['type']} is not known")
        return
    yield Check(what, *_differences(receipt, said, forms))


def _differences(
    receipt: Receipt, said: Mapping[str, Any], forms: Sequence[statements.Form]
) -> tuple[str, str]:
    """Return a fault and a remark."""
    kinds = " or ".join(dict.fromkeys(form.kind for form in forms))
    fitting = [form for form in forms if form.kind == receipt.kind]
    if not fitting:
        return f"kind: a statement of type {said['type']} makes a receipt of {kinds}", ""
    if all(form.signed for form in fitting) and not receipt.signature:
        return f"signature: a statement of type {said['type']} is never without one", ""
    names = [form.subject for form in fitting if form.subject]
    if not names:
        return "", "subject_id is not in the statement"
    if not any(_is_about(said.get(name), receipt.subject_id) for name in names):
        return f"subject_id: the statement's {' or '.join(names)} is another", ""
    return "", ""


def _is_about(told: object, subject_id: str) -> bool:
    """Tell whether a field of a statement is a subject, or a list of consents it is one of."""
    named = told if isinstance(told, list) else [told]
    ids = (one.get("consent_id") if isinstance(one, dict) else one for one in named)
    return subject_id in ids


def _text(fields: Mapping[str, Any], name: str) -> str:
    found = fields.get(name, "")
    if not isinstance(found, str):
        raise Malformed(name, "must be a text")
    return found
