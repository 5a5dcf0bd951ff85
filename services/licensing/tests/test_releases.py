"""Releases: one picture drawn and paid at a time, under a live license, consent and approval."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from house.people import stamp
from kit import inbox
from kit.errors import DomainError
from kit.ids import new_id
from licensing import consumers
from licensing.app import App
from sosia.identity.v1 import consent_pb2
from sosia.identity.v1 import events_pb2 as identity_events
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

RUN_TO_TERM = consent_pb2.WITHDRAWAL_POLICY_RUN_TO_TERM
REVOKED = 4


async def approved(office: Any, license: Any, **fields: Any) -> str:
    """Let director and talent say yes to a picture; return its render's id."""
    render_id = await office.reviewed(license, **fields)
    answer = await office.ask(office.alba, "ListApprovals", render_id=render_id)
    approval = answer.approvals[0]
    word = {"approve": True, "signature": office.alba.sign(approval.approve_statement)}
    await office.ask(office.alba, "DecideApproval", approval_id=approval.id, **word)
    return render_id


async def test_a_release_draws_one_picture_and_pays_it(office: Any) -> None:
    license = await office.licensed()
    answer = await office.released(license)
    assert answer.license.images_used == 1
    (released,) = await office.events("PictureReleased")
    assert (released["imagesUsed"], released["transactionId"]) == (1, answer.transaction_id)
    posted = (await office.events("RoyaltyPosted"))[-1]
    assert posted["kind"] == "picture_release"
    assert posted["gross"] == {"currencyCode": "EUR", "amountMinor": "2501"}


async def test_of_twenty_racers_for_the_last_picture_one_wins(office: Any) -> None:
    license = await office.licensed(image_cap=1)
    racing = (office.released(license) for _ in range(20))
    results = await asyncio.gather(*racing, return_exceptions=True)
    lost = [result.reason for result in results if isinstance(result, DomainError)]
    assert lost == ["LICENSE_SPENT"] * 19
    assert await office.count("releases") == 1
    assert await office.count("transactions WHERE kind = 'picture_release'") == 1


async def test_a_repeat_and_another_request_for_a_released_render_draw_nothing(
    office: Any,
) -> None:
    license, render_id = await office.licensed(), new_id("ren")
    same = {"render_id": render_id, "request_id": "rel"}
    racing = (office.released(license, **same) for _ in range(8))
    answers = await asyncio.gather(*racing)
    assert len({answer.transaction_id for answer in answers}) == 1
    others = (office.released(license, render_id=render_id) for _ in range(8))
    again = await asyncio.gather(*others)
    assert {answer.transaction_id for answer in again} == {answers[0].transaction_id}
    assert {answer.license.images_used for answer in again} == {1}
    assert await office.count("releases") == 1
    await office.revoked(license)  # what was released stays released
    last = await office.released(license, **same)
    assert last.transaction_id == answers[0].transaction_id
    reused = office.released(license, render_id=new_id("ren"), request_id="rel")
    await office.refused(reused, "REQUEST_REUSED")


async def test_a_released_render_is_no_other_picture_and_no_other_license(office: Any) -> None:
    license, other, render_id = await office.licensed(), await office.licensed(), new_id("ren")
    await office.released(license, render_id=render_id)
    changed = office.released(license, render_id=render_id, picture_sha256="ef" * 32)
    assert (await office.refused(changed, "FIELD_INVALID")).metadata["field"] == "picture_sha256"
    moved = office.released(other, render_id=render_id)
    assert (await office.refused(moved, "FIELD_INVALID")).metadata["field"] == "render_id"


async def test_only_the_licensed_brand_and_the_house_release(office: Any) -> None:
    license = await office.licensed()
    for who, reason in (
        (office.rival, "LICENSE_NOT_FOUND"),
        (office.alba, "NOT_ALLOWED"),
        (office.identity.agency, "NOT_ALLOWED"),
        (office.identity.photographer, "LICENSE_NOT_FOUND"),
        ("public", "API_KEY_MISSING"),
    ):
        await office.refused(office.released(license, who=who), reason)
    for who in (office.brand, office.identity.staff, "service"):
        await office.released(license, who=who)


