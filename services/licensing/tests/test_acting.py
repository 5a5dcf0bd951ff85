"""Who acts for a talent: an agency within the bounds she signed, successors never beyond her."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from house.people import laws_of_sweden, stamp
from identity import consumers as identity_consumers
from kit import inbox
from kit.ids import new_id
from licensing import consumers
from sosia.common.v1 import money_pb2
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.licensing.v1 import events_pb2, license_pb2

ACTIVE, REVOKED = license_pb2.LICENSE_STATE_ACTIVE, license_pb2.LICENSE_STATE_REVOKED
PROPOSED = license_pb2.LICENSE_STATE_PROPOSED
SHA = "ab" * 32


def eur(minor: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code="EUR", amount_minor=minor)


def by_delegate(license: Any, delegation: Any) -> bytes:
    said = {
        "type": "sosia.license-by-delegate/1",
        "delegation_id": delegation.id,
        "license_id": license.id,
        "license": json.loads(license.statement),
    }
    return rfc8785.dumps(said)


@pytest.fixture
def jurisdictions() -> Path:
    """Laws by which agencies sign licenses in Sweden, where Alba is represented."""
    return laws_of_sweden()


async def delegated(office: Any, **changed: Any) -> Any:
    identity, given = office.identity, {"acts": [1, 2]} | changed
    return await identity.delegated(office.alba, identity.agency, office.brand, **given)


async def signed(office: Any, license: Any, delegation: Any, **changed: Any) -> Any:
    """Let the agency sign a license under a delegation."""
    agency = office.identity.agency
    fields = {
        "license_id": license.id,
        "delegation_id": delegation.id,
        "signature": agency.sign(by_delegate(license, delegation)),
    }
    return (await office.ask(agency, "SignLicense", **(fields | changed))).license


async def hear(office: Any, name: str, **fields: Any) -> None:
    """Let licensing hear an event of identity."""
    handlers = {
        "DelegationEnded": consumers.end_under_delegation,
        "EstateOpened": consumers.note_estate_opened,
        "EstateSettled": consumers.note_estate_settled,
        "EstateStopped": consumers.note_estate_stopped,
    }
    event = getattr(identity_events, name)(**fields)
    await inbox.handle_once(office.app.db, f"{name}{fields}", event, handlers[name])


async def test_an_agency_signs_within_its_bounds_and_it_is_logged(office: Any) -> None:
    delegation = await delegated(office)
    license = await signed(office, await office.proposed(category="coats"), delegation)
    assert (license.state, license.delegation_id) == (ACTIVE, delegation.id)
    (event,) = await office.events("LicenseSigned")
    assert event["delegationId"] == delegation.id
    identity = office.identity

    async def logged() -> Any:
        asking = identity.ask(identity.agency, "ListReceipts", subject_ids=[license.id])
        return (await asking).receipts

    statement = json.loads(by_delegate(license, delegation))
    heard = events_pb2.LicenseSigned(
        license_id=license.id,
        brand_id=office.brand.id,
        talent_id=office.alba.id,
        statement=rfc8785.dumps(statement),
        signature=identity.agency.sign(rfc8785.dumps(statement)),
        delegation_id=delegation.id,
    )
    async with identity.app.db.begin() as tx:
        await identity_consumers.note_license_signed(tx, heard)
    (receipt,) = await logged()
    assert receipt.public_key == identity.agency.public_key


@pytest.mark.parametrize(
    ("bound", "limits", "asked"),
    [
        ("acts", {"acts": [2]}, {}),
        ("categories", {"categories": ["coats"]}, {}),
        ("categories", {"categories": ["no such thing"]}, {}),
        ("fee_floor", {"fee_floor": eur(10_000_000)}, {}),
        ("longest_term_days", {"longest_term_days": 29}, {}),
        ("exclusive", {}, {"exclusive": True}),
    ],
)
async def test_outside_it_is_refused_by_the_bounds_name(
    office: Any, bound: str, limits: Any, asked: Any
) -> None:
    delegation = await delegated(office, **limits)
    license = await office.proposed(**asked)
    error = await office.refused(signed(office, license, delegation), "DELEGATION_EXCEEDED")
    assert error.metadata["bound"] == bound
    found = (await office.ask(office.alba, "GetLicense", license_id=license.id)).license
    assert (found.state, found.delegation_id) == (PROPOSED, "")
    assert (await office.signed(license)).state == ACTIVE  # her own hand knows no such bound


async def test_another_brand_and_another_currency_are_outside(office: Any) -> None:
    identity = office.identity
    fields = (office.alba, identity.agency, office.rival)
    other = await identity.delegated(*fields, acts=[1, 2])
    error = await office.refused(
        signed(office, await office.proposed(), other), "DELEGATION_EXCEEDED"
    )
    assert error.metadata["bound"] == "brand_ids"
    floor = eur(1)
    floor.currency_code = "SEK"
    delegation = await delegated(office, fee_floor=floor)
    error = await office.refused(
        signed(office, await office.proposed(), delegation), "DELEGATION_EXCEEDED"
    )
    assert error.metadata["bound"] == "fee_floor"


async def test_only_the_agencys_own_word_over_this_license_counts(office: Any) -> None:
    identity = office.identity
    delegation, license = await delegated(office), await office.proposed()
    for signature in (
        identity.agency.sign(license.statement),
        office.alba.sign(by_delegate(license, delegation)),
        identity.agency.sign(by_delegate(await office.proposed(), delegation)),
    ):
        asking = signed(office, license, delegation, signature=signature)
        await office.refused(asking, "SIGNATURE_INVALID")
    words = {"license_id": license.id, "delegation_id": delegation.id}
    words["signature"] = identity.agency.sign(by_delegate(license, delegation))
    await office.refused(office.ask(office.brand, "SignLicense", **words), "NOT_ALLOWED")
    words["delegation_id"] = ""
    await office.refused(office.ask(identity.agency, "SignLicense", **words), "NOT_ALLOWED")


async def test_a_revoked_delegation_signs_nothing_and_what_was_signed_stands(
    office: Any,
) -> None:
    delegation = await delegated(office)
    before = await signed(office, await office.proposed(), delegation)
    ended = await office.identity.undelegated(office.alba, delegation)
    later = await office.proposed(category="coats")
    error = await office.refused(signed(office, later, delegation), "DELEGATION_NOT_IN_FORCE")
    assert error.metadata["why"] == "REVOKED"
    await hear(
        office,
        "DelegationEnded",
        delegation_id=delegation.id,
        talent_id=office.alba.id,
        ended_at=ended.ended_at,
    )
    found = (await office.ask(office.alba, "GetLicense", license_id=before.id)).license
    assert found.state == ACTIVE


async def test_what_was_signed_after_the_end_is_ended_when_it_is_heard(office: Any) -> None:
    """As when the signature overtook the news: identity was asked just before."""
    delegation = await delegated(office)
    license = await signed(office, await office.proposed(), delegation)
    ended_at = stamp(datetime.now(UTC) - timedelta(minutes=1))
    fields = {"delegation_id": delegation.id, "talent_id": office.alba.id, "ended_at": ended_at}
    await hear(office, "DelegationEnded", **fields)
    found = (await office.ask(office.alba, "GetLicense", license_id=license.id)).license
    assert found.state == REVOKED
    (event,) = await office.events("LicenseRevoked")
    assert event["reason"] == "delegation_ended"
    again = signed(office, await office.proposed(category="coats"), delegation)
    await office.refused(again, "DELEGATION_NOT_IN_FORCE")


async def test_a_delegation_needs_her_consent_all_the_same(office: Any) -> None:
    delegation = await delegated(office)
    license = await office.proposed()
    await office.identity.withdrawn(office.alba, office.alba.consent)
    await office.refused(signed(office, license, delegation), "CONSENT_MISSING")


async def asked(office: Any, license: Any) -> Any:
    render_id = await office.reviewed(license)
    answer = await office.ask(office.alba, "ListApprovals", render_id=render_id)
    return answer.approvals[0]


async def test_an_agency_decides_about_a_picture_within_its_bounds(office: Any) -> None:
    delegation, agency = await delegated(office), office.identity.agency
    narrow = await delegated(office, acts=[1])
    license = await office.licensed(approval_required=True)
    approval = await asked(office, license)
    said = {
        "type": "sosia.approval-by-delegate/1",
        "render_id": approval.render_id,
        "approval": json.loads(approval.approve_statement),
    }
    for one, reason in ((delegation, "DELEGATION_NOT_IN_FORCE"), (narrow, "DELEGATION_EXCEEDED")):
        words = rfc8785.dumps(said | {"delegation_id": one.id})
        fields = {"approval_id": approval.id, "approve": True, "signature": agency.sign(words)}
        deciding = office.ask(agency, "DecideApproval", delegation_id=one.id, **fields)
        await office.refused(deciding, reason)
    wide = await delegated(office)
    words = rfc8785.dumps(said | {"delegation_id": wide.id})
    fields["signature"] = agency.sign(words)
    answer = await office.ask(agency, "DecideApproval", delegation_id=wide.id, **fields)
    assert answer.approval.state == license_pb2.APPROVAL_STATE_APPROVED


async def may(office: Any, license: Any) -> list[str]:
    """Return why a use of a license is refused now."""
    fields = {"license_id": license.id, "media": "social", "territory": "SE"}
    return list((await office.ask(office.brand, "Authorize", **fields)).reasons)


async def granted(office: Any, license: Any) -> None:
    fields = {"twin_version_id": new_id("twn"), "brief_sha256": SHA, "count": 1}
    await office.ask(office.brand, "IssueGrant", license_id=license.id, **fields)


async def test_nothing_is_rendered_or_released_until_an_estate_is_settled(office: Any) -> None:
    identity, alba = office.identity, office.alba
    heir = await identity.party("successor")
    license = await office.licensed(approval_required=True)
    approval = await asked(office, license)
    assert await may(office, license) == []
    estate = await identity.died(alba, heir)
    assert await may(office, license) == ["CONSENT_FROZEN"]
    await office.refused(granted(office, license), "CONSENT_MISSING")
    await office.refused(office.released(license), "CONSENT_MISSING")
    fields = {"approval_id": approval.id, "approve": True}
    for who in (alba, heir):
        words = who.sign(approval.approve_statement)
        deciding = office.ask(who, "DecideApproval", signature=words, **fields)
        await office.refused(deciding, "ESTATE_FROZEN")
    await office.refused(office.proposed(category="coats"), "CONSENT_MISSING")
    await identity.accepted(estate, heir)
    await identity.passed(estate)
    assert await may(office, license) == ["CONSENT_FROZEN"]
    await identity.ask(identity.staff, "SettleEstate", estate_id=estate.id)
    assert await may(office, license) == []
    await granted(office, license)
    await office.refused(office.proposed(category="coats"), "CONSENT_MISSING")
    words = alba.sign(approval.approve_statement)
    await office.refused(
        office.ask(alba, "DecideApproval", signature=words, **fields), "SIGNATURE_INVALID"
    )
    words = heir.sign(approval.approve_statement)
    await office.ask(heir, "DecideApproval", signature=words, **fields)
    assert await office.released(license, render_id=approval.render_id)


async def test_an_estate_ends_licenses_and_signs_none(office: Any) -> None:
    identity, alba = office.identity, office.alba
    heir, stranger = await identity.party("successor"), await identity.party("successor")
    license, open_ = await office.licensed(), await office.proposed(category="coats")
    await identity.settled(alba, heir)
    words = {"license_id": open_.id, "signature": heir.sign(open_.statement)}
    await office.refused(office.ask(heir, "SignLicense", **words), "NOT_ALLOWED")
    await office.refused(office.ask(identity.staff, "SignLicense", **words), "ESTATE_FROZEN")
    words["signature"] = alba.sign(open_.statement)
    await office.refused(office.ask(alba, "SignLicense", **words), "ESTATE_FROZEN")
    words = {"license_id": license.id}
    for who, reason in ((stranger, "LICENSE_NOT_FOUND"), (heir, "")):
        words["signature"] = who.sign(f"revoke:{license.id}".encode())
        asking = office.ask(who, "RevokeLicense", **words)
        if reason:
            await office.refused(asking, reason)
        else:
            assert (await asking).license.state == REVOKED


async def test_news_of_an_estate_is_minded_under_the_lock(office: Any) -> None:
    """As when identity was asked just before it was opened."""
    license, open_ = await office.licensed(), await office.proposed(category="coats")
    fields = {"estate_id": "est_1", "talent_id": office.alba.id}
    await hear(office, "EstateOpened", **fields)
    await office.refused(office.released(license), "CONSENT_MISSING")
    await office.refused(office.signed(open_), "ESTATE_FROZEN")
    await hear(office, "EstateStopped", **fields)
    assert await office.released(license)
    assert (await office.signed(open_)).state == ACTIVE


async def test_the_time_for_a_word_stands_still_with_the_estate(office: Any) -> None:
    license = await office.licensed(approval_required=True)
    approval = await asked(office, license)
    fields = {"estate_id": "est_1", "talent_id": office.alba.id}
    await hear(office, "EstateOpened", **fields)
    await hear(office, "EstateSettled", **fields)
    (later,) = await office.rows("SELECT deadline FROM approvals")
    assert later.deadline > approval.deadline.ToDatetime(tzinfo=UTC)
    again = {"estate_id": "est_1", "talent_id": office.alba.id}
    await hear(office, "EstateStopped", **again)
    (same,) = await office.rows("SELECT deadline FROM approvals")
    assert same == later
