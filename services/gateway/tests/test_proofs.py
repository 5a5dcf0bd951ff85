"""Receipts checked from outside."""

from typing import Any

from gateway import proofs
from gateway.proofs import Head
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 130), st.data())
def test_proofs_of_another_implementation_hold_and_changed_ones_do_not(
    size: int, data: st.DataObject
) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for number in range(size):
        tree.append_entry(b"%d" % number)
    index = data.draw(st.integers(0, size - 1))
    proof = [bytes.fromhex(step) for step in tree.prove_inclusion(index + 1).serialize()["path"]]
    proof = proof[1:]  # theirs begins with the leaf itself
    head = Head("log", size, tree.get_root())
    leaf = b"%d" % index
    assert proofs.is_included(leaf, index, proof, head)
    assert not proofs.is_included(b"other", index, proof, head)
    assert not proofs.is_included(leaf, index + 1, proof, head)
    assert not proofs.is_included(leaf, index, [*proof, bytes(32)], head)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:at], bytes(32), *proof[at + 1 :]]
        assert not proofs.is_included(leaf, index, changed, head)
        assert not proofs.is_included(leaf, index, proof[:-1], head)


async def test_a_receipt_of_identity_is_proven_and_no_changed_one_is(web: Any) -> None:
    talent = await web.desk.party("talent")
    consents = [await web.desk.consented(talent) for _ in range(3)]
    receipt_id = consents[1].receipt_id
    receipt = (await web.desk.ask(web.desk.staff, "GetReceipt", receipt_id=receipt_id)).receipt
    key = (await web.desk.ask("public", "GetCheckpoint")).verifier_key
    assert proofs.check(receipt, key) == ""
    for name in ("statement", "signature", "salt"):
        changed = type(receipt)()
        changed.CopyFrom(receipt)
        setattr(changed, name, bytes(32))
        assert proofs.check(changed, key) != "", name
    changed = type(receipt)()
    changed.CopyFrom(receipt)
    changed.checkpoint = receipt.checkpoint.replace("\n3\n", "\n4\n")
    assert "not signed" in proofs.check(changed, key)
    origin, key_id, _ = key.split("+", 2)
    assert "not signed" in proofs.check(receipt, f"{origin}+{key_id}+AQ==")


def test_what_is_no_checkpoint_proves_nothing() -> None:
    for text in ("", "a\n\n", "a\n1\n!\n\n", "\u2014 a b", "log\n1\nAAAA\n\n\u2014 log !!!\n"):
        assert proofs.read_head(text, "log+00000000+AQ==") is None
