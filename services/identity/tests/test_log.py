"""Receipts and their log: every proof checked by somebody else's arithmetic."""

import asyncio
import base64
import hashlib
import re
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from identity.app import App
from identity.domain import merkle
from kit.errors import FieldInvalid, NotFound
from proofs import is_consistent, is_included
from pymerkle import (  # type: ignore[import-untyped]
    InmemoryTree,
    verify_consistency,
    verify_inclusion,
)
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


def grown(size: int) -> dict[merkle.Node, bytes]:
    """Return the nodes of a log with that many leaves."""
    nodes: dict[merkle.Node, bytes] = {}
    for index in range(size):
        nodes |= merkle.append(index, merkle.leaf_hash(b"%d" % index), nodes)
    return nodes


def oracle(size: int) -> InmemoryTree:
    """Return pymerkle's tree over the same leaves."""
    tree = InmemoryTree(algorithm="sha256")
    for index in range(size):
        tree.append_entry(b"%d" % index)
    return tree


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 100, 257])
def test_heads_are_as_pymerkle_computes_them(size: int) -> None:
    ours = merkle.root(grown(size), (0, size))
    assert ours == (oracle(size).get_root() if size else hashlib.sha256(b"").digest())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 130), st.data())
def test_proofs_are_as_pymerkle_computes_them(size: int, data: st.DataObject) -> None:
    nodes, tree = grown(size), oracle(size)
    index = data.draw(st.integers(0, size - 1))
    path = [merkle.root(nodes, leaves) for leaves in merkle.inclusion(index, size)]
    theirs = tree.prove_inclusion(index + 1, size)
    assert path == [bytes.fromhex(step) for step in theirs.serialize()["path"]][1:]
    verify_inclusion(tree.get_leaf(index + 1), tree.get_root(size), theirs)
    old = data.draw(st.integers(1, size))
    grew = [merkle.root(nodes, leaves) for leaves in merkle.consistency(old, size)]
    assert holds(old, size, merkle.root(nodes, (0, old)), merkle.root(nodes, (0, size)), grew)
    assert is_consistent(old, tree.get_root(old), size, tree.get_root(size), grew)
    assert is_included(merkle.leaf_hash(b"%d" % index), index, size, path, tree.get_root(size))
    verify_consistency(tree.get_root(old), tree.get_root(size), tree.prove_consistency(old))


def holds(old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]) -> bool:
    """Verify a consistency proof as RFC 9162, section 2.1.4.2, says."""
    if old == new:
        return not proof and old_root == new_root
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if first & 1 or first == last:
            older, newer = merkle.node_hash(step, older), merkle.node_hash(step, newer)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            newer = merkle.node_hash(newer, step)
        first, last = first >> 1, last >> 1
    return (older, newer, last) == (old_root, new_root, 0)


def included(receipt: Any, size: int, root: bytes) -> bool:
    """Verify a receipt's inclusion as RFC 9162, section 2.1.3.2, says."""
    content = receipt.salt + receipt.statement + receipt.signature + receipt.public_key
    hashed = merkle.leaf_hash(hashlib.sha256(content).digest())
    index, last = receipt.leaf_index, size - 1
    for step in receipt.inclusion_proof:
        if index & 1 or index == last:
            hashed = merkle.node_hash(step, hashed)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            hashed = merkle.node_hash(hashed, step)
        index, last = index >> 1, last >> 1
    return hashed == root and last == 0


def opened(checkpoint: str, verifier_key: str) -> tuple[int, bytes]:
    """Verify a signed checkpoint as C2SP says; return size and root."""
    named = re.fullmatch(r"([^+]+)\+([0-9a-f]{8})\+(.+)", verifier_key)
    assert named is not None
    name, key_id, key = named.groups()
    public = base64.b64decode(key)
    assert public[:1] == b"\x01"
    assert hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8] == key_id
    body, signed = checkpoint.split("\n\n")
    dash, signer, signature = signed.removesuffix("\n").split(" ")
    assert (dash, signer) == ("\u2014", name)
    raw = base64.b64decode(signature)
    assert raw[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], (body + "\n").encode())
    origin, size, root = body.split("\n")
    assert origin == name
    return int(size), base64.b64decode(root)


