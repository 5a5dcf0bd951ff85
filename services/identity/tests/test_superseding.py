"""Consents that take the place of others, and withdrawing as easily as giving."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import proofs
import pytest
from house.people import stamp
from kit.errors import DomainError, FailedPrecondition, InvalidArgument
from sosia.identity.v1 import consent_pb2, identity_service_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

PROPOSED = consent_pb2.CONSENT_STATE_PROPOSED
ACTIVE = consent_pb2.CONSENT_STATE_ACTIVE
SUPERSEDED = consent_pb2.CONSENT_STATE_SUPERSEDED
WITHDRAWN = consent_pb2.CONSENT_STATE_WITHDRAWN
RUN_TO_TERM = consent_pb2.WITHDRAWAL_POLICY_RUN_TO_TERM
END_NOW = consent_pb2.WITHDRAWAL_POLICY_END_NOW


async def propose(desk: Any, talent: Any, old: Any, **changed: Any) -> Any:
    """Return a proposal to take the place of a consent."""
    return await desk.proposed(talent, supersedes=old.id, **changed)


async def sign(desk: Any, talent: Any, consent: Any) -> Any:
    """Return the consent once the talent has signed it."""
    fields = {"consent_id": consent.id, "signature": talent.sign(consent.statement)}
    return (await desk.ask(talent, "SignConsent", **fields)).consent


async def superseded(desk: Any, talent: Any, old: Any, **changed: Any) -> Any:
    """Return a signed consent that took the place of another."""
    return await desk.consented(talent, supersedes=old.id, **changed)


async def get(desk: Any, talent: Any, consent: Any) -> Any:
    """Return a consent as it is now."""
    return (await desk.ask(talent, "GetConsent", consent_id=consent.id)).consent


async def covering(desk: Any, talent: Any, step: int) -> str:
    """Return the id of the consent that covers a step; empty if none does."""
    try:
        answer = await desk.ask("service", "CheckConsent", talent_id=talent.id, step=step)
    except FailedPrecondition as error:
        assert error.reason == "CONSENT_MISSING"
        return ""
    found: str = answer.consent.id
    return found


async def receipts(desk: Any, talent: Any, *consents: Any) -> list[Any]:
    """Return the receipts about some consents, each with a signature that holds."""
    ids = [consent.id for consent in consents]
    found = list((await desk.ask(talent, "ListReceipts", subject_ids=ids)).receipts)
    head = await desk.ask(talent, "GetCheckpoint")
    for one in found:
        assert proofs.check(one, head.verifier_key) == ""
    return found


async def test_a_new_signature_takes_the_place_of_the_old_one(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    proposed = await propose(desk, talent, old, purpose="Fashion shows.")
    assert (await get(desk, talent, old)).state == ACTIVE
    assert await covering(desk, talent, 2) == old.id
    new = await sign(desk, talent, proposed)
    assert (new.state, new.supersedes, new.superseded_by) == (ACTIVE, old.id, "")
    before = await get(desk, talent, old)
    assert (before.state, before.superseded_by) == (SUPERSEDED, new.id)
    assert before.superseded_at == new.signed_at
    kept = ("terms", "statement", "withdrawal_statement", "text", "signed_at", "receipt_id")
    assert all(getattr(before, name) == getattr(old, name) for name in kept)
    for step in range(1, 6):
        assert await covering(desk, talent, step) == new.id


async def test_the_receipt_and_the_event_name_both(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    new = await superseded(desk, talent, old)
    found = await receipts(desk, talent, old, new)
    kinds = [(one.kind, one.subject_id) for one in found]
    assert kinds == [
        ("consent_signed", old.id),
        ("consent_signed", new.id),
        ("consent_superseded", old.id),
    ]
    for one in found[1:]:
        said = json.loads(one.statement)
        assert (said["consent_id"], said["supersedes"]) == (new.id, old.id)
    async with desk.app.db.begin() as tx:
        query = text("SELECT data FROM outbox WHERE type LIKE '%.ConsentSuperseded'")
        (data,) = (await tx.execute(query)).scalars()
    assert data == {
        "consentId": old.id,
        "talentId": talent.id,
        "supersededBy": new.id,
        "receiptId": new.receipt_id,
    }


@pytest.mark.parametrize("language", ["de", "en", "fr", "sv"])
async def test_the_text_says_whose_place_it_takes(desk: Any, language: str) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent, language=language)
    assert "10." not in old.text
    new = await propose(desk, talent, old, language=language)
    assert "\n10. " in new.text
    assert old.id in new.text


async def test_a_superseded_consent_covers_nothing_new(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    new = await superseded(desk, talent, old, scope=[1])
    found = [await covering(desk, talent, step) for step in range(1, 6)]
    # Pictures already made are handed out under the terms they were licensed under.
    assert found == [new.id, "", "", "", old.id]


async def test_there_is_no_moment_that_neither_covers(desk: Any) -> None:
    talent = await desk.party("talent")
    consent = await desk.consented(talent)
    seen: Counter[str] = Counter()
    over = asyncio.Event()

    async def watch() -> None:
        while not over.is_set():
            seen[await covering(desk, talent, 2)] += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(watch())
        for _ in range(6):
            consent = await superseded(desk, talent, consent)
        over.set()
    assert len(seen) > 1
    assert not seen[""]


async def test_of_two_that_would_take_one_place_the_second_is_refused(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    one, two = [await propose(desk, talent, old) for _ in range(2)]
    won = await sign(desk, talent, one)
    error = await desk.refused(sign(desk, talent, two), "CONSENT_SUPERSEDED", FailedPrecondition)
    assert error.metadata == {"consentId": old.id, "supersededBy": won.id}
    assert old.id in str(error)
    assert won.id in str(error)
    assert (await get(desk, talent, two)).state == PROPOSED
    later = propose(desk, talent, old)
    assert (await desk.refused(later, "CONSENT_SUPERSEDED")).metadata["supersededBy"] == won.id
    # What she wanted goes on from the one that won.
    assert (await superseded(desk, talent, won)).state == ACTIVE


async def test_of_racing_signings_that_would_take_one_place_one_counts(desk: Any) -> None:
    talent = await desk.party("talent")
    for _ in range(3):
        old = await desk.consented(talent)
        many = [await propose(desk, talent, old) for _ in range(6)]
        signing = (desk.sign_here(talent, one) for one in many)
        results = await asyncio.gather(*signing, return_exceptions=True)
        lost = [result for result in results if isinstance(result, DomainError)]
        assert [error.reason for error in lost] == ["CONSENT_SUPERSEDED"] * 5
        states = Counter([(await get(desk, talent, one)).state for one in many])
        assert states == {ACTIVE: 1, PROPOSED: 5}


async def test_only_a_live_consent_of_hers_is_superseded(desk: Any) -> None:
    talent, other = await desk.party("talent"), await desk.party("talent")
    foreign = await desk.consented(other)
    nowhere = consent_pb2.Consent(id="con_x")
    for old in (foreign, nowhere):
        error = await desk.refused(propose(desk, talent, old), "FIELD_INVALID", InvalidArgument)
        assert error.metadata["field"] == "supersedes"
    unsigned = await desk.proposed(talent)
    await desk.refused(propose(desk, talent, unsigned), "CONSENT_NOT_ACTIVE", FailedPrecondition)
    gone = await desk.withdrawn(talent, await desk.consented(talent))
    await desk.refused(propose(desk, talent, gone), "CONSENT_NOT_ACTIVE")
    soon = stamp(datetime.now(UTC) + timedelta(seconds=1))
    short = await desk.consented(talent, ends_at=soon)
    while await covering(desk, talent, 1):
        await asyncio.sleep(0.05)
    await desk.refused(propose(desk, talent, short), "CONSENT_NOT_ACTIVE")


async def test_what_has_not_begun_takes_no_place(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    tomorrow = stamp(datetime.now(UTC) + timedelta(days=1))
    error = await desk.refused(propose(desk, talent, old, starts_at=tomorrow), "FIELD_INVALID")
    assert error.metadata["field"] == "terms.starts_at"
    assert await covering(desk, talent, 1) == old.id


async def test_a_proposal_to_take_the_place_of_a_withdrawn_one_is_not_signed(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    new = await propose(desk, talent, old)
    await desk.withdrawn(talent, old)
    error = await desk.refused(sign(desk, talent, new), "CONSENT_NOT_ACTIVE", FailedPrecondition)
    assert error.metadata["consentId"] == old.id
    assert await covering(desk, talent, 1) == ""


async def test_one_withdrawal_ends_everything_that_took_each_others_place(desk: Any) -> None:
    talent = await desk.party("talent")
    first = await desk.consented(talent, withdrawal_policy=RUN_TO_TERM)
    second = await superseded(desk, talent, first, withdrawal_policy=END_NOW)
    third = await superseded(desk, talent, second, withdrawal_policy=RUN_TO_TERM, scope=[1])
    said = json.loads(third.withdrawal_statement)
    assert said["also_withdraws"] == [
        {"consent_id": second.id, "withdrawal_policy": "end_now"},
        {"consent_id": first.id, "withdrawal_policy": "run_to_term"},
    ]
    assert (await desk.withdrawn(talent, third)).state == WITHDRAWN
    every = [await get(desk, talent, one) for one in (first, second, third)]
    assert [one.state for one in every] == [WITHDRAWN] * 3
    assert every[0].superseded_by == second.id
    found = [one for one in await receipts(desk, talent, *every) if one.kind.endswith("withdrawn")]
    assert {one.subject_id for one in found} == {one.id for one in every}
    assert {one.statement for one in found} == {third.withdrawal_statement}
    assert {one.id for one in found} == {one.receipt_id for one in every}
    async with desk.app.db.begin() as tx:
        query = text("SELECT data FROM outbox WHERE type LIKE '%.ConsentWithdrawn' ORDER BY number")
        told = list((await tx.execute(query)).scalars())
    assert [(data["consentId"], data["policy"]) for data in told] == [
        (third.id, "WITHDRAWAL_POLICY_RUN_TO_TERM"),
        (second.id, "WITHDRAWAL_POLICY_END_NOW"),
        (first.id, "WITHDRAWAL_POLICY_RUN_TO_TERM"),
    ]
    # Each goes on as it says itself: the first lets pictures be handed out to its term.
    assert [await covering(desk, talent, step) for step in (4, 5)] == ["", first.id]


async def test_a_superseded_consent_is_withdrawn_alone(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    new = await superseded(desk, talent, old, scope=[1])
    gone = await desk.withdrawn(talent, await get(desk, talent, old))
    assert gone.state == WITHDRAWN
    assert (await get(desk, talent, new)).state == ACTIVE
    assert [await covering(desk, talent, step) for step in (1, 5)] == [new.id, ""]
    assert (await desk.withdrawn(talent, new)).state == WITHDRAWN
    assert (await get(desk, talent, old)).receipt_id == gone.receipt_id


async def test_withdrawing_and_superseding_race_to_one_of_two_ends(desk: Any) -> None:
    talent = await desk.party("talent")
    for _ in range(4):
        old = await desk.consented(talent)
        new = await propose(desk, talent, old)
        signing, withdrawing = await asyncio.gather(
            sign(desk, talent, new), desk.withdrawn(talent, old), return_exceptions=True
        )
        assert withdrawing.state == WITHDRAWN
        states = [(await get(desk, talent, one)).state for one in (old, new)]
        if isinstance(signing, DomainError):
            assert signing.reason == "CONSENT_NOT_ACTIVE"
            assert states == [WITHDRAWN, PROPOSED]
        else:
            assert states == [WITHDRAWN, ACTIVE]


async def test_a_repeated_signature_supersedes_once(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    new = await propose(desk, talent, old)
    fields = {"consent_id": new.id, "signature": talent.sign(new.statement)}
    answers = [await desk.ask(talent, "SignConsent", request_id="s", **fields) for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(await receipts(desk, talent, old, new)) == 3


@pytest.mark.parametrize(
    "change",
    [
        "superseded_by = 'con_other'",
        "state = 'active', superseded_by = '', superseded_at = NULL",
        "supersedes = 'con_other'",
    ],
)
async def test_the_database_keeps_who_took_whose_place(desk: Any, change: str) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    await superseded(desk, talent, old)
    with pytest.raises(IntegrityError, match="never change"):
        async with desk.app.db.begin() as tx:
            query = text(f"UPDATE consents SET {change} WHERE id = :old")
            await tx.execute(query, {"old": old.id})


async def test_the_database_itself_refuses_a_second_successor(desk: Any) -> None:
    talent = await desk.party("talent")
    old = await desk.consented(talent)
    one, two = [await propose(desk, talent, old) for _ in range(2)]
    await sign(desk, talent, one)
    with pytest.raises(IntegrityError, match="consents_supersede_once"):
        async with desk.app.db.begin() as tx:
            query = text(
                "UPDATE consents SET state = 'active', signed_at = now(), receipt_id = 'rcp_x'"
                " WHERE id = :two"
            )
            await tx.execute(query, {"two": two.id})


async def test_the_database_itself_refuses_a_successor_that_has_not_begun(desk: Any) -> None:
    talent = await desk.party("talent")
    new = await propose(desk, talent, await desk.consented(talent))
    with pytest.raises(IntegrityError, match="consents_check"):
        async with desk.app.db.begin() as tx:
            query = text(
                "UPDATE consents SET state = 'active', receipt_id = 'rcp_x',"
                " signed_at = starts_at - interval '1 second' WHERE id = :new"
            )
            await tx.execute(query, {"new": new.id})


GIVING = ("statement", "SignConsent")
WITHDRAWING = ("withdrawal_statement", "WithdrawConsent")


async def walk(desk: Any, talent: Any, consent_id: str, way: tuple[str, str]) -> tuple[int, Any]:
    """Read a consent, sign what it says for this, post the signature; count the calls."""
    statement, method = way
    shown = (await desk.ask(talent, "GetConsent", consent_id=consent_id)).consent
    signature = talent.sign(getattr(shown, statement))
    fields = {"consent_id": consent_id, "signature": signature}
    return 2, (await desk.ask(talent, method, **fields)).consent


@pytest.mark.parametrize("supersedes", [False, True])
async def test_withdrawing_takes_the_steps_that_giving_takes(desk: Any, supersedes: bool) -> None:
    talent = await desk.party("talent")
    consent = await desk.proposed(talent)
    if supersedes:
        consent = await propose(desk, talent, await desk.consented(talent))
    given, signed = await walk(desk, talent, consent.id, GIVING)
    taken, ended = await walk(desk, talent, consent.id, WITHDRAWING)
    assert given == taken
    assert (signed.state, ended.state) == (ACTIVE, WITHDRAWN)
    # Neither call asks for more than the other: no reason, no second look, no waiting time.
    asked = [
        [(field.name, field.type) for field in kind.DESCRIPTOR.fields]
        for kind in (
            identity_service_pb2.SignConsentRequest,
            identity_service_pb2.WithdrawConsentRequest,
        )
    ]
    assert asked[0] == asked[1]
    assert [name for name, _ in asked[0]] == ["request_id", "consent_id", "signature"]
