"""What a witness is asked, and what it answers. Source: C2SP tlog-witness (c2sp.org)."""

from dataclasses import dataclass
from http import HTTPStatus

import proofs
from proofs import Head, Malformed, Note, VerifierKey
from proofs.encoding import decimal, decode
from proofs.tree import EMPTY_ROOT

_MOST_STEPS = 63
_OLD = "old "


class Refused(Exception):
    """A head that is not cosigned, with the status that says why."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Behind(Refused):
    """The caller's older head is not the last one cosigned, which has `size` leaves."""

    def __init__(self, size: int) -> None:
        super().__init__(HTTPStatus.CONFLICT, f"{size}\n")
        self.size = size


@dataclass(frozen=True, slots=True)
class Submission:
    """A head to cosign, and the proof that it follows from one of `old_size` leaves."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    head: Head


def parse(body: str) -> Submission:
    """Read the body of an add-checkpoint request.

    Raises:
        Malformed: it is none.
    """
    stated, blank, checkpoint = body.partition("\n\n")
    if not blank:
        raise Malformed("body", "must be an old size, a proof, an empty line and a checkpoint")
    first, *lines = stated.split("\n")
    if not first.startswith(_OLD):
        raise Malformed("old", 'must be the first line, "old <size>"')
    if len(lines) > _MOST_STEPS:
        raise Malformed("proof", f"must have at most {_MOST_STEPS} lines")
    steps = (decode(line, f"proof[{n}]", lengths=(32,)) for n, line in enumerate(lines))
    old_size, proof = decimal(first.removeprefix(_OLD), "old"), tuple(steps)
    note = proofs.parse_note(checkpoint)
    return Submission(old_size, proof, note, proofs.parse_head(note))


def check(asked: Submission, key: VerifierKey, seen: Head) -> None:
    """See that a head is the log's and follows from the last one seen.

    Args:
        key: of the log.
        seen: the last head cosigned; an empty one before the first.

    Raises:
        Refused, Behind: in the order and with the status of the specification.
    """
    head = asked.head
    if head.origin != key.name:
        raise Refused(HTTPStatus.NOT_FOUND, "this log is not known here")
    if not asked.note.is_signed(key):
        raise Refused(HTTPStatus.FORBIDDEN, "the checkpoint is not signed by the log")
    if asked.old_size > head.size:
        raise Refused(HTTPStatus.BAD_REQUEST, "the old size is larger than the checkpoint's")
    if asked.old_size != seen.size:
        raise Behind(seen.size)
    if fault := proofs.find_fork(seen, head, asked.proof):
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, fault)


def nothing_seen(origin: str) -> Head:
    """Return the head every log begins with."""
    return Head(origin, 0, EMPTY_ROOT)