async def test_nothing_is_released_without_a_live_license(office: Any) -> None:
    await office.refused(office.released(await office.proposed()), "LICENSE_NOT_ACTIVE")
    ended = await office.licensed()
    await office.revoked(ended)
    await office.refused(office.released(ended), "LICENSE_NOT_ACTIVE")
    ahead = datetime.now(UTC) + timedelta(days=1)
    term = {"starts_at": stamp(ahead), "ends_at": stamp(ahead + timedelta(days=1))}
    early = await office.licensed(uses=[office.use(**term)])
    await office.refused(office.released(early), "LICENSE_NOT_ACTIVE")
    assert not await office.count("releases")


async def test_a_license_ends_with_its_term_by_the_databases_clock(office: Any) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=3)
    license = await office.licensed(uses=[office.use(ends_at=stamp(ends))], image_cap=10_000)
    refused_at = None
    async with asyncio.timeout(20):
        while refused_at is None:
            before = (await office.rows("SELECT clock_timestamp()"))[0][0]
            try:
                await office.released(license)
            except DomainError as error:
                assert error.reason == "LICENSE_EXPIRED"
                refused_at = before
    (last,) = await office.rows("SELECT max(released_at) AS at FROM releases")
    assert last.at < ends


async def test_a_picture_wants_her_yes_to_its_very_bytes(office: Any) -> None:
    license, other = [await office.licensed(approval_required=True) for _ in range(2)]
    await office.refused(office.released(license), "APPROVAL_MISSING")
    pending = await office.reviewed(license)
    await office.refused(office.released(license, render_id=pending), "APPROVAL_MISSING")
    render_id = await approved(office, license)
    changed = office.released(license, render_id=render_id, picture_sha256="ef" * 32)
    await office.refused(changed, "APPROVAL_MISSING")
    await office.refused(office.released(other, render_id=render_id), "APPROVAL_MISSING")
    await office.released(license, render_id=render_id)


async def test_a_consent_withdrawn_to_end_now_ends_at_once(office: Any) -> None:
    license = await office.licensed()
    await office.identity.withdrawn(office.alba, office.alba.consent)
    # No event was heard yet: identity is asked.
    await office.refused(office.released(license), "CONSENT_MISSING")
    # A new consent does not bring back what was granted under the old one.
    await office.identity.consented(office.alba)
    await office.refused(office.released(license), "CONSENT_MISSING")
    assert not await office.count("releases")


async def test_a_withdrawal_heard_while_identity_was_asked_still_counts(office: Any) -> None:
    license, waiting = await office.licensed(), await office.proposed()
    async with office.app.db.begin() as tx:
        note = "INSERT INTO withdrawn_consents VALUES (:consent, :talent, 'end_now')"
        await tx.execute(text(note), {"consent": office.alba.consent.id, "talent": office.alba.id})
    await office.refused(office.released(license), "CONSENT_MISSING")
    await office.refused(office.signed(waiting), "CONSENT_MISSING")
    assert await office.count("transactions") == 1


async def test_paid_licenses_run_to_their_term_where_the_consent_says_so(office: Any) -> None:
    identity, cleo = office.identity, office.identity.cleo
    await identity.withdrawn(cleo, cleo.consent)
    kept = await identity.consented(cleo, withdrawal_policy=RUN_TO_TERM)
    card = office.card(talent_id=cleo.id)
    await office.ask(cleo, "SetRateCard", rate_card=card)
    license = await office.signed(await office.proposed(talent_id=cleo.id), talent=cleo)
    waiting = await office.proposed(talent_id=cleo.id)
    await identity.withdrawn(cleo, kept)
    await hear_withdrawal(office, kept, cleo, RUN_TO_TERM)
    await office.released(license)
    await office.refused(office.signed(waiting, talent=cleo), "CONSENT_MISSING")
    found = await office.ask(office.brand, "GetLicense", license_id=license.id)
    assert found.license.state == 2


