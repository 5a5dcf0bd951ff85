"""Receipts of a real identity, checked as the pages check them."""

from typing import Any

import proofs


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
    assert proofs.check(receipt, f"{origin}+{key_id}+AQ==").startswith("key: ")
