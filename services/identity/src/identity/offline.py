"""verify-receipt and verify-checkpoint: no settings, no database, no network, only a public key.

They say in lines what was checked and return 0 when all of it holds, 1 when something does not,
2 when a file or a key cannot be what it should be.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

import proofs
from proofs import Check, Head, Malformed, Note, VerifierKey
from proofs.encoding import decode

_MOST_BYTES = 2**22
_MOST_STEPS = 63


class Stated(NamedTuple):
    """A checkpoint as a file has it, with the proof that came along."""

    note: Note
    head: Head
    proof: tuple[bytes, ...]


def verify_receipt(arguments: list[str]) -> int:
    """Check a receipt file; return the exit code."""
    parser = _parser("verify-receipt", "Check a receipt offline.")
    parser.add_argument("file", type=Path, help="what GET /v1/receipts/{id} answered")
    parser.add_argument("--witness-key", help="public key of a witness that must have cosigned")
    given = parser.parse_args(arguments)
    try:
        key = VerifierKey.parse(given.key)
        receipt = proofs.parse_receipt(_read(given.file, "receipt"))
        found = proofs.examine(receipt, key)
        if given.witness_key:
            witness = VerifierKey.parse(given.witness_key, "witness-key")
            found.append(_check_cosigned(proofs.parse_note(receipt.checkpoint), witness))
    except Malformed as error:
        return _refuse(error)
    _say(f"{receipt.kind} of {receipt.subject_id}, receipt {receipt.id}")
    code = _report(found, "this receipt")
    _say("no proof covers id and issued_at: they are the house's own notes")
    return code


def verify_checkpoint(arguments: list[str]) -> int:
    """Check a head of the log, and one more against it; return the exit code."""
    parser = _parser("verify-checkpoint", "Check a head of the log offline.")
    parser.add_argument("file", type=Path, help="what GET /v1/log/checkpoint answered, or a note")
    parser.add_argument("--older", type=Path, help="an older head, which this one must follow from")
    parser.add_argument("--witness-key", help="public key of a witness that must have cosigned")
    given = parser.parse_args(arguments)
    try:
        key = VerifierKey.parse(given.key)
        witness = VerifierKey.parse(given.witness_key, "witness-key") if given.witness_key else None
        stated = _read_stated(given.file, "checkpoint")
        older = _read_stated(given.older, "older") if given.older else None
    except Malformed as error:
        return _refuse(error)
    found = [_check_signed(stated, key, "the log's signature on the head")]
    if older is not None:
        found.append(_check_signed(older, key, "the log's signature on the older head"))
        fault = proofs.find_fork(older.head, stated.head, stated.proof)
        found.append(Check("that the log only grew since the older head", fault))
    if witness is not None:
        found.append(_check_cosigned(stated.note, witness))
    _say(f"a head of {stated.head.origin} with {stated.head.size} leaves")
    return _report(found, "this head")


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m identity {command}", description=description)
    parser.add_argument("--key", required=True, help="the log's public key, name+id+base64")
    return parser


def _check_signed(stated: Stated, key: VerifierKey, what: str) -> Check:
    ours = stated.head.origin == key.name and stated.note.is_signed(key)
    return Check(what, "" if ours else "it is not signed by the log")


def _check_cosigned(note: Note, witness: VerifierKey) -> Check:
    what, at = f"the cosignature of {witness.name}", note.cosigned_at(witness)
    if at is None:
        return Check(what, "the witness did not cosign this head")
    try:
        when = datetime.fromtimestamp(at, UTC).isoformat()
    except (OverflowError, ValueError):
        return Check(what, f"it was made at no time there is, {at}")
    return Check(what, remark=f"made at {when}")


def _read_stated(path: Path, field: str) -> Stated:
    """Read the JSON of GET /v1/log/checkpoint, or the checkpoint alone.

    Raises:
        Malformed: it is neither; names the field.
    """
    text, steps = _read(path, field), []
    if text.lstrip().startswith("{"):
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Malformed(field, f"must be JSON or a note: {error}") from error
        text, steps = answer.get("checkpoint"), answer.get("consistency_proof", [])
        if not isinstance(text, str):
            raise Malformed(field, "must have a checkpoint that is a text")
        if not isinstance(steps, list) or len(steps) > _MOST_STEPS:
            raise Malformed("consistency_proof", f"must be a list of at most {_MOST_STEPS}")
    note = proofs.parse_note(text, field)
    return Stated(note, proofs.parse_head(note, field), tuple(_steps(steps)))


def _steps(steps: Sequence[object]) -> list[bytes]:
    names = [f"consistency_proof[{number}]" for number in range(len(steps))]
    return [decode(str(step), name, lengths=(32,)) for step, name in zip(steps, names, strict=True)]


def _read(path: Path, field: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Malformed(field, f"cannot be read from {path}: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise Malformed(field, f"must have at most {_MOST_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Malformed(field, "must be UTF-8") from error


def _report(found: Sequence[Check], thing: str) -> int:
    """Say what was checked; return 0 if all of it holds, else 1."""
    for one in found:
        remark = f" ({one.remark})" if one.remark else ""
        _say(f"{'FAILS' if one.fault else 'holds'}  {one.what}{remark}")
    faults = [one.fault for one in found if one.fault]
    for fault in faults:
        _say(f"{thing} proves nothing: {fault}")
    if not faults:
        _say(f"{thing} is proven")
    return 1 if faults else 0


def _refuse(error: Malformed) -> int:
    _say(str(error), sys.stderr)
    return 2


def _say(line: str, to: TextIO | None = None) -> None:
    """Print a line; what a file brought along cannot steer the terminal."""
    plain = (one if one.isascii() and one.isprintable() else ascii(one)[1:-1] for one in line)
    print("".join(plain), file=to or sys.stdout)
