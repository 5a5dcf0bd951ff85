"""The last head a witness cosigned, in a file that survives it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import proofs
from proofs import Head, Note, VerifierKey

from identity.signing.cosignatures import Cosigner
from identity.witness.protocol import nothing_seen


class StateBroken(ValueError):
    """The file of the last head is not one this witness wrote of this log."""


class Memory:
    """The last head, as the checkpoint itself with the cosignature on it.

    A file that is not signed by both the log and the witness is refused: whoever wants the
    witness to forget must have its key. The file itself must not be lost: without it the witness
    begins anew, and would believe another history.
    """

    def __init__(self, path: Path, log_key: VerifierKey, witness_key: VerifierKey) -> None:
        self._path, self._log_key, self._witness_key = path, log_key, witness_key
        self.head, self.checkpoint = self._load()

    def keep(self, head: Head, checkpoint: str) -> None:
        """Replace what is remembered; when this returns it is on disk, whole.

        Raises:
            OSError: it could not be written; the old head is still the last one.
        """
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(checkpoint)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _sync(self._path.parent)
        self.head, self.checkpoint = head, checkpoint

    def _load(self) -> tuple[Head, str]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return nothing_seen(self._log_key.name), ""
        except UnicodeDecodeError as error:
            raise StateBroken(f"{self._path} is no checkpoint") from error
        try:
            note = proofs.parse_note(text, str(self._path))
            head = proofs.parse_head(note, str(self._path))
        except proofs.Malformed as error:
            raise StateBroken(str(error)) from error
        if head.origin != self._log_key.name or not note.is_signed(self._log_key):
            raise StateBroken(f"{self._path} is not signed by the log")
        if note.cosigned_at(self._witness_key) is None:
            raise StateBroken(f"{self._path} is not cosigned by this witness")
        return head, text


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a lock beside the file of the last head until the block ends.

    Raises:
        StateBroken: another process holds it; two would each allow a history of its own.
    """
    with path.with_name(f"{path.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateBroken(f"another witness uses {path}") from error
        yield


def cosigned(note: Note, log_key: VerifierKey, cosigner: Cosigner, *, at: int) -> tuple[str, str]:
    """Return a note with the log's and the witness's signatures only, and the latter's line."""
    line = str(cosigner.sign(note.text, at=at))
    ours = (log_key.name, log_key.key_id)
    kept = [str(one) for one in note.signatures if (one.name, one.key_id) == ours]
    return f"{note.text}\n{''.join(kept)}{line}", line


def _sync(folder: Path) -> None:
    """See that a file's new name is on disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
