"""A person erased: all that was allowed ends, her key is gone, nothing of her opens again."""

import json
from pathlib import Path
from typing import Any

import pytest_asyncio
from identity.domain.erasures import SCRUBBED
from identity.keystore import FileKeyStore
from kit.errors import FailedPrecondition
from proofs import VerifierKey, check
from sosia.identity.v1 import consent_pb2, erasure_pb2
from sqlalchemy import text
from vault import FOLDERS, Vault

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
    assert (found.capture_objects, found.twin_objects, found.picture_objects) == (12, 1, 1)
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
    assert list((await readable(whole, alba, keys)).values()) == [True] * 14
    answer = await whole.erased(alba)
    assert answer.state == CERTIFIED
    left = await readable(whole, alba, keys)
    assert sorted(left) == [f"pictures/{alba.id}/ren_1/1.jpg", f"twins/{alba.id}/twn_1/sheet.png"]
    assert not any(left.values())
    assert list((await readable(whole, cleo, keys)).values()) == [True] * 14
    assert len(await readable_by_consent(whole, cleo)) == 12


async def test_the_certificate_says_what_was_done_and_is_proven(whole: Any) -> None:
    alba = whole.alba
    answer = await whole.erased(alba)
    receipt = answer.certificate
    said = json.loads(receipt.statement)
    assert (receipt.kind, receipt.subject_id) == ("talent_erased", alba.id)
    assert said["decryption"] == {"tried": 14, "opened": 0}
    assert [len(said["objects"][folder]) for folder in FOLDERS] == [12, 1, 1]
    assert said["deleted"] == {"capture_objects": 12}
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
        "SELECT DISTINCT filename, caption, perceptual_hash FROM photos"
        " JOIN capture_sets c ON c.id = capture_set_id WHERE c.talent_id = :id",
        id=alba.id,
    )
    assert [tuple(row) for row in photos] == [(SCRUBBED, SCRUBBED, bytes(32))]


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
