"""A person erased: all that was allowed ends, her key is gone, nothing of her opens again."""

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from identity.domain.erasures import SCRUBBED, StillReadable, Word
from identity.domain.keys import PersonKeyDestroyed
from identity.keystore import FileKeyStore
from identity.service.commands import Command
from kit.errors import FailedPrecondition
from proofs import VerifierKey, check
from sosia.identity.v1 import consent_pb2, erasure_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from vault import CAPTURES, FOLDERS, Vault

CERTIFIED = erasure_pb2.ERASURE_STATE_CERTIFIED
TRAINING = consent_pb2.STEP_TRAINING


@pytest_asyncio.fixture
async def whole(identity: Any) -> Any:
    """identity with alba and cleo, and something others keep of each."""
    vault: Vault = identity.app.vault
    for talent in (identity.alba, identity.cleo):
        for key in (f"twins/{talent.id}/twn_1/sheet.png", f"pictures/{talent.id}/ren_1/1.jpg"):
            await vault.put(key, b"of her", talent_id=talent.id, step=TRAINING)
    return identity


async def rows(identity: Any, query: str, **values: Any) -> list[Any]:
    async with identity.app.db.begin() as tx:
        return list((await tx.execute(text(query), values)).all())


async def readable(identity: Any, talent: Any, keys: FileKeyStore) -> dict[str, bool]:
    """Return of every object of hers whether it decrypts with what the key store has."""
    vault: Vault = identity.app.vault
    found = {}
    for folder in FOLDERS:
        for key in await vault.find(talent.id, folder):
            sealed = await vault.take_apart(key)
            try:
                data_key = await keys.unwrap(talent.id, sealed.wrapped)
            except FailedPrecondition:
                found[key] = False
            else:
                found[key] = bool(sealed.open(data_key, object_key=key))
    return found


def store(tmp_path: Path) -> FileKeyStore:
    return FileKeyStore(tmp_path / "identity" / "keys")


async def test_she_reads_what_goes_and_what_stays_before_she_signs(whole: Any) -> None:
    alba = whole.alba
    seen = (await whole.ask(alba, "GetErasure", talent_id=alba.id)).erasure
    assert seen.state == erasure_pb2.ERASURE_STATE_NONE
    said = json.loads(seen.statement)
    assert (said["type"], said["talent_id"]) == ("sosia.erasure/1", alba.id)
    assert said["counts"] == {"capture_sets": 1, "photos": 12}
    assert {"released_pictures", "receipts", "ledger_entries"} <= said["not_covered"].keys()
    found = seen.inventory
    captured = len(await whole.app.vault.find(alba.id, CAPTURES))
    assert captured > 12  # the photos, and vectors of faces
    assert (found.capture_objects, found.twin_objects, found.picture_objects) == (captured, 1, 1)
    assert (found.consents, found.receipts) == (1, 2)
    again = (await whole.ask(whole.agency, "GetErasure", talent_id=alba.id)).erasure
    assert again.statement == seen.statement
    assert not await rows(whole, "SELECT * FROM erasures")


async def test_only_she_herself_is_heard(whole: Any) -> None:
    alba, cleo = whole.alba, whole.cleo
    said = (await whole.ask(alba, "GetErasure", talent_id=alba.id)).erasure.statement
    await whole.refused(whole.ask(cleo, "GetErasure", talent_id=alba.id), "NOT_ALLOWED")
    for who in (whole.agency, cleo):
        asking = whole.ask(who, "EraseTalent", talent_id=alba.id, signature=alba.sign(said))
        await whole.refused(asking, "NOT_ALLOWED")
    for signature in (cleo.sign(said), alba.sign(said + b" "), whole.agency.sign(said)):
        asking = whole.ask(alba, "EraseTalent", talent_id=alba.id, signature=signature)
        await whole.refused(asking, "SIGNATURE_INVALID")
    assert not await rows(whole, "SELECT * FROM erasures")
    assert all((await readable_by_consent(whole, alba)).values())


