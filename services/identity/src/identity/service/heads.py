"""Collects the cosignatures of witnesses, and hands them out. Each method is one transaction."""

from datetime import UTC, datetime

import proofs
from kit.db import Database, Tx
from kit.errors import NotFound
from kit.ops import log
from proofs import Malformed, Note, VerifierKey

from identity import metrics
from identity.domain import merkle
from identity.store import heads as store
from identity.store import log as log_store


class CheckpointNotCosigned(NotFound):
    """No witness cosigned a head yet."""

    reason = "CHECKPOINT_NOT_COSIGNED"


class Heads:
    """What witnesses say of the log."""

    def __init__(
        self, database: Database, log_key: VerifierKey, witnesses: tuple[VerifierKey, ...]
    ) -> None:
        self._db = database
        self._log_key = log_key
        self.witnesses = witnesses

    async def take(self, witness: VerifierKey, text: str) -> bool:
        """Keep what a witness cosigned, if it is a head of this log; return whether it is.

        A head that this log signed and does not have is said loudly: it forked, or lost leaves.
        """
        try:
            note = proofs.parse_note(text)
            head = proofs.parse_head(note)
        except Malformed as error:
            log.warning("witness answers with no head", witness=witness.name, why=str(error))
            return False
        at = note.cosigned_at(witness)
        if at is None or head.origin != self._log_key.name or not note.is_signed(self._log_key):
            log.warning("witness answers with another head", witness=witness.name)
            return False
        async with self._db.begin() as tx:
            if not await _is_ours(tx, head):
                metrics.WITNESS_DISAGREES.inc()
                log.critical(
                    "SECOND HISTORY: a witness cosigned a head this log does not have",
                    witness=witness.name,
                    size=head.size,
                    root=head.root.hex(),
                )
                return False
            when = datetime.fromtimestamp(at, UTC)
            await store.keep(tx, witness.name, head.size, text, when)
        metrics.WITNESSED.labels(witness.name).set(head.size)
        return True

    async def find(self, tx: Tx) -> tuple[int, str] | None:
        """Return the newest cosigned head, with the cosignatures of every witness that has it."""
        found = await store.find_newest(tx, [one.name for one in self.witnesses])
        if found is None:
            return None
        size, texts = found
        notes = [proofs.parse_note(text) for text in texts]
        return size, _merge(notes)

    async def require(self, tx: Tx) -> tuple[int, str]:
        """Return what `find` returns. Raises CheckpointNotCosigned."""
        found = await self.find(tx)
        if found is None:
            raise CheckpointNotCosigned("no witness cosigned a head yet")
        return found


def _merge(notes: list[Note]) -> str:
    """Return one note with the signature lines of all, each once."""
    lines = dict.fromkeys(str(one) for note in notes for one in note.signatures)
    return f"{notes[0].text}\n{''.join(lines)}"


async def _is_ours(tx: Tx, head: proofs.Head) -> bool:
    if head.size > await log_store.read_size(tx):
        return False
    nodes = await log_store.read_nodes(tx, merkle.needed([(0, head.size)]))
    return merkle.root(nodes, (0, head.size)) == head.root
