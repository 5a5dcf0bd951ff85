"""Receipts of a real identity, checked as the pages check them."""

from typing import Any

import proofs
from proofs.tree import leaf_hash, node_hash


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


async def test_the_log_is_read_in_pieces_by_anybody(web: Any) -> None:
    talent = await web.desk.party("talent")
    for _ in range(2):
        await web.desk.consented(talent)
    key = (await web.get("/v1/log/checkpoint", key="")).json()["verifier_key"]
    note = await web.get("/v1/tlog/checkpoint", key="")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "no-cache"
    head = proofs.open_head(note.text, proofs.VerifierKey.parse(key))
    assert head is not None
    assert head.size == 2
    hashes = await web.get("/v1/tlog/tile/0/000.p/2", key="")
    entries = await web.get("/v1/tlog/tile/entries/000.p/2", key="")
    for tile in (hashes, entries):
        assert tile.headers["content-type"] == "application/octet-stream"
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    left, right = hashes.content[:32], hashes.content[32:]
    assert head.root == node_hash(left, right)
    assert [leaf_hash(entries.content[2:34]), leaf_hash(entries.content[36:])] == [left, right]
    known = {"If-None-Match": hashes.headers["etag"]}
    again = await web.client.get("/v1/tlog/tile/0/000.p/2", headers=known)
    assert (again.status_code, again.content) == (304, b"")


async def test_a_piece_of_the_log_that_is_not_there_is_a_problem(web: Any) -> None:
    for path, status, reason in (
        ("tile/0/000.p/2", 404, "TILE_NOT_FOUND"),
        ("tile/0/x001/000", 404, "TILE_NOT_FOUND"),
        ("tile/0/x000/000", 400, "FIELD_INVALID"),
        ("tile/entries", 400, "FIELD_INVALID"),
        ("tile/", 400, "FIELD_INVALID"),
    ):
        answer = await web.get(f"/v1/tlog/{path}", key="")
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), path
        assert answer.headers["cache-control"] == "no-store"
    asked = await web.get("/v1/tlog/checkpoint", key="", from_size=3)
    assert (asked.status_code, asked.json()["field"]) == (400, "from_size")