async def readable_by_consent(identity: Any, talent: Any) -> dict[str, bool]:
    """Return of each photo of hers whether identity hands out its key."""
    photos = await rows(
        identity,
        "SELECT object_key, sha256 FROM photos JOIN capture_sets c ON c.id = capture_set_id"
        " WHERE c.talent_id = :id",
        id=talent.id,
    )
    vault: Vault = identity.app.vault
    found = {}
    for photo in photos:
        opened = await vault.get(photo.object_key, sha256=photo.sha256, step=TRAINING)
        found[photo.object_key] = bool(opened)
    return found


async def test_nothing_of_an_erased_person_opens_and_the_other_is_whole(
    whole: Any, tmp_path: Path
) -> None:
    alba, cleo, keys = whole.alba, whole.cleo, store(tmp_path)
    before = await readable(whole, alba, keys)
    assert len(before) > 12 + 2
    assert all(before.values())
    answer = await whole.erased(alba)
    assert answer.state == CERTIFIED
    left = await readable(whole, alba, keys)
    assert sorted(left) == [f"pictures/{alba.id}/ren_1/1.jpg", f"twins/{alba.id}/twn_1/sheet.png"]
    assert not any(left.values())
    hers = await readable(whole, cleo, keys)
    assert len(hers) > 12 + 2
    assert all(hers.values())
    assert len(await readable_by_consent(whole, cleo)) == 12


async def test_the_certificate_says_what_was_done_and_is_proven(whole: Any) -> None:
    alba = whole.alba
    captured = await whole.app.vault.find(alba.id, CAPTURES)
    answer = await whole.erased(alba)
    receipt = answer.certificate
    said = json.loads(receipt.statement)
    assert (receipt.kind, receipt.subject_id) == ("talent_erased", alba.id)
    assert said["decryption"] == {"tried": len(captured) + 2, "opened": 0}
    assert [len(said["objects"][folder]) for folder in FOLDERS] == [len(captured), 1, 1]
    hashes = sorted(hashlib.sha256(key.encode()).hexdigest() for key in captured)
    assert said["objects"][CAPTURES] == hashes
    assert said["deleted"] == {"capture_objects": len(captured)}
    assert said["consents_ended"] == [alba.consent.id]
    assert said["request_receipt_id"] == answer.receipt_id
    assert "released_pictures" in said["not_covered"]
    head = await whole.ask(alba, "GetCheckpoint")
    key = VerifierKey.parse(head.verifier_key)
    for receipt_id in (answer.receipt_id, answer.certificate_receipt_id):
        found = (await whole.ask(alba, "GetReceipt", receipt_id=receipt_id)).receipt
        assert not check(found, head.verifier_key)
    assert receipt.public_key == key.public


async def test_all_ends_and_nothing_new_begins(whole: Any) -> None:
    alba = whole.alba
    open_one = await whole.proposed(alba)
    run_on = await whole.consented(
        alba, withdrawal_policy=consent_pb2.WITHDRAWAL_POLICY_RUN_TO_TERM
    )
    await whole.withdrawn(alba, run_on)
    superseding = await whole.consented(alba, supersedes=alba.consent.id)
    answer = await whole.erased(alba)
    events = await rows(
        whole,
        "SELECT data FROM outbox WHERE type LIKE '%.ConsentWithdrawn' AND data->>'receiptId' = :id",
        id=answer.receipt_id,
    )
    assert {row.data["consentId"] for row in events} == {
        alba.consent.id,
        superseding.id,
        run_on.id,
    }
    assert {row.data["policy"] for row in events} == {"WITHDRAWAL_POLICY_END_NOW"}
    for step in range(1, 6):
        for call, more in (("CheckConsent", {}), ("CreateDataKey", {})):
            asking = whole.ask("service", call, talent_id=alba.id, step=step, **more)
            await whole.refused(asking, "CONSENT_MISSING")
    signing = whole.ask(
        alba, "SignConsent", consent_id=open_one.id, signature=alba.sign(open_one.statement)
    )
    await whole.refused(signing, "TALENT_ERASED", FailedPrecondition)
    await whole.refused(whole.proposed(alba), "TALENT_ERASED")
    await whole.refused(whole.ask(alba, "OpenCaptureSet", talent_id=alba.id), "CONSENT_MISSING")
    asking = whole.ask(alba, "GetCaptureReport", capture_set_id=alba.capture_set_id)
    await whole.refused(asking, "CONSENT_MISSING")


