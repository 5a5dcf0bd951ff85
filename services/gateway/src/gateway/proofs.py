"""Receipts checked from outside: nothing is believed but the log's public key.

RFC 9162 section 2.1.3.2 for the inclusion proof, C2SP signed notes for the checkpoint.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_KEY_ID_BYTES = 4


class Receipt(Protocol):
    """What a receipt brings along."""

    statement: bytes
    signature: bytes
    public_key: bytes
    salt: bytes
    leaf_index: int
    checkpoint: str

    @property
    def inclusion_proof(self) -> Sequence[bytes]:
        """The hashes beside the path from the leaf to the root."""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head of the log."""

    origin: str
    size: int
    root: bytes


def check(receipt: Receipt, verifier_key: str) -> str:
    """Return why a receipt proves nothing, or an empty string when it does."""
    head = read_head(receipt.checkpoint, verifier_key)
    if head is None:
        return "the checkpoint is not signed by the log"
    parts = (receipt.salt, receipt.statement, receipt.signature, receipt.public_key)
    leaf = hashlib.sha256(b"".join(parts)).digest()
    if not is_included(leaf, receipt.leaf_index, receipt.inclusion_proof, head):
        return "the proof does not lead to the checkpoint"
    if receipt.signature and not _is_signed(
        receipt.public_key, receipt.signature, receipt.statement
    ):
        return "the statement is not signed with the key it names"
    return ""


def is_included(data: bytes, index: int, proof: Sequence[bytes], head: Head) -> bool:
    """Tell whether the leaf that holds `data` is number `index` of the tree `head` names."""
    if not 0 <= index < head.size:
        return False
    number, last = index, head.size - 1
    found = hashlib.sha256(b"\0" + data).digest()
    for beside in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = hashlib.sha256(b"\1" + beside + found).digest()
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            found = hashlib.sha256(b"\1" + found + beside).digest()
        number >>= 1
        last >>= 1
    return last == 0 and found == head.root


def read_head(checkpoint: str, verifier_key: str) -> Head | None:
    """Return the head a checkpoint states, or nothing unless the log of that key signed it."""
    try:
        origin, key_id, key = verifier_key.split("+", 2)
        public = base64.b64decode(key, validate=True)[1:]
        body, _, notes = checkpoint.partition("\n\n")
        stated, size, root = (body + "\n").split("\n")[:3]
        head = Head(stated, int(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error):
        return None
    signatures = [_read_note(note, origin) for note in notes.splitlines()]
    for signature in signatures if stated == origin else ():
        ours = signature[:_KEY_ID_BYTES].hex() == key_id
        if ours and _is_signed(public, signature[_KEY_ID_BYTES:], (body + "\n").encode()):
            return head
    return None


def _read_note(note: str, name: str) -> bytes:
    """Return the signature one line of a note holds, nothing unless it is of that name."""
    words = note.split(" ")
    if len(words) != 3 or words[1] != name:
        return b""
    try:
        return base64.b64decode(words[2], validate=True)
    except binascii.Error:
        return b""


def _is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
