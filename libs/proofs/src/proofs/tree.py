"""Proofs of a Merkle tree, verified (RFC 9162, sections 2.1.3.2 and 2.1.4.2).

The log makes its proofs elsewhere and in another way: neither side believes the other.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return hashlib.sha256(b"\1" + left + right).digest()


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `leaf`, a leaf's hash, is number `index` of the tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    number, last, found = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node_hash(beside, found)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether the tree of `size` leaves begins with the one of `old_size`.

    Every tree begins with the empty one, and a tree with itself; both take an empty proof.
    """
    if not 0 <= old_size <= size:
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (size > 0 or root == EMPTY_ROOT)
    if old_size == size:
        return not proof and old_root == root
    whole = old_size & (old_size - 1) == 0  # then the old root is the proof's first node
    steps = [old_root, *proof] if whole else list(proof)
    return bool(steps) and _leads_to(old_size, old_root, size, root, steps)


def _leads_to(
    old_size: int, old_root: bytes, size: int, root: bytes, steps: Sequence[bytes]
) -> bool:
    """Fold the steps into both roots at once, as far as the old tree goes into the old one."""
    number, last = old_size - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        number, last = number >> 1, last >> 1
    return last == 0 and older == old_root and newer == root