async def test_her_name_and_what_tells_of_her_body_are_gone(whole: Any) -> None:
    alba = whole.alba
    await whole.erased(alba)
    party = (await whole.ask(whole.staff, "GetParty", party_id=alba.id)).party
    assert (party.name, party.public_name, party.id) == (SCRUBBED, SCRUBBED, alba.id)
    everything = ""
    for table in ("parties", "consents", "capture_sets", "photos", "outbox", "erasures"):
        everything += repr(await rows(whole, f"SELECT to_jsonb(t) FROM {table} t"))
    assert "Alba" not in everything
    assert "Cleo" in everything
    photos = await rows(
        whole,
        "SELECT DISTINCT filename, caption, perceptual_hash, photos.marks, c.marks, report,"
        " luminance FROM photos"
        " JOIN capture_sets c ON c.id = capture_set_id WHERE c.talent_id = :id",
        id=alba.id,
    )
    assert [tuple(row) for row in photos] == [(SCRUBBED, SCRUBBED, bytes(32), [], [], None, None)]


async def test_a_repeat_changes_nothing_and_answers_the_same(whole: Any) -> None:
    alba = whole.alba
    first = await whole.erased(alba, request_id="once")
    again = await whole.erased(alba, request_id="once")
    other = await whole.erased(alba, request_id="twice")
    assert first.certificate_receipt_id == again.certificate_receipt_id
    assert again.certificate_receipt_id == other.certificate_receipt_id
    kinds = await rows(
        whole, "SELECT kind FROM receipts WHERE talent_id = :id ORDER BY leaf_index", id=alba.id
    )
    assert [row.kind for row in kinds][-2:] == ["erasure_signed", "talent_erased"]
    assert len(await rows(whole, "SELECT 1 FROM outbox WHERE type LIKE '%.TalentErased'")) == 1


async def seen_of(identity: Any, talent: Any) -> Any:
    return (await identity.ask(talent, "GetErasure", talent_id=talent.id)).erasure


async def go(identity: Any, talent: Any, keys: FileKeyStore, steps: int) -> None:
    """Do the first steps of an erasure and stop there, as a kill would: each may miss its note."""
    erasures, vault = identity.app.services.eraser._erasures, identity.app.vault
    said = (await seen_of(identity, talent)).statement
    word = Word(said, talent.sign(said))
    with identity.as_(talent):
        await erasures.freeze(Command("begun", ""), talent.id, word.signature)
    photos = await vault.find(talent.id, "captures")

    async def delete_some() -> None:
        for key in photos[:5]:
            await vault.delete(key)

    rest = [
        lambda: keys.destroy(talent.id, word.dump()),
        lambda: erasures.note_key_destroyed(talent.id),
        lambda: erasures.note_tried(talent.id, {one: [] for one in FOLDERS} | {"captures": photos}),
        delete_some,
        lambda: erasures.scrub(talent.id),
    ]
    for step in rest[:steps]:
        await step()


@pytest.mark.parametrize("steps", range(6))
async def test_what_a_kill_interrupts_is_finished_once(
    whole: Any, tmp_path: Path, steps: int
) -> None:
    alba, eraser = whole.alba, whole.app.services.eraser
    captured = await whole.app.vault.find(alba.id, CAPTURES)
    await go(whole, alba, store(tmp_path), steps)
    assert (await seen_of(whole, alba)).state != CERTIFIED
    await asyncio.gather(eraser.resume(), eraser.resume())
    answer = await seen_of(whole, alba)
    assert answer.state == CERTIFIED
    assert len(json.loads(answer.certificate.statement)["objects"]["captures"]) == len(captured)
    assert answer.inventory.capture_objects == 0
    assert not any((await readable(whole, alba, store(tmp_path))).values())
    kinds = await rows(whole, "SELECT kind FROM receipts WHERE talent_id = :id", id=alba.id)
    assert [row.kind for row in kinds].count("talent_erased") == 1


