"""Approvals: the talent's word on one picture, signed by her; silence is a no."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from kit import inbox
from kit.ids import new_id
from licensing import consumers
from licensing.service import expiry
from sosia.licensing.v1 import license_pb2
from sosia.render.v1 import events_pb2 as render_events
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

APPROVED = license_pb2.APPROVAL_STATE_APPROVED
REFUSED = license_pb2.APPROVAL_STATE_REFUSED
SHA = "ab" * 32


async def asked(office: Any, **fields: Any) -> Any:
    """Return an approval the talent is asked for."""
    license = await office.licensed(approval_required=True)
    render_id = await office.reviewed(license, **fields)
    answer = await office.ask(office.alba, "ListApprovals", render_id=render_id)
    return answer.approvals[0]


async def decided(office: Any, approval: Any, *, approve: bool, **fields: Any) -> Any:
    """Let the talent say yes or no."""
    statement = approval.approve_statement if approve else approval.refuse_statement
    given = {"approval_id": approval.id, "approve": approve, "reason": "" if approve else "No."}
    given["signature"] = office.alba.sign(statement)
    return (await office.ask(office.alba, "DecideApproval", **(given | fields))).approval


async def test_a_directors_yes_asks_the_talent_once_for_a_picture(office: Any) -> None:
    license, plain = await office.licensed(approval_required=True), await office.licensed()
    await office.reviewed(license, approved=False)
    await office.reviewed(plain)
    assert not await office.count("approvals")
    render_id = await office.reviewed(license)
    await office.reviewed(license, render_id=render_id)
    assert await office.count("approvals") == 1
    await office.reviewed(license, render_id=render_id, picture_sha256="ef" * 32)
    answer = await office.ask(office.alba, "ListApprovals", talent_id=office.alba.id)
    assert [one.picture_sha256 for one in answer.approvals] == ["ef" * 32, SHA]
    assert len(await office.events("ApprovalRequested")) == 2
    said = json.loads(answer.approvals[1].approve_statement)
    assert said == {
        "type": "sosia.approval/1",
        "approval_id": answer.approvals[1].id,
        "license_id": license.id,
        "talent_id": office.alba.id,
        "render_id": render_id,
        "picture_sha256": SHA,
        "decision": "approve",
    }
    refusal = rfc8785.dumps(said | {"decision": "refuse"})
    assert answer.approvals[1].refuse_statement == refusal


async def test_nobody_is_asked_about_a_license_that_ended(office: Any) -> None:
    license = await office.licensed(approval_required=True)
    await office.revoked(license)
    await office.reviewed(license)
    assert not await office.count("approvals")


async def test_a_yes_is_signed_counts_once_and_is_told(office: Any) -> None:
    approval = await asked(office)
    first = await decided(office, approval, approve=True, request_id="y")
    assert first.state == APPROVED
    assert await decided(office, approval, approve=True, request_id="y") == first
    await office.refused(decided(office, approval, approve=False), "APPROVAL_DECIDED")
    (event,) = await office.events("ApprovalDecided")
    assert event["approved"]


async def test_of_racing_words_one_counts(office: Any) -> None:
    approval = await asked(office)
    racing = (decided(office, approval, approve=bool(n % 2)) for n in range(10))
    results = await asyncio.gather(*racing, return_exceptions=True)
    reasons = [getattr(result, "reason", None) for result in results]
    assert reasons.count("APPROVAL_DECIDED") == 9
    assert len(await office.events("ApprovalDecided")) == 1


async def test_a_no_says_why(office: Any) -> None:
    approval = await asked(office)
    error = await office.refused(
        decided(office, approval, approve=False, reason=" "), "FIELD_INVALID"
    )
    assert error.metadata["field"] == "reason"
    refused = await decided(office, approval, approve=False, reason="Not my smile.")
    assert (refused.state, refused.reason) == (REFUSED, "Not my smile.")


async def test_only_her_own_word_over_this_decision_counts(office: Any) -> None:
    approval, other = await asked(office), await asked(office)
    agency = office.identity.agency
    for words in (approval.refuse_statement, other.approve_statement, b""):
        signing = decided(office, approval, approve=True, signature=office.alba.sign(words))
        await office.refused(signing, "SIGNATURE_INVALID")
    forged = agency.sign(approval.approve_statement)
    await office.refused(
        decided(office, approval, approve=True, signature=forged), "SIGNATURE_INVALID"
    )
    fields = {
        "approval_id": approval.id,
        "approve": True,
        "signature": office.alba.sign(approval.approve_statement),
    }
    for who, reason in (
        (agency, "NOT_ALLOWED"),
        (office.brand, "NOT_ALLOWED"),
        (office.rival, "APPROVAL_NOT_FOUND"),
    ):
        await office.refused(office.ask(who, "DecideApproval", **fields), reason)
    carried = await office.ask(office.identity.staff, "DecideApproval", **fields)
    assert carried.approval.state == APPROVED


async def overdue(office: Any, license: Any) -> str:
    """Return a render the talent was asked about, whose time is over."""
    render_id = new_id("ren")
    event = render_events.RenderReviewed(
        render_id=render_id, license_id=license.id, approved=True, picture_sha256=SHA
    )

    async def hear(tx: Any, heard: Any) -> None:
        await consumers.ask_talent(tx, heard, lasts=timedelta(milliseconds=1))

    await inbox.handle_once(office.app.db, "late", event, hear)
    return render_id


async def test_silence_is_a_no(office: Any) -> None:
    license = await office.licensed(approval_required=True)
    render_id = await overdue(office, license)
    answer = await office.ask(office.brand, "ListApprovals", render_id=render_id)
    await office.refused(decided(office, answer.approvals[0], approve=True), "APPROVAL_OVERDUE")
    releasing = office.released(license, render_id=render_id)
    await office.refused(releasing, "APPROVAL_MISSING")


async def test_approvals_are_hidden_from_strangers(office: Any) -> None:
    approval = await asked(office)
    render = {"render_id": approval.render_id}
    for who in (office.brand, office.alba, office.identity.agency, "service"):
        assert len((await office.ask(who, "ListApprovals", **render)).approvals) == 1
    assert not (await office.ask(office.rival, "ListApprovals", **render)).approvals
    stranger = office.ask(office.rival, "ListApprovals", talent_id=office.alba.id)
    await office.refused(stranger, "NOT_ALLOWED")
    for fields in ({}, {"talent_id": office.alba.id, **render}, {"render_id": "x"}):
        await office.refused(office.ask(office.alba, "ListApprovals", **fields), "FIELD_INVALID")
    await office.refused(
        office.ask(office.alba, "DecideApproval", approval_id="apr_x"), "APPROVAL_NOT_FOUND"
    )


async def test_the_database_keeps_what_she_said(office: Any) -> None:
    await decided(office, await asked(office), approve=False)
    changes = ("state = 'approved'", "reason = 'Yes.'", "picture_sha256 = repeat('0', 64)")
    for change in changes:
        with pytest.raises(IntegrityError, match="never changes"):
            async with office.app.db.begin() as tx:
                await tx.execute(text(f"UPDATE approvals SET {change}"))


async def test_she_is_reminded_once_before_her_time_is_over(office: Any) -> None:
    approval, days = await asked(office), timedelta(days=4)
    assert await expiry.remind(office.app.db, timedelta(microseconds=1)) == 0
    reminding = [expiry.remind(office.app.db, days) for _ in range(3)]
    assert sum(await asyncio.gather(*reminding)) == 1
    assert await expiry.remind(office.app.db, days) == 0
    assert len(await office.events("ApprovalReminded")) == 1
    assert (await decided(office, approval, approve=True)).state == APPROVED


async def test_that_her_time_is_over_is_told_once(office: Any) -> None:
    license = await office.licensed(approval_required=True)
    await asked(office)
    await overdue(office, license)
    lapsing = [expiry.lapse(office.app.db) for _ in range(3)]
    assert sum(await asyncio.gather(*lapsing)) == 1
    assert await expiry.lapse(office.app.db) == 0
    assert len(await office.events("ApprovalLapsed")) == 1
