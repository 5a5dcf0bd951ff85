"""Estates: all is frozen until successors signed and the wait is over; nothing is ever widened."""

import json
from typing import Any

import pytest
import pytest_asyncio
from house.talents import represent
from proofs import check
from sosia.identity.v1 import consent_pb2, estate_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

WAITING = estate_pb2.ESTATE_STATE_WAITING
SETTLED = estate_pb2.ESTATE_STATE_SETTLED
STOPPED = estate_pb2.ESTATE_STATE_STOPPED
STEPS = ("CAPTURE", "TRAINING", "LICENSING", "RENDERING", "DELIVERY")


@pytest_asyncio.fixture
async def alba(desk: Any) -> Any:
    return await desk.party("talent")


@pytest_asyncio.fixture
async def heir(desk: Any) -> Any:
    return await desk.party("successor")


async def covered(desk: Any, talent: Any) -> list[str]:
    """Return the steps a consent of hers covers now."""
    found = []
    for name in STEPS:
        fields = {"talent_id": talent.id, "step": consent_pb2.Step.Value(f"STEP_{name}")}
        try:
            await desk.ask("service", "CheckConsent", **fields)
        except Exception as error:
            assert getattr(error, "reason", "") == "CONSENT_MISSING"
        else:
            found.append(name)
    return found


async def test_everything_is_frozen_until_it_is_settled(desk: Any, alba: Any, heir: Any) -> None:
    agency = await desk.party("agency")
    await represent(desk, agency, alba)
    consent = await desk.consented(alba)
    delegation = await desk.delegated(alba, agency, await desk.party("brand"))
    assert await covered(desk, alba) == list(STEPS)
    estate = await desk.died(alba, heir)
    assert estate.state == WAITING
    assert list(estate.told) == [agency.id, heir.id]
    assert await covered(desk, alba) == []
    seen = (await desk.ask(heir, "GetConsent", consent_id=consent.id)).consent
    assert (seen.frozen, seen.succeeded) == (True, False)
    asking = desk.ask(desk.staff, "GetDelegation", delegation_id=delegation.id)
    assert (await asking).delegation.why_not == "ESTATE"
    await desk.accepted(estate, heir)
    assert await covered(desk, alba) == []
    await desk.refused(desk.proposed(alba), "ESTATE_FROZEN")


async def test_what_she_consented_to_goes_on_and_nothing_more(
    desk: Any, alba: Any, heir: Any
) -> None:
    consent = await desk.consented(alba, scope=[1, 2, 3, 5])
    waiting = await desk.proposed(alba)
    estate = await desk.settled(alba, heir)
    assert estate.state == SETTLED
    assert await covered(desk, alba) == ["DELIVERY"]  # she never consented to rendering
    seen = (await desk.ask(heir, "GetConsent", consent_id=consent.id)).consent
    assert (seen.frozen, seen.succeeded) == (False, True)
    for who in (heir, alba):
        fields = {"consent_id": waiting.id, "signature": who.sign(waiting.statement)}
        signing = desk.ask(desk.staff, "SignConsent", **fields)
        await desk.refused(signing, "ESTATE_FROZEN")
    withdrawn = await desk.withdrawn(heir, consent)
    assert withdrawn.state == consent_pb2.CONSENT_STATE_WITHDRAWN
    assert await covered(desk, alba) == []


async def test_before_it_is_settled_a_successor_may_nothing(
    desk: Any, alba: Any, heir: Any
) -> None:
    consent = await desk.consented(alba)
    estate = await desk.died(alba, heir)
    await desk.accepted(estate, heir)
    await desk.refused(desk.withdrawn(heir, consent), "SIGNATURE_INVALID")
    early = desk.ask(desk.staff, "SettleEstate", estate_id=estate.id)
    await desk.refused(early, "ESTATE_WAITS")
    assert (await desk.withdrawn(alba, consent)).withdrawn_at  # narrowing is never refused


async def test_it_is_settled_only_when_every_successor_signed(
    desk: Any, alba: Any, heir: Any
) -> None:
    other = await desk.party("successor")
    with pytest.raises(Exception, match="has not signed") as caught:
        estate = await desk.died(alba, heir, other)
        await desk.accepted(estate, heir)
        await desk.passed(estate)
        await desk.ask(desk.staff, "SettleEstate", estate_id=estate.id)
    assert caught.value.metadata["missing"] == other.id  # type: ignore[attr-defined]
    for who in (heir, alba):
        asking = desk.ask(who, "SettleEstate", estate_id="est_x")
        await desk.refused(asking, "NOT_ALLOWED")


