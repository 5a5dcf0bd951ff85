"""An append-only Merkle tree (RFC 9162) of which every complete subtree's hash is kept.

Nodes are named by (level, position): level 0 are the leaves, node (l, p) covers the leaves
from p * 2**l on. Only complete subtrees are kept, so an append writes two nodes on average and
a proof reads a few dozen.
"""

import hashlib
from collections.abc import Mapping, Sequence

from kit.errors import FieldInvalid

Node = tuple[int, int]
Range = tuple[int, int]
"""Leaves from the first, up to but without the second."""

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def cover(leaves: Range) -> list[Node]:
    """Return the complete subtrees, left to right, that make up a subtree of the tree."""
    start, end = leaves
    size = end - start
    if size == 0:
        return []
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return [(level, start >> level)]
    middle = start + _split(size)
    return cover((start, middle)) + cover((middle, end))


def root(nodes: Mapping[Node, bytes], leaves: Range) -> bytes:
    """Return the hash of a subtree, given the nodes that cover it."""
    hashes = [nodes[node] for node in cover(leaves)]
    if not hashes:
        return EMPTY_ROOT
    folded = hashes.pop()
    while hashes:
        folded = node_hash(hashes.pop(), folded)
    return folded


def edge(index: int) -> list[Node]:
    """Return the nodes already there that an append of leaf `index` joins, lowest first."""
    joined: list[Node] = []
    level = 0
    while index >> level & 1:
        joined.append((level, (index >> level) - 1))
        level += 1
    return joined


def append(index: int, leaf: bytes, nodes: Mapping[Node, bytes]) -> dict[Node, bytes]:
    """Return the nodes that leaf `index` completes, itself included; `nodes` hold its `edge`."""
    new = {(0, index): leaf}
    current = leaf
    for level, position in edge(index):
        current = node_hash(nodes[level, position], current)
        new[level + 1, position >> 1] = current
    return new


def inclusion(index: int, size: int) -> list[Range]:
    """Return the subtrees whose hashes prove that leaf `index` is in a tree of `size` leaves.

    Source: RFC 9162, section 2.1.3.1.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency(old: int, size: int) -> list[Range]:
    """Return the subtrees whose hashes prove that a tree of `size` only grew from `old` leaves.

    Source: RFC 9162, section 2.1.4.1.

    Raises:
        FieldInvalid: the old tree is larger, or its size negative.
    """
    if not 0 <= old <= size:
        raise FieldInvalid("from_size", f"must be from 0 to the log's size, {size}")
    if old in (0, size):
        return []
    path: list[Range] = []
    start, end, whole = 0, size, True  # whole: the subtree is one the old tree's head is made of
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    if not whole:
        path.append((start, end))
    return path[::-1]


def needed(ranges: Sequence[Range]) -> set[Node]:
    """Return every node that some subtrees are made of."""
    return {node for leaves in ranges for node in cover(leaves)}
