"""Delegations: within bounds she signed, revocable at any time, and never a consent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from house.people import laws_of_sweden, stamp
from house.talents import represent
from kit.errors import DomainError
from proofs import check
from sosia.identity.v1 import delegation_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

ACTIVE = delegation_pb2.DELEGATION_STATE_ACTIVE
SUPERSEDED = delegation_pb2.DELEGATION_STATE_SUPERSEDED
REVOKED = delegation_pb2.DELEGATION_STATE_REVOKED
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest_asyncio.fixture
async def three(desk: Any) -> tuple[Any, Any, Any]:
    """A talent, the agency that represents her, and a brand."""
    talent, agency = await desk.party("talent"), await desk.party("agency")
    await represent(desk, agency, talent)
    return talent, agency, await desk.party("brand")


async def see(desk: Any, delegation: Any) -> Any:
    asking = desk.ask(desk.staff, "GetDelegation", delegation_id=delegation.id)
    return (await asking).delegation


async def test_she_signs_what_the_agency_may_do_and_it_is_logged(desk: Any, three: Any) -> None:
    talent, agency, brand = three
    made = await desk.delegated(talent, agency, brand)
    assert (made.state, made.version, made.in_force, made.why_not) == (ACTIVE, 1, True, "")
    assert list(made.agency_keys) == [agency.public_key]
    found = await desk.ask(agency, "ListReceipts", subject_ids=[made.id])
    (receipt,) = found.receipts
    assert receipt.kind == "delegation_signed"
    key = (await desk.ask(desk.staff, "GetCheckpoint")).verifier_key
    assert not check(receipt, key)


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("bounds.acts", {"acts": None}),
        ("bounds.acts", {"acts": [9]}),
        ("bounds.brand_ids", {"brand_ids": None}),
        ("bounds.brand_ids[0]", {"brand_ids": ["x"]}),
        ("bounds.categories", {"categories": None}),
        ("bounds.fee_floor.currency_code", {"fee_floor": None}),
        ("bounds.starts_at", {"starts_at": None}),
        ("bounds.ends_at", {"ends_at": None}),
        ("bounds.ends_at", {"ends_at": stamp(NOW + timedelta(days=400))}),
        ("bounds.ends_at", {"ends_at": stamp(NOW - timedelta(hours=1))}),
        ("bounds.longest_term_days", {"longest_term_days": 0}),
    ],
)
async def test_every_bound_is_named(desk: Any, three: Any, field: str, changed: Any) -> None:
    error = await desk.refused(desk.delegated(*three, **changed), "FIELD_INVALID")
    assert error.metadata["field"] == field


async def test_only_she_signs_and_only_she_ends_it(desk: Any, three: Any) -> None:
    talent, agency, brand = three
    fields = {"talent_id": talent.id, "agency_id": agency.id, "bounds": desk.bounds(brand)}
    made = (await desk.ask(agency, "ProposeDelegation", **fields)).delegation
    by_agency = {"delegation_id": made.id, "signature": agency.sign(made.statement)}
    await desk.refused(desk.ask(agency, "SignDelegation", **by_agency), "NOT_ALLOWED")
    await desk.refused(desk.ask(desk.staff, "SignDelegation", **by_agency), "SIGNATURE_INVALID")
    signed = {"delegation_id": made.id, "signature": talent.sign(made.statement)}
    made = (await desk.ask(talent, "SignDelegation", **signed)).delegation
    again = desk.ask(talent, "SignDelegation", **signed)
    await desk.refused(again, "DELEGATION_NOT_PROPOSED")
    by_agency["signature"] = agency.sign(made.revocation_statement)
    await desk.refused(desk.ask(desk.staff, "RevokeDelegation", **by_agency), "SIGNATURE_INVALID")
    ended = await desk.undelegated(talent, made)
    assert (ended.state, ended.in_force, ended.why_not) == (REVOKED, False, "REVOKED")
    await desk.refused(desk.undelegated(talent, made), "DELEGATION_NOT_ACTIVE")
    stranger = await desk.party("agency")
    asking = desk.ask(stranger, "GetDelegation", delegation_id=made.id)
    await desk.refused(asking, "DELEGATION_NOT_FOUND")


async def test_those_to_an_agency_are_seen_by_it(desk: Any, three: Any) -> None:
    talent, agency, _ = three
    made = await desk.delegated(*three)
    for who in (agency, desk.staff):
        found = await desk.ask(who, "ListDelegations", agency_id=agency.id)
        assert [one.id for one in found.delegations] == [made.id]
        agreed = await desk.ask(who, "ListRepresentations", agency_id=agency.id)
        assert [one.talent_id for one in agreed.representations] == [talent.id]
    for who in (talent, await desk.party("agency")):
        for call in ("ListDelegations", "ListRepresentations"):
            await desk.refused(desk.ask(who, call, agency_id=agency.id), "NOT_ALLOWED")
    both = {"agency_id": agency.id, "talent_id": talent.id}
    await desk.refused(desk.ask(agency, "ListDelegations", **both), "FIELD_INVALID")
    await represent(desk, await desk.party("agency"), talent)
    agreed = await desk.ask(agency, "ListRepresentations", agency_id=agency.id)
    assert not agreed.representations


async def test_a_new_version_takes_the_place_of_the_old(desk: Any, three: Any) -> None:
    first = await desk.delegated(*three)
    second = await desk.delegated(*three, longest_term_days=10)
    assert second.version == 2
    old = await see(desk, first)
    assert (old.state, old.in_force) == (SUPERSEDED, False)
    assert old.statement == first.statement
    assert (await see(desk, second)).in_force


async def test_an_older_proposal_never_overrules_a_newer_version(desk: Any, three: Any) -> None:
    talent, agency, brand = three
    fields = {"talent_id": talent.id, "agency_id": agency.id, "bounds": desk.bounds(brand)}
    old = (await desk.ask(agency, "ProposeDelegation", **fields)).delegation
    await desk.delegated(*three)
    signed = {"delegation_id": old.id, "signature": talent.sign(old.statement)}
    await desk.refused(desk.ask(talent, "SignDelegation", **signed), "DELEGATION_NOT_PROPOSED")


async def test_a_delegation_never_consents_for_her(desk: Any, three: Any) -> None:
    talent, agency, brand = three
    await desk.delegated(talent, agency, brand)
    consent = await desk.proposed(talent)
    for who, reason in ((agency, "NOT_ALLOWED"), (desk.staff, "SIGNATURE_INVALID")):
        fields = {"consent_id": consent.id, "signature": agency.sign(consent.statement)}
        await desk.refused(desk.ask(who, "SignConsent", **fields), reason)
    given = await desk.consented(talent)
    fields = {"consent_id": given.id, "signature": agency.sign(given.withdrawal_statement)}
    await desk.refused(desk.ask(desk.staff, "WithdrawConsent", **fields), "SIGNATURE_INVALID")
    names = delegation_pb2.DelegatedAct.keys()
    assert not [name for name in names if "CONSENT" in name]


@pytest.mark.parametrize("jurisdiction", ["SE", "US-NY"])
async def test_only_she_signs_licenses_by_the_laws_that_ship(desk: Any, jurisdiction: str) -> None:
    talent, agency, brand = [await desk.party(kind) for kind in ("talent", "agency", "brand")]
    await represent(desk, agency, talent, jurisdiction=jurisdiction)
    fields = {"talent_id": talent.id, "agency_id": agency.id}
    agreed = await desk.ask(talent, "GetRepresentation", talent_id=talent.id)
    assert list(agreed.delegable) == [delegation_pb2.DELEGATED_ACT_DECIDE_APPROVAL]
    wide = desk.bounds(brand, acts=[1, 2])
    proposing = desk.ask(agency, "ProposeDelegation", bounds=wide, **fields)
    with pytest.raises(DomainError, match="only the talent signs a license") as caught:
        await proposing
    assert (caught.value.reason, caught.value.metadata["field"]) == ("FIELD_INVALID", "bounds.acts")
    deciding = desk.bounds(brand, acts=[delegation_pb2.DELEGATED_ACT_DECIDE_APPROVAL])
    asking = desk.ask(agency, "ProposeDelegation", bounds=deciding, **fields)
    made = (await asking).delegation
    assert made.id


@pytest.mark.parametrize("jurisdictions", [laws_of_sweden()])
async def test_she_signed_where_it_was_allowed_and_that_changed(desk: Any, three: Any) -> None:
    talent, agency, brand = three
    fields = {"talent_id": talent.id, "agency_id": agency.id}
    agreed = await desk.ask(talent, "GetRepresentation", talent_id=talent.id)
    assert list(agreed.delegable) == [1, 2]
    wide = desk.bounds(brand, acts=[1, 2])
    made = (await desk.ask(agency, "ProposeDelegation", bounds=wide, **fields)).delegation
    await represent(desk, agency, talent, jurisdiction="US-NY")
    signed = {"delegation_id": made.id, "signature": talent.sign(made.statement)}
    await desk.refused(desk.ask(talent, "SignDelegation", **signed), "FIELD_INVALID")


async def test_it_falls_with_the_representation(desk: Any, three: Any) -> None:
    talent, _, brand = three
    made = await desk.delegated(*three)
    other = await desk.party("agency")
    await represent(desk, other, talent)
    found = await see(desk, made)
    assert (found.in_force, found.why_not) == (False, "NOT_REPRESENTED")
    stranger = await desk.party("agency")
    with pytest.raises(DomainError) as caught:
        await desk.ask(
            desk.staff,
            "ProposeDelegation",
            talent_id=talent.id,
            agency_id=stranger.id,
            bounds=desk.bounds(brand),
        )
    assert caught.value.reason == "NOT_REPRESENTED"


async def test_it_has_not_begun_before_it_begins(desk: Any, three: Any) -> None:
    made = await desk.delegated(*three, starts_at=stamp(NOW + timedelta(days=1)))
    assert (made.in_force, made.why_not) == (False, "NOT_BEGUN")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE delegations SET floor_minor = 1",
        "UPDATE delegations SET state = 'proposed', signed_at = NULL, receipt_id = ''",
        "DELETE FROM delegations",
    ],
)
async def test_the_database_edits_no_delegation(desk: Any, three: Any, change: str) -> None:
    await desk.delegated(*three)
    with pytest.raises(IntegrityError):
        async with desk.app.db.begin() as tx:
            await tx.execute(text(change))