async def test_only_a_named_key_signs_for_it(desk: Any, alba: Any, heir: Any) -> None:
    other = await desk.party("successor")
    estate = await desk.died(alba, heir)
    statement = estate.successors[0].statement
    said = {"estate_id": estate.id, "successor_id": heir.id}
    asking = desk.ask(desk.staff, "AcceptEstate", signature=other.sign(statement), **said)
    await desk.refused(asking, "SIGNATURE_INVALID")
    said["successor_id"] = other.id
    asking = desk.ask(desk.staff, "AcceptEstate", signature=other.sign(statement), **said)
    assert (await desk.refused(asking, "FIELD_INVALID")).metadata["field"] == "successor_id"
    asking = desk.ask(other, "AcceptEstate", signature=other.sign(statement), **said)
    await desk.refused(asking, "ESTATE_NOT_FOUND")


async def test_she_stops_it_herself_at_any_time(desk: Any, alba: Any, heir: Any) -> None:
    await desk.consented(alba)
    estate = await desk.settled(alba, heir)
    fields = {"estate_id": estate.id, "reason": "I live."}
    asking = desk.ask(desk.staff, "StopEstate", **fields)
    await desk.refused(asking, "ESTATE_NOT_WAITING")
    false = heir.sign(estate.objection_statement)
    asking = desk.ask(desk.staff, "StopEstate", signature=false, **fields)
    await desk.refused(asking, "SIGNATURE_INVALID")
    signature = alba.sign(estate.objection_statement)
    stopped = (await desk.ask(alba, "StopEstate", signature=signature, **fields)).estate
    assert stopped.state == STOPPED
    assert await covered(desk, alba) == list(STEPS)
    consent = await desk.consented(alba)
    await desk.refused(desk.withdrawn(heir, consent), "CONSENT_NOT_FOUND")


async def test_staff_stops_what_it_opened_in_error(desk: Any, alba: Any, heir: Any) -> None:
    await desk.consented(alba)
    estate = await desk.died(alba, heir)
    await desk.refused(desk.died(alba, heir), "ESTATE_OPEN")
    fields = {"estate_id": estate.id, "reason": "Another person."}
    stopped = (await desk.ask(desk.staff, "StopEstate", **fields)).estate
    assert (stopped.state, stopped.stop_reason) == (STOPPED, "Another person.")
    assert await covered(desk, alba) == list(STEPS)
    assert (await desk.died(alba, heir)).state == WAITING


async def test_every_step_leaves_a_receipt_that_proves_it(desk: Any, alba: Any, heir: Any) -> None:
    estate = await desk.settled(alba, heir)
    signature = alba.sign(estate.objection_statement)
    fields = {"estate_id": estate.id, "reason": "I live.", "signature": signature}
    await desk.ask(alba, "StopEstate", **fields)
    found = (await desk.ask(heir, "ListReceipts", subject_ids=[estate.id])).receipts
    kinds = ["estate_opened", "estate_accepted", "estate_settled", "estate_stopped"]
    assert [receipt.kind for receipt in found] == kinds
    key = (await desk.ask(desk.staff, "GetCheckpoint")).verifier_key
    assert not [check(receipt, key) for receipt in found if check(receipt, key)]
    opened = json.loads(found[0].statement)
    assert (opened["evidence_sha256"], opened["told"]) == ("ab" * 32, [heir.id])
    accepted = json.loads(found[1].statement)
    assert accepted["may"] == ["approve", "withdraw", "end"]


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("died_on", {"died_on": "2999-01-01"}),
        ("died_on", {"died_on": "yesterday"}),
        ("evidence", {"evidence": " "}),
        ("evidence_sha256", {"evidence_sha256": "x"}),
        ("successor_ids", {"successor_ids": []}),
    ],
)
async def test_no_estate_without_evidence_and_successors(
    desk: Any, alba: Any, heir: Any, field: str, changed: Any
) -> None:
    error = await desk.refused(desk.died(alba, heir, **changed), "FIELD_INVALID")
    assert error.metadata["field"] == field


async def test_only_staff_opens_and_only_successors_succeed(
    desk: Any, alba: Any, heir: Any
) -> None:
    crew = await desk.party("crew")
    error = await desk.refused(desk.died(alba, crew), "FIELD_INVALID")
    assert error.metadata["field"] == "successor_ids[0]"
    asking = desk.ask(alba, "OpenEstate", talent_id=alba.id, successor_ids=[heir.id])
    await desk.refused(asking, "NOT_ALLOWED")


async def test_a_talent_who_died_is_not_erased_by_whoever_has_her_key(
    desk: Any, alba: Any, heir: Any
) -> None:
    await desk.settled(alba, heir)
    await desk.refused(desk.erased(alba), "ESTATE_FROZEN")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE estates SET waits_until = waits_until - interval '1 day'",
        "UPDATE estates SET state = 'settled', settled_at = now() - interval '1 hour'",
        "DELETE FROM estates",
        "DELETE FROM estate_successors",
    ],
)
async def test_the_database_keeps_an_estate(desk: Any, alba: Any, heir: Any, change: str) -> None:
    await desk.died(alba, heir)
    with pytest.raises(IntegrityError):
        async with desk.app.db.begin() as tx:
            await tx.execute(text(change))