async def test_an_erasure_ends_what_was_to_run_to_its_term(office: Any) -> None:
    """identity says of the same consent again that it is withdrawn, now with end_now."""
    identity, cleo = office.identity, office.identity.cleo
    await identity.withdrawn(cleo, cleo.consent)
    kept = await identity.consented(cleo, withdrawal_policy=RUN_TO_TERM)
    await office.ask(cleo, "SetRateCard", rate_card=office.card(talent_id=cleo.id))
    license = await office.signed(await office.proposed(talent_id=cleo.id), talent=cleo)
    await identity.withdrawn(cleo, kept)
    await hear_withdrawal(office, kept, cleo, RUN_TO_TERM)
    await office.released(license)
    await identity.erased(cleo)
    await office.refused(office.released(license), "CONSENT_MISSING")  # nothing heard yet
    for policy in (consent_pb2.WITHDRAWAL_POLICY_END_NOW, RUN_TO_TERM):
        await hear_withdrawal(office, kept, cleo, policy)
        (noted,) = await office.rows(
            f"SELECT policy FROM withdrawn_consents WHERE consent_id = '{kept.id}'"
        )
        assert noted.policy == "end_now"
    found = await office.ask(office.brand, "GetLicense", license_id=license.id)
    assert found.license.state == REVOKED


async def hear_withdrawal(office: Any, consent: Any, talent: Any, policy: int) -> None:
    """Let licensing hear of a withdrawal."""
    event = identity_events.ConsentWithdrawn(
        consent_id=consent.id, talent_id=talent.id, policy=policy
    )
    await inbox.handle_once(office.app.db, new_id("evt"), event, consumers.end_under_consent)


async def test_a_heard_withdrawal_ends_what_was_granted_under_it_and_nothing_else(
    office: Any,
) -> None:
    first, proposed = await office.licensed(), await office.proposed()
    other = await office.identity.consented(office.alba)
    second = await office.licensed()
    for _ in range(2):
        await hear_withdrawal(office, office.alba.consent, office.alba, 2)
    states = {row.id: row.state for row in await office.rows("SELECT id, state FROM licenses")}
    assert states == {first.id: "revoked", second.id: "active", proposed.id: "proposed"}
    assert await office.count(f"reservations WHERE license_id = '{first.id}'") == 0
    (event,) = await office.events("LicenseRevoked")
    assert (event["reason"], event["signature"]) == ("consent_withdrawn", "")
    assert other.id


async def test_bad_input_is_named_and_draws_nothing(office: Any) -> None:
    license = await office.licensed()
    nobody = {"party_id": new_id("pty"), "role": "stylist"}
    bad: list[tuple[dict[str, Any], str]] = [
        ({"render_id": "x"}, "render_id"),
        ({"picture_sha256": "AB" * 32}, "picture_sha256"),
        ({"credits": [{"party_id": office.alba.id, "role": "driver"}]}, "credits[0].role"),
        ({"credits": [{"party_id": "me", "role": "stylist"}]}, "credits[0].party_id"),
        ({"credits": [nobody]}, "credits[0].party_id"),
        ({"credits": [nobody] * 101}, "credits"),
        ({"request_id": "a\0b"}, "request_id"),
    ]
    for changed, field in bad:
        error = await office.refused(office.released(license, **changed), "FIELD_INVALID")
        assert error.metadata["field"] == field
        assert error.metadata["rule"]
    assert not await office.count("releases")


async def test_the_database_draws_no_more_than_the_cap(office: Any, app: App) -> None:
    await office.licensed(image_cap=1)
    with pytest.raises(IntegrityError, match="images_used"):
        async with app.db.begin() as tx:
            await tx.execute(text("UPDATE licenses SET images_used = 2"))
