"""Talks: whose turn it is, what may be offered, and that nothing said is ever lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from licensing.domain import licenses as domain
from licensing.service import expiry
from sosia.common.v1 import money_pb2
from sosia.licensing.v1 import license_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

PROPOSED = license_pb2.LICENSE_STATE_PROPOSED
COUNTERED = license_pb2.LICENSE_STATE_COUNTERED
ACTIVE = license_pb2.LICENSE_STATE_ACTIVE
DECLINED = license_pb2.LICENSE_STATE_DECLINED
EXPIRED = license_pb2.LICENSE_STATE_EXPIRED


def euro(minor: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code="EUR", amount_minor=minor)


async def countered(office: Any, who: Any, license: Any, **fields: Any) -> Any:
    asked = office.ask(who, "CounterLicense", license_id=license.id, **fields)
    return (await asked).license


async def accepted(office: Any, license: Any, who: Any = None) -> Any:
    asked = office.ask(who or office.brand, "AcceptLicense", license_id=license.id)
    return (await asked).license


async def test_offers_go_to_and_fro_until_both_sides_want_one(office: Any) -> None:
    agency = office.identity.agency
    first = await office.proposed()
    dearer = await countered(office, agency, first, fee=euro(first.fee.amount_minor + 500_00))
    assert (dearer.state, dearer.offered_by) == (PROPOSED, license_pb2.SIDE_TALENT)
    assert (dearer.answers, dearer.terms) == (first.id, first.terms)
    halfway = await countered(
        office, office.brand, dearer, fee=euro(first.fee.amount_minor + 250_00), note="Halfway?"
    )
    last = await countered(office, office.alba, halfway, terms=office.terms(image_cap=2))
    await office.refused(office.signed(last), "LICENSE_NOT_ACCEPTED")
    agreed = await accepted(office, last)
    assert agreed.HasField("accepted_at")
    signed = await office.signed(agreed)
    assert (signed.state, signed.terms.image_cap) == (ACTIVE, 2)
    found = await office.ask(office.brand, "ListLicenseChanges", license_id=signed.id)
    steps = [(change.license_id, change.state) for change in found.changes]
    assert steps == [
        (first.id, PROPOSED), (first.id, COUNTERED), (dearer.id, PROPOSED),
        (dearer.id, COUNTERED), (halfway.id, PROPOSED), (halfway.id, COUNTERED),
        (last.id, PROPOSED), (last.id, PROPOSED), (last.id, ACTIVE),
    ]  # fmt: skip
    assert found.changes[3].note == "Halfway?"
    assert found.changes[1].party_id == agency.id
    events = [len(await office.events(f"License{what}")) for what in ("Countered", "Accepted")]
    assert events == [3, 1]


async def test_the_fee_that_was_agreed_is_the_fee_that_is_signed_and_posted(office: Any) -> None:
    first = await office.proposed()
    wanted = first.fee.amount_minor + 123_45
    offer = await countered(office, office.alba, first, fee=euro(wanted))
    signed = await office.signed(await accepted(office, offer))
    assert signed.fee == euro(wanted)
    assert str(wanted).encode() in signed.statement
    entries = (await office.ask("service", "ListEntries", subject_id=signed.id)).entries
    assert sum(e.amount.amount_minor for e in entries if e.amount.amount_minor > 0) == wanted


async def test_nobody_answers_his_own_offer_nor_out_of_turn(office: Any) -> None:
    agency, license = office.identity.agency, await office.proposed()
    await office.refused(countered(office, office.brand, license), "NOT_YOUR_TURN")
    await office.refused(accepted(office, license), "NOT_YOUR_TURN")
    offer = await countered(office, agency, license)
    await office.refused(countered(office, agency, offer), "NOT_YOUR_TURN")
    await office.refused(countered(office, office.alba, offer), "NOT_YOUR_TURN")
    await office.refused(countered(office, office.brand, license), "LICENSE_NOT_PROPOSED")
    await accepted(office, offer)
    await office.refused(countered(office, office.brand, offer), "NOT_YOUR_TURN")
    await office.refused(accepted(office, offer), "NOT_YOUR_TURN")


async def test_strangers_and_staff_have_no_side(office: Any) -> None:
    license = await office.proposed()
    await office.refused(countered(office, office.rival, license), "LICENSE_NOT_FOUND")
    await office.refused(countered(office, office.identity.staff, license), "NOT_ALLOWED")
    for who in (office.alba, office.identity.agency):
        await office.refused(accepted(office, license, who), "NOT_ALLOWED")


async def test_no_fee_is_below_her_human_booking(office: Any) -> None:
    license = await office.proposed()
    before = [await office.count(table) for table in ("quotes", "licenses", "license_changes")]
    for fee, field, reason in (
        (euro(1), "fee.amount_minor", "FEE_BELOW_FLOOR"),
        (euro(-5), "fee.amount_minor", "FEE_BELOW_FLOOR"),
        (money_pb2.Money(currency_code="SEK", amount_minor=10**7), "fee.currency_code",
         "FIELD_INVALID"),
    ):  # fmt: skip
        error = await office.refused(countered(office, office.alba, license, fee=fee), reason)
        assert error.metadata["field"] == field
    other = office.terms(brand_id=office.rival.id)
    error = await office.refused(
        countered(office, office.alba, license, terms=other), "FIELD_INVALID"
    )
    assert error.metadata["field"] == "terms.brand_id"
    after = [await office.count(table) for table in ("quotes", "licenses", "license_changes")]
    assert after == before


async def test_either_side_may_end_the_talks_and_says_why(office: Any) -> None:
    for who in (office.brand, office.alba, office.identity.agency):
        license = await office.proposed()
        asked = office.ask(who, "DeclineLicense", license_id=license.id, note="Not now.")
        assert (await asked).license.state == DECLINED
        await office.refused(office.signed(license), "LICENSE_NOT_PROPOSED")
    events = await office.events("LicenseDeclined")
    assert [event["reason"] for event in events] == ["brand", "talent", "talent"]


async def test_of_racing_answers_one_stands(office: Any) -> None:
    license = await office.proposed()
    racing = [
        *(countered(office, office.alba, license, request_id=f"c{n}") for n in range(4)),
        *(countered(office, office.alba, license, request_id="same") for _ in range(4)),
        office.signed(license),
    ]
    answers = await asyncio.gather(*racing, return_exceptions=True)
    made = [one for one in answers if not isinstance(one, BaseException)]
    assert made
    found = await office.ask(office.brand, "ListLicenses", brand_id=office.brand.id)
    states = sorted(
        one.state for one in found.licenses if one.answers != "" or one.id == license.id
    )
    assert states in ([PROPOSED, COUNTERED], [ACTIVE])


async def test_a_repeat_answers_as_the_first_time(office: Any) -> None:
    license = await office.proposed()
    first = await countered(office, office.alba, license, request_id="once")
    assert await countered(office, office.alba, license, request_id="once") == first
    again = countered(office, office.alba, license, request_id="once", note="other")
    await office.refused(again, "REQUEST_REUSED")


async def test_a_renewal_follows_a_license_of_the_same_sides(office: Any) -> None:
    license = await office.licensed()
    quote = await office.quoted()
    ask = {"quote_id": quote.id, "renews": license.id}
    renewed = (await office.ask(office.brand, "ProposeLicense", **ask)).license
    assert (renewed.renews, renewed.state) == (license.id, PROPOSED)
    assert (await office.signed(renewed)).state == ACTIVE
    others = await office.quoted(brand_id=office.rival.id)
    wrong = office.ask(office.rival, "ProposeLicense", quote_id=others.id, renews=license.id)
    error = await office.refused(wrong, "FIELD_INVALID")
    assert error.metadata["field"] == "renews"


async def test_a_term_that_is_over_is_told_once_and_its_license_ends_for_good(office: Any) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=1.5)
    brief = office.use(ends_at=office.use().starts_at.__class__(seconds=int(ends.timestamp()) + 1))
    license = await office.licensed(uses=[brief])
    assert await expiry.expire_over(office.app.db) == 0
    left = license.ends_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)
    await asyncio.sleep(max(0.0, left.total_seconds()) + 0.1)
    runs = await asyncio.gather(*(expiry.expire_over(office.app.db) for _ in range(4)))
    await asyncio.gather(*(expiry.expire_over(office.app.db) for _ in range(2)))
    assert sum(runs) <= 1
    found = await office.ask(office.brand, "GetLicense", license_id=license.id)
    assert found.license.state == EXPIRED
    assert len(await office.events("LicenseExpired")) == 1
    await office.refused(office.revoked(license), "LICENSE_NOT_ACTIVE")
    use = {"license_id": license.id, "media": "social", "territory": "SE"}
    denied = await office.ask(office.brand, "Authorize", **use)
    assert list(denied.reasons) == ["LICENSE_EXPIRED"]


async def test_what_happened_to_a_license_only_grows(office: Any) -> None:
    license = await office.licensed()
    for statement in (
        f"UPDATE license_changes SET note = 'x' WHERE license_id = '{license.id}'",
        "DELETE FROM license_changes",
        f"UPDATE licenses SET state = 'proposed' WHERE id = '{license.id}'",
        f"UPDATE licenses SET offered_by = 'talent' WHERE id = '{license.id}'",
    ):
        with pytest.raises(IntegrityError):
            async with office.app.db.begin() as tx:
                await tx.execute(text(statement))


def test_every_state_is_one_of_the_contracts() -> None:
    values = license_pb2.LicenseState.items()
    names = {name.removeprefix("LICENSE_STATE_").lower() for name, value in values if value}
    assert {str(state) for state in domain.State} == names
