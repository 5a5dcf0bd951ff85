"""Whether one head of a log follows from another."""

from collections.abc import Sequence

from proofs.notes import Head
from proofs.tree import is_consistent


def find_fork(old: Head, new: Head, proof: Sequence[bytes]) -> str:
    """Return why `new` does not follow from `old`, an empty string when it does.

    Both heads are signed; a fault other than of the proof is one the log cannot talk away.
    """
    if old.origin != new.origin:
        return f"they are heads of two logs, {old.origin} and {new.origin}"
    if new.size < old.size:
        return f"the log had {old.size} leaves and has {new.size}"
    if new.size == old.size and new.root != old.root:
        return f"the log signed two heads of {new.size} leaves: it has two histories"
    if not is_consistent(old.size, old.root, new.size, new.root, proof):
        return f"the proof does not lead from {old.size} leaves to {new.size}"
    return ""
