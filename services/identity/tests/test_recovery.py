"""Supervised re-enrolment: 72 hours in which any key of hers stops it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import proofs
import pytest
from house.passkeys import Passkey, added, pending
from house.talents import represent
from identity import consumers
from identity.domain import recoveries
from identity.domain.recoveries import State
from kit import inbox
from kit.errors import PermissionDenied
from sosia.licensing.v1 import events_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


async def started(desk: Any, talent: Any, new: Passkey, *lost: str) -> Any:
    """Let staff begin to replace keys of a talent."""
    key = await pending(desk, talent, new, "new phone", by=desk.staff)
    asked = {"party_id": talent.id, "reason": "The phone was stolen.", "key_id": key.id}
    return (await desk.ask(desk.staff, "StartRecovery", lost_key_ids=lost, **asked)).recovery


async def pass_hours(desk: Any, hours: float) -> None:
    """Let a recovery have begun so much earlier."""
    moved = f"interval '{hours * 3600} seconds'"
    async with desk.app.db.begin() as tx:
        statement = f"UPDATE recoveries SET started_at = started_at - {moved},"
        await tx.execute(text(f"{statement} ready_at = ready_at - {moved}"))


async def keys_of(desk: Any, person: Any) -> dict[str, int]:
    found = await desk.ask(person, "ListKeys", party_id=person.id)
    return {key.id: key.state for key in found.keys}


async def events(desk: Any, kind: str) -> list[dict[str, Any]]:
    async with desk.app.db.begin() as tx:
        query = text("SELECT data FROM outbox WHERE type LIKE :kind ORDER BY time")
        return list((await tx.execute(query, {"kind": f"%.{kind}"})).scalars())


async def test_after_72_hours_the_new_key_takes_the_place_of_the_lost_ones(desk: Any) -> None:
    talent, agency, brand = [await desk.party(one) for one in ("talent", "agency", "brand")]
    await represent(desk, agency, talent)
    await license_to(desk, talent, brand, "lic_1")
    await license_to(desk, talent, await desk.party("brand"), "lic_2", revoked=True)
    new = Passkey()
    (old_id,) = await keys_of(desk, talent)
    recovery = await started(desk, talent, new)
    assert recovery.ready_at.seconds - recovery.started_at.seconds == 72 * 3600
    assert list(recovery.lost_key_ids) == [old_id]
    assert set(recovery.told_party_ids) == {agency.id, brand.id}
    (told,) = await events(desk, "RecoveryStarted")
    assert set(told["toldPartyIds"]) == {agency.id, brand.id}
    for who in (talent, agency, brand):
        seen = (await desk.ask(who, "GetRecovery", recovery_id=recovery.id)).recovery
        assert seen.reason == "The phone was stolen."
    stranger = await desk.party("brand")
    hidden = desk.ask(stranger, "GetRecovery", recovery_id=recovery.id)
    await desk.refused(hidden, "RECOVERY_NOT_FOUND")
    await pass_hours(desk, 71.99)
    assert await desk.app.services.recoveries.complete_due() == 0
    consent = await desk.proposed(talent)
    with pytest.raises(PermissionDenied):
        await signed(desk, talent, consent, new)
    await pass_hours(desk, 0.02)
    assert await desk.app.services.recoveries.complete_due() == 1
    assert await desk.app.services.recoveries.complete_due() == 0
    assert await keys_of(desk, talent) == {old_id: 3, recovery.key_id: 2}
    with pytest.raises(PermissionDenied):
        await signed(desk, talent, consent, talent)
    assert (await signed(desk, talent, consent, new)).state == 2
    assert await kinds(desk, brand, recovery.id) == ["recovery_started", "recovery_completed"]
    (done,) = await events(desk, "RecoveryCompleted")
    assert (done["keyId"], done["lostKeyIds"]) == (recovery.key_id, [old_id])
    assert [one["keyId"] for one in await events(desk, "KeyRemoved")] == [old_id]


@pytest.mark.parametrize("who", ["the lost key", "another key"])
async def test_any_key_of_hers_stops_it_and_then_nothing_changes(desk: Any, who: str) -> None:
    talent, second, new = await desk.party("talent"), Passkey(), Passkey()
    await added(desk, talent, second, talent)
    before = await keys_of(desk, talent)
    lost = next(iter(before))
    recovery = await started(desk, talent, new, lost)
    signer = talent if who == "the lost key" else second
    for wrong in (new, Passkey(), await desk.party("agency")):
        stop = {"recovery_id": recovery.id, "signature": wrong.sign(recovery.stop_statement)}
        with pytest.raises(PermissionDenied):
            await desk.ask(desk.staff, "StopRecovery", **stop)
    stop = {"recovery_id": recovery.id, "signature": signer.sign(recovery.stop_statement)}
    stopped = (await desk.ask(talent, "StopRecovery", **stop)).recovery
    assert stopped.state == 2
    await pass_hours(desk, 73)
    assert await desk.app.services.recoveries.complete_due() == 0
    assert await keys_of(desk, talent) == {**before, recovery.key_id: 3}
    assert await kinds(desk, talent, recovery.id) == ["recovery_started", "recovery_stopped"]
    again = {"recovery_id": recovery.id, "signature": signer.sign(recovery.stop_statement)}
    await desk.refused(desk.ask(talent, "StopRecovery", **again), "RECOVERY_OVER")


async def test_only_staff_starts_one_at_a_time_with_a_reason(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    await represent(desk, agency, talent)
    key = await pending(desk, talent, Passkey(), by=desk.staff)
    asked = {"party_id": talent.id, "reason": "Lost.", "key_id": key.id}
    for who in (talent, agency, "service"):
        await desk.refused(desk.ask(who, "StartRecovery", **asked), "NOT_ALLOWED")
    for changed, reason in (
        ({"reason": " "}, "FIELD_INVALID"),
        ({"key_id": "sky_none"}, "KEY_NOT_FOUND"),
        ({"lost_key_ids": [key.id]}, "KEY_NOT_LIVE"),
        ({"key_id": next(iter(await keys_of(desk, talent)))}, "KEY_NOT_PENDING"),
    ):
        await desk.refused(desk.ask(desk.staff, "StartRecovery", **(asked | changed)), reason)
    first = (await desk.ask(desk.staff, "StartRecovery", **asked)).recovery
    await desk.refused(desk.ask(desk.staff, "StartRecovery", **asked), "RECOVERY_UNDER_WAY")
    held = {"key_id": key.id, "signature": talent.sign(key.statement)}
    await desk.refused(desk.ask(talent, "ConfirmKey", **held), "RECOVERY_WAITS")
    await desk.refused(desk.ask(desk.staff, "RemoveKey", key_id=key.id), "RECOVERY_WAITS")
    async with desk.app.db.begin() as tx:  # nor does the database let anybody shorten it
        with pytest.raises(IntegrityError):
            where = {"id": first.id}
            cut = "UPDATE recoveries SET ready_at = started_at + interval '71 hours' WHERE id = :id"
            await tx.execute(text(cut), where)


async def test_the_database_lets_no_removed_key_sign_again(desk: Any) -> None:
    talent, passkey = await desk.party("talent"), Passkey()
    key = await added(desk, talent, passkey, talent)
    removed = {"key_id": key.id, "signature": passkey.sign(key.removal_statement)}
    await desk.ask(talent, "RemoveKey", **removed)
    for change in (
        "UPDATE party_keys SET state = 'live', removed_at = NULL",
        "DELETE FROM party_keys",
    ):
        async with desk.app.db.begin() as tx:
            with pytest.raises(IntegrityError):
                await tx.execute(text(f"{change} WHERE id = :id"), {"id": key.id})


async def license_to(
    desk: Any, talent: Any, brand: Any, license_id: str, *, revoked: bool = False
) -> None:
    """Let identity hear of a license, and of its end."""
    said = b'{"license_id":"%s","type":"sosia.license/1"}' % license_id.encode()
    ids = {"license_id": license_id, "brand_id": brand.id, "talent_id": talent.id}
    event = events_pb2.LicenseSigned(statement=said, signature=talent.sign(said), **ids)
    await inbox.handle_once(desk.app.db, license_id, event, consumers.note_license_signed)
    if revoked:
        end = events_pb2.LicenseRevoked(reason="x", **ids)
        handler = consumers.note_license_revoked
        await inbox.handle_once(desk.app.db, f"{license_id} ended", end, handler)


async def signed(desk: Any, talent: Any, consent: Any, signer: Any) -> Any:
    fields = {"consent_id": consent.id, "signature": signer.sign(consent.statement)}
    return (await desk.ask(talent, "SignConsent", **fields)).consent


async def kinds(desk: Any, who: Any, subject_id: str) -> list[str]:
    """Return the kinds of receipts somebody sees about something, each of them proven."""
    key = (await desk.ask("public", "GetCheckpoint")).verifier_key
    found = (await desk.ask(who, "ListReceipts", subject_ids=[subject_id])).receipts
    assert [proofs.check(one, key) for one in found] == [""] * len(found)
    return [one.kind for one in found]


def test_a_recovery_is_completed_neither_early_nor_twice() -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    ready = begun + recoveries.WAITS
    waiting = recoveries.Recovery(
        "rec_1", "pty_1", State.WAITING, "lost", "pty_2", begun, ready, "sky_1", (), (), "rcp_1"
    )
    told = {"receipt_id": "rcp_2", "now": ready - timedelta(seconds=1)}
    with pytest.raises(recoveries.RecoveryWaits):
        recoveries.end(waiting, State.COMPLETED, **told)
    done = recoveries.end(waiting, State.COMPLETED, receipt_id="rcp_2", now=ready)
    for state in (State.COMPLETED, State.STOPPED):
        with pytest.raises(recoveries.RecoveryOver):
            recoveries.end(done, state, receipt_id="rcp_3", now=ready)


async def test_staff_takes_back_what_it_started_and_the_house_signs(desk: Any) -> None:
    talent, new = await desk.party("talent"), Passkey()
    before = await keys_of(desk, talent)
    recovery = await started(desk, talent, new)
    await desk.refused(desk.ask(talent, "StopRecovery", recovery_id=recovery.id), "NOT_ALLOWED")
    asking = desk.ask(desk.staff, "StopRecovery", recovery_id=recovery.id)
    assert (await asking).recovery.state == 2
    assert await keys_of(desk, talent) == {**before, recovery.key_id: 3}
    assert await kinds(desk, talent, recovery.id) == ["recovery_started", "recovery_stopped"]


async def test_who_asked_is_said_and_signed_for(desk: Any) -> None:
    talent = await desk.party("talent")
    key = await pending(desk, talent, Passkey(), by=desk.staff)
    asked = {"party_id": talent.id, "reason": "Lost.", "key_id": key.id}
    long = desk.ask(desk.staff, "StartRecovery", asked_by="x" * 201, **asked)
    assert (await desk.refused(long, "FIELD_INVALID")).metadata["field"] == "asked_by"
    by = "Herself, with her passport."
    made = (await desk.ask(desk.staff, "StartRecovery", asked_by=by, **asked)).recovery
    assert made.asked_by == by
    (receipt,) = (await desk.ask(talent, "ListReceipts", subject_ids=[made.id])).receipts
    assert by.encode() in receipt.statement


async def test_recoveries_are_listed_to_staff_and_to_those_concerned(desk: Any) -> None:
    talent, agency, other = [await desk.party(one) for one in ("talent", "agency", "talent")]
    await represent(desk, agency, talent)
    first, second = await started(desk, talent, Passkey()), await started(desk, other, Passkey())

    async def listed(who: Any) -> list[str]:
        return [one.id for one in (await desk.ask(who, "ListRecoveries")).recoveries]

    assert await listed(desk.staff) == [second.id, first.id]
    for who in (talent, agency):
        assert await listed(who) == [first.id]
    assert await listed(await desk.party("brand")) == []
