"""Signed notes, and the heads of the log and cosignatures they carry.

Sources: C2SP signed-note, tlog-checkpoint and tlog-cosignature (c2sp.org).
"""

import base64
import hashlib
import re
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proofs.encoding import MOST, Malformed, decimal, decode
from proofs.tree import HASH_BYTES

ED25519, COSIGNATURE = 1, 4
"""Types of a signature: over the note's text; over a time and the note's text."""
_KEY_ID_BYTES, _PUBLIC_KEY_BYTES, _SIGNATURE_BYTES = 4, 32, 64
_MOST_SIGNATURES = 64
_KEY_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name it signs under.

    Attributes:
        kind: type of its signatures, `ED25519` or `COSIGNATURE`.
        public: raw Ed25519 public key, 32 bytes.
    """

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str, field: str = "key") -> "VerifierKey":
        """Read a C2SP verifier key, "name+id+base64".

        Raises:
            Malformed: it is something else, or its id is not that of the key.
        """
        name, key_id, key = (*text.split("+", 2), "", "")[:3]
        check_name(name, field)
        raw = decode(key, field, lengths=(1 + _PUBLIC_KEY_BYTES,))
        if raw[0] not in (ED25519, COSIGNATURE):
            raise Malformed(field, f"has a type of signature not known here, {raw[0]}")
        found = cls(name, raw[0], raw[1:])
        if not _KEY_ID.fullmatch(key_id) or bytes.fromhex(key_id) != found.key_id:
            raise Malformed(field, "has an id that is not the key's own")
        return found

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        key = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note."""

    name: str
    key_id: bytes
    content: bytes

    def __str__(self) -> str:
        return f"\u2014 {self.name} {base64.b64encode(self.key_id + self.content).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, its last newline included, and what signs it."""

    text: str
    signatures: tuple[Signature, ...]

    def is_signed(self, key: VerifierKey) -> bool:
        """Tell whether `key` signed the note; one false signature of it spoils the whole note."""
        ours = self._of(key)
        return bool(ours) and all(is_signed(key.public, one, self.text.encode()) for one in ours)

    def cosigned_at(self, key: VerifierKey) -> int | None:
        """Return when `key` last cosigned the note, in POSIX seconds; None if it did not."""
        times = [_read_cosignature(key, one, self.text) for one in self._of(key)]
        return max((at for at in times if at is not None), default=None)

    def _of(self, key: VerifierKey) -> list[bytes]:
        named = (key.name, key.key_id)
        return [one.content for one in self.signatures if (one.name, one.key_id) == named]


@dataclass(frozen=True, slots=True)
class Head:
    """How many leaves a log has, and the hash over them."""

    origin: str
    size: int
    root: bytes


def check_name(name: str, field: str) -> None:
    """See that a text can name a key.

    Raises:
        Malformed: it is empty, or holds a blank, a control character or a plus.
    """
    if not name or "+" in name or any(one.isspace() or ord(one) < 32 for one in name):
        raise Malformed(field, "must have a name that holds no blanks and no plus")


def parse_note(text: str, field: str = "checkpoint") -> Note:
    """Read a signed note; nothing is believed of it yet.

    Raises:
        Malformed: it is none.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Malformed(field, "must be UTF-8") from error
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not body or not lines.endswith("\n"):
        raise Malformed(field, "must be a text, an empty line and signatures")
    if any(ord(one) < 32 and one != "\n" for one in text):
        raise Malformed(field, "must not hold control characters")
    found = lines[:-1].split("\n")
    if len(found) > _MOST_SIGNATURES:
        raise Malformed(field, f"must have at most {_MOST_SIGNATURES} signatures")
    return Note(f"{body}\n", tuple(_read_line(line, field) for line in found))


def parse_head(note: Note, field: str = "checkpoint") -> Head:
    """Read the head of the log that a note's text states.

    Raises:
        Malformed: it states none.
    """
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or "" in lines:
        raise Malformed(field, "must state an origin, a size and a root")
    origin, size, root = lines[:3]
    return Head(origin, decimal(size, field), decode(root, field, lengths=(HASH_BYTES,)))


def open_head(checkpoint: str, key: VerifierKey, field: str = "checkpoint") -> Head | None:
    """Return the head a checkpoint states, or nothing unless the log of that key signed it.

    Raises:
        Malformed: it is no checkpoint.
    """
    note = parse_note(checkpoint, field)
    head = parse_head(note, field)
    ours = key.kind == ED25519 and head.origin == key.name
    return head if ours and note.is_signed(key) else None


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether an Ed25519 key signed a message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def cosigned_message(text: str, at: int) -> bytes:
    """Return what a witness signs over a checkpoint's text at a time in POSIX seconds."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def pack_cosignature(at: int, signature: bytes) -> bytes:
    """Return a time and the Ed25519 signature made at it as one signature of a note."""
    return struct.pack(">Q", at) + signature


def _read_cosignature(key: VerifierKey, content: bytes, text: str) -> int | None:
    if key.kind != COSIGNATURE or len(content) != 8 + _SIGNATURE_BYTES:
        return None
    at = int.from_bytes(content[:8], "big")
    signed = at <= MOST and is_signed(key.public, content[8:], cosigned_message(text, at))
    return at if signed else None


def _read_line(line: str, field: str) -> Signature:
    dash, name, content = (*line.split(" "), "", "", "")[:3]
    if dash != "\u2014" or line.count(" ") != 2:
        raise Malformed(field, "must have signature lines of a dash, a name and base64")
    check_name(name, field)
    raw = decode(content, field)
    if len(raw) <= _KEY_ID_BYTES:
        raise Malformed(field, "must have signatures that follow the id of a key")
    return Signature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])