async def test_nothing_is_certified_while_something_opens(whole: Any, tmp_path: Path) -> None:
    alba, eraser, keys = whole.alba, whole.app.services.eraser, tmp_path / "identity" / "keys"
    copy = (keys / f"{alba.id}.key").read_bytes()
    await go(whole, alba, store(tmp_path), 2)
    (keys / f"{alba.id}.key").write_bytes(copy)  # somebody kept one
    with pytest.raises(StillReadable):
        await eraser.finish(alba.id)
    await eraser.resume()
    assert (await seen_of(whole, alba)).state == erasure_pb2.ERASURE_STATE_KEY_DESTROYED
    (keys / f"{alba.id}.key").unlink()
    await eraser.resume()
    assert (await seen_of(whole, alba)).state == CERTIFIED


async def test_a_database_restored_from_before_is_erased_again(whole: Any, tmp_path: Path) -> None:
    """The other talent's word, or another of hers, in the place of the word does nothing."""
    alba, cleo, keys = whole.alba, whole.cleo, store(tmp_path)
    said = (await seen_of(whole, alba)).statement
    consent = alba.consent.statement
    for talent, word in (
        (cleo, Word(said, alba.sign(said))),
        (cleo, Word(said, cleo.sign(said))),
        (alba, Word(consent, alba.sign(consent))),
    ):
        await keys.destroy("pty_" + "0" * 26, word.dump())  # nobody this database knows
        assert not await whole.app.services.eraser._erasures.freeze_again(talent.id, word)
    await keys.destroy(alba.id, Word(said, alba.sign(said)).dump())
    assert (await seen_of(whole, alba)).state == erasure_pb2.ERASURE_STATE_NONE
    await whole.app.services.eraser.resume()
    answer = await seen_of(whole, alba)
    assert (answer.state, answer.statement) == (CERTIFIED, said)
    assert (await seen_of(whole, cleo)).state == erasure_pb2.ERASURE_STATE_NONE
    party = (await whole.ask(whole.staff, "GetParty", party_id=alba.id)).party
    assert party.name == SCRUBBED


async def test_the_database_itself_refuses_what_is_new_of_an_erased_person(whole: Any) -> None:
    alba = whole.alba
    await whole.erased(alba)
    new = (
        "INSERT INTO capture_sets SELECT 'cap_x', talent_id, 'open', marks, credits, opened_by,"
        " created_at FROM capture_sets WHERE talent_id = :id",
        'INSERT INTO consents SELECT (jsonb_populate_record(c, \'{"id": "con_x"}\')).*'
        " FROM consents c WHERE talent_id = :id",
        "DELETE FROM erasures WHERE talent_id = :id",
        "UPDATE erasures SET state = 'frozen' WHERE talent_id = :id",
        "UPDATE consents SET uses = 'all' WHERE talent_id = :id",
    )
    for statement in new:
        with pytest.raises(IntegrityError):
            async with whole.app.db.begin() as tx:
                await tx.execute(text(statement), {"id": alba.id})


async def test_what_a_kill_left_of_making_a_key_goes_too(tmp_path: Path) -> None:
    keys = FileKeyStore(tmp_path)
    await keys.make("pty_1")
    os.link(tmp_path / "pty_1.key", tmp_path / ".pty_1.0123456789abcdef")
    held = (tmp_path / "pty_1.key").read_bytes()
    for _ in range(2):
        await keys.destroy("pty_1", b"word")
        assert os.listdir(tmp_path) == ["pty_1.destroyed"]
    assert await keys.find_destroyed() == {"pty_1": b"word"}
    with pytest.raises(PersonKeyDestroyed):
        await keys.make("pty_1")
    assert os.listdir(tmp_path) == ["pty_1.destroyed"]
    assert held not in (tmp_path / "pty_1.destroyed").read_bytes()


async def test_of_racing_finishers_one_certifies(whole: Any, tmp_path: Path) -> None:
    alba, erasures = whole.alba, whole.app.services.eraser._erasures
    await go(whole, alba, store(tmp_path), 6)
    await asyncio.gather(*(erasures.certify(alba.id) for _ in range(8)))
    kinds = await rows(whole, "SELECT kind FROM receipts WHERE talent_id = :id", id=alba.id)
    assert [row.kind for row in kinds].count("talent_erased") == 1
