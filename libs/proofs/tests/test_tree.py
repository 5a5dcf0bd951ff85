"""Proofs verified, beside two other implementations.

pymerkle gives roots and inclusion proofs. Its consistency proofs are of another form than RFC
9162's (they carry the subtrees of the older root too), so those come from the RFC's own
recursion, written out below.
"""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofs.tree import EMPTY_ROOT, is_consistent, is_included, leaf_hash, node_hash
from pymerkle import InmemoryTree


def split(size: int) -> int:
    """Return the largest power of two below a size."""
    return max(2**n for n in range(size.bit_length()) if 2**n < size)


def mth(leaves: list[bytes]) -> bytes:
    """The Merkle Tree Hash of RFC 9162, section 2.1.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def subproof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162, section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def entries(size: int) -> list[bytes]:
    return [b"%d" % number for number in range(size)]


def pymerkles(size: int) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries(size):
        tree.append_entry(entry)
    return tree


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 300), st.data())
def test_an_inclusion_proof_of_pymerkle_holds_and_a_changed_one_does_not(
    size: int, data: st.DataObject
) -> None:
    tree = pymerkles(size)
    root = tree.get_root()
    assert root == mth(entries(size))
    index = data.draw(st.integers(0, size - 1))
    steps = tree.prove_inclusion(index + 1).serialize()["path"]
    proof = [bytes.fromhex(step) for step in steps][1:]  # theirs begins with the leaf itself
    leaf = leaf_hash(b"%d" % index)
    assert is_included(leaf, index, size, proof, root)
    assert not is_included(leaf_hash(b"other"), index, size, proof, root)
    assert not is_included(leaf, index + 1, size, proof, root)
    assert not is_included(leaf, index, size, [*proof, bytes(32)], root)
    assert not is_included(leaf, index, size, proof, bytes(32))
    assert not is_included(leaf, -1, size, proof, root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not is_included(leaf, index, size, changed(proof, at), root)
        assert not is_included(leaf, index, size, proof[:-1], root)
        assert not is_included(leaf, index, size, [*proof[:-1], proof[-1] + b"\0"], root)


@settings(max_examples=250, deadline=None)
@given(st.integers(1, 300), st.data())
def test_a_consistency_proof_of_the_rfc_holds_and_a_changed_one_does_not(
    size: int, data: st.DataObject
) -> None:
    leaves, old = entries(size), data.draw(st.integers(1, size))
    old_root, root, proof = mth(leaves[:old]), mth(leaves), subproof(old, leaves)
    assert is_consistent(old, old_root, size, root, proof)
    assert not is_consistent(old, bytes(32), size, root, proof)
    assert not is_consistent(old, old_root, size, bytes(32), proof)
    assert not is_consistent(old, old_root, size, root, [*proof, bytes(32)])
    assert not is_consistent(size, root, old, old_root, proof) or old == size
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not is_consistent(old, old_root, size, root, changed(proof, at))
        assert not is_consistent(old, old_root, size, root, proof[:-1])


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 200), st.data())
def test_no_proof_joins_a_log_to_one_whose_past_was_rewritten(
    size: int, data: st.DataObject
) -> None:
    leaves, old = entries(size), data.draw(st.integers(1, size))
    rewritten = data.draw(st.integers(0, old - 1))
    forged = [*leaves[:rewritten], b"forged", *leaves[rewritten + 1 :]]
    for proof in (subproof(old, forged), subproof(old, leaves)):
        assert not is_consistent(old, mth(leaves[:old]), size, mth(forged), proof)


def test_every_tree_begins_with_the_empty_one() -> None:
    root = mth(entries(5))
    assert is_consistent(0, EMPTY_ROOT, 5, root, [])
    assert is_consistent(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not is_consistent(0, EMPTY_ROOT, 0, root, [])
    assert not is_consistent(0, root, 5, root, [])
    assert not is_consistent(0, EMPTY_ROOT, 5, root, [bytes(32)])
    assert not is_consistent(-1, EMPTY_ROOT, 5, root, [])


def test_a_tree_begins_with_itself_and_with_no_other_of_its_size() -> None:
    root = mth(entries(6))
    assert is_consistent(6, root, 6, root, [])
    assert not is_consistent(6, mth([*entries(5), b"fork"]), 6, root, [])
    assert not is_consistent(6, root, 6, root, [bytes(32)])


@pytest.mark.parametrize(("old", "size"), [(4, 7), (3, 7), (6, 8)])
def test_growth_needs_a_proof(old: int, size: int) -> None:
    leaves = entries(size)
    assert not is_consistent(old, mth(leaves[:old]), size, mth(leaves), [])


def test_a_proof_of_a_smaller_tree_is_none_of_a_larger_with_its_root() -> None:
    leaves = entries(4)
    root, pair = mth(leaves), mth(leaves[:2])
    assert is_included(leaf_hash(b"0"), 0, 2, [leaf_hash(b"1")], pair)
    assert not is_included(leaf_hash(b"0"), 0, 4, [leaf_hash(b"1")], pair)
    assert is_consistent(2, pair, 4, root, subproof(2, leaves))
    assert not is_consistent(2, pair, 8, root, subproof(2, leaves))


def test_a_node_is_no_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


def changed(proof: list[bytes], at: int) -> list[bytes]:
    flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    return [*proof[:at], flipped, *proof[at + 1 :]]