async def test_every_receipt_is_provably_in_the_log(desk: Any) -> None:
    talent = await desk.party("talent")
    empty = await desk.ask("public", "GetCheckpoint")
    assert opened(empty.checkpoint, empty.verifier_key) == (0, merkle.EMPTY_ROOT)
    consents = [await desk.consented(talent) for _ in range(4)]
    await desk.withdrawn(talent, consents[0])
    subjects = [consent.id for consent in consents]
    receipts = (await desk.ask(talent, "ListReceipts", subject_ids=subjects)).receipts
    assert [receipt.leaf_index for receipt in receipts] == list(range(5))
    for receipt in receipts:
        alone = (await desk.ask(talent, "GetReceipt", receipt_id=receipt.id)).receipt
        assert alone == receipt
        size, root = opened(receipt.checkpoint, empty.verifier_key)
        assert included(receipt, size, root)
        receipt.salt = bytes(32)
        assert not included(receipt, size, root)
        Ed25519PublicKey.from_public_bytes(talent.public_key).verify(
            receipt.signature, receipt.statement
        )


async def test_racing_receipts_take_one_leaf_each(desk: Any) -> None:
    talent = await desk.party("talent")
    proposed = [await desk.proposed(talent) for _ in range(8)]
    await asyncio.gather(*(desk.sign_here(talent, one) for one in proposed))
    subjects = [one.id for one in proposed]
    receipts = (await desk.ask(talent, "ListReceipts", subject_ids=subjects)).receipts
    assert [receipt.leaf_index for receipt in receipts] == list(range(8))


async def test_an_older_head_is_provably_a_beginning(desk: Any) -> None:
    talent = await desk.party("talent")
    heads = []
    for _ in range(5):
        await desk.consented(talent)
        answer = await desk.ask("public", "GetCheckpoint")
        heads.append(opened(answer.checkpoint, answer.verifier_key))
    for size, root in heads:
        answer = await desk.ask("public", "GetCheckpoint", from_size=size)
        new_size, new_root = opened(answer.checkpoint, answer.verifier_key)
        assert holds(size, new_size, root, new_root, list(answer.consistency_proof))
        if size < new_size:
            forged = hashlib.sha256(root).digest()
            assert not holds(size, new_size, forged, new_root, list(answer.consistency_proof))
    for size in (-1, 6):
        error = await desk.refused(
            desk.ask("public", "GetCheckpoint", from_size=size), "FIELD_INVALID"
        )
        assert error.metadata["field"] == "from_size"


async def test_a_changed_checkpoint_does_not_verify(desk: Any) -> None:
    answer = await desk.ask("public", "GetCheckpoint")
    with pytest.raises(InvalidSignature):
        opened(answer.checkpoint.replace("\n0\n", "\n1\n", 1), answer.verifier_key)


async def test_a_receipt_is_seen_by_those_it_concerns(desk: Any) -> None:
    talent, stranger = await desk.party("talent"), await desk.party("talent")
    consent = await desk.consented(talent)
    for who in (stranger, "public", await desk.party("brand")):
        asking = desk.ask(who, "GetReceipt", receipt_id=consent.receipt_id)
        await desk.refused(asking, "RECEIPT_NOT_FOUND", NotFound)
        found = await desk.ask(who, "ListReceipts", subject_ids=[consent.id])
        assert not found.receipts
    assert await desk.ask(talent, "GetReceipt", receipt_id=consent.receipt_id)


async def test_a_list_of_ids_is_bounded(desk: Any) -> None:
    for ids, field in ((["x"] * 101, "subject_ids"), (["a\0"], "subject_ids[0]")):
        asking = desk.ask(desk.staff, "ListReceipts", subject_ids=ids)
        assert (await desk.refused(asking, "FIELD_INVALID")).metadata["field"] == field


@pytest.mark.parametrize("table", ["receipts", "log_nodes"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {}"])
async def test_the_log_only_grows(desk: Any, table: str, change: str) -> None:
    await desk.consented(await desk.party("talent"))
    column = {"receipts": "kind = 'license_signed'", "log_nodes": "hash = sha256('')"}[table]
    with pytest.raises(IntegrityError, match="only grows"):
        async with desk.app.db.begin() as tx:
            await tx.execute(text(change.format(table, column)))


def test_a_proof_needs_a_leaf_that_is_there() -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion(3, 3)
    with pytest.raises(FieldInvalid):
        merkle.consistency(4, 3)


async def test_an_answer_without_a_commit_leaves_no_leaf(app: App, desk: Any) -> None:
    talent = await desk.party("talent")
    consent = await desk.proposed(talent)
    fields = {"consent_id": consent.id, "signature": bytes(64)}
    await desk.refused(desk.ask(talent, "SignConsent", **fields), "SIGNATURE_INVALID")
    async with app.db.begin() as tx:
        assert (await tx.execute(text("SELECT size FROM log_head"))).scalar_one() == 0
