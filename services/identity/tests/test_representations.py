"""Representation: proposed by either side, agreed by the talent alone, ended by either side."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from house.talents import represent
from kit.errors import InvalidArgument, PermissionDenied
from proofs import check
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

START = datetime(2026, 1, 1, tzinfo=UTC)


def agreement(
    agency: Any, talent: Any, *, signer: Any = None, days: int = 1000, **changed: Any
) -> dict[str, Any]:
    """Return a request the talent signed, or somebody else."""
    ends = START + timedelta(days=days)
    signed = {
        "agency_id": agency.id,
        "commission_bp": 2000,
        "jurisdiction": "US-NY",
        "talent_id": talent.id,
    } | changed
    said = signed | {
        "type": "sosia.representation/1",
        "starts_at": START.isoformat().replace("+00:00", "Z"),
        "ends_at": ends.isoformat().replace("+00:00", "Z"),
    }
    signature = (signer or talent).sign(rfc8785.dumps(said))
    return signed | {"starts_at": START, "ends_at": ends, "signature": signature}


async def test_a_talent_agrees_to_be_represented(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    assert not (await desk.ask(agency, "GetRepresentation", talent_id=talent.id)).HasField(
        "representation"
    )
    agreed = await desk.ask(agency, "AgreeRepresentation", **agreement(agency, talent))
    found = await desk.ask(talent, "GetRepresentation", talent_id=talent.id)
    assert found.representation == agreed.representation
    subjects = [agreed.representation.id]
    receipts = (await desk.ask(agency, "ListReceipts", subject_ids=subjects)).receipts
    assert [receipt.kind for receipt in receipts] == ["representation_agreed"]


async def test_an_agency_cannot_sign_for_the_talent(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    request = agreement(agency, talent, signer=agency)
    await desk.refused(desk.ask(agency, "AgreeRepresentation", **request), "SIGNATURE_INVALID")


async def test_commission_and_length_have_their_limits(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")

    async def ask(**fields: Any) -> Any:
        request = agreement(agency, talent, **fields)
        return await desk.ask(agency, "AgreeRepresentation", **request)

    await desk.refused(ask(commission_bp=2001), "COMMISSION_ABOVE_CAP", InvalidArgument)
    await desk.refused(ask(days=1097), "REPRESENTATION_TOO_LONG", InvalidArgument)
    await desk.refused(ask(jurisdiction="us-ny"), "FIELD_INVALID")
    await desk.refused(ask(commission_bp=-1), "FIELD_INVALID")
    assert (await ask(commission_bp=2500, jurisdiction="SE")).representation.id
    assert (await ask(days=1096)).representation.id  # 2026 to 2029: one leap day


async def test_a_stranger_brings_no_agreement(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    other = await desk.party("agency")
    asking = desk.ask(other, "AgreeRepresentation", **agreement(agency, talent))
    await desk.refused(asking, "NOT_ALLOWED", PermissionDenied)


def terms(agency: Any, talent: Any, **changed: Any) -> dict[str, Any]:
    """Return what an agency offers, from an hour ago on."""
    starts = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    said = {"agency_id": agency.id, "talent_id": talent.id, "commission_bp": 1800}
    said |= {"jurisdiction": "US-NY", "starts_at": starts}
    return said | {"ends_at": starts + timedelta(days=365)} | changed


async def offered(desk: Any, agency: Any, talent: Any, **changed: Any) -> Any:
    asking = desk.ask(agency, "ProposeRepresentation", **terms(agency, talent, **changed))
    return (await asking).representation


async def signed(desk: Any, agency: Any, talent: Any) -> Any:
    offer = await offered(desk, agency, talent)
    word = {"representation_id": offer.id, "signature": talent.sign(offer.statement)}
    return (await desk.ask(talent, "SignRepresentation", **word)).representation


async def in_force(desk: Any, talent: Any) -> str:
    """Return the id of what holds now."""
    found = await desk.ask(talent, "GetRepresentation", talent_id=talent.id)
    return str(found.representation.id)


async def test_an_offer_counts_for_nothing_until_she_signs(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    offer = await offered(desk, agency, talent)
    assert (offer.in_force, offer.why_not) == (False, "PROPOSED")
    assert await in_force(desk, talent) == ""
    by_agency = {"representation_id": offer.id, "signature": agency.sign(offer.statement)}
    await desk.refused(desk.ask(agency, "SignRepresentation", **by_agency), "NOT_ALLOWED")
    await desk.refused(desk.ask(desk.staff, "SignRepresentation", **by_agency), "SIGNATURE_INVALID")
    word = {"representation_id": offer.id, "signature": talent.sign(offer.statement)}
    agreed = (await desk.ask(talent, "SignRepresentation", **word)).representation
    assert (agreed.id, agreed.in_force, agreed.why_not) == (offer.id, True, "")
    assert await in_force(desk, talent) == offer.id
    again = desk.ask(talent, "SignRepresentation", **word)
    await desk.refused(again, "REPRESENTATION_NOT_PROPOSED")
    (receipt,) = (await desk.ask(agency, "ListReceipts", subject_ids=[offer.id])).receipts
    key = (await desk.ask(desk.staff, "GetCheckpoint")).verifier_key
    assert (receipt.kind, check(receipt, key)) == ("representation_agreed", "")


async def test_an_offer_keeps_to_the_limits(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    for reason, changed in {
        "COMMISSION_ABOVE_CAP": {"commission_bp": 2001},
        "REPRESENTATION_TOO_LONG": {"ends_at": START + timedelta(days=2000)},
        "FIELD_INVALID": {"jurisdiction": "New York"},
        "PARTY_NOT_FOUND": {"talent_id": "pty_0"},
        "NOT_ALLOWED": {"agency_id": (await desk.party("agency")).id},
    }.items():
        await desk.refused(offered(desk, agency, talent, **changed), reason)
    for _ in range(10):
        await offered(desk, agency, talent)
    await desk.refused(offered(desk, agency, talent), "FIELD_INVALID")
    assert await offered(desk, await desk.party("agency"), talent)


async def test_what_is_over_is_not_signed(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    offer = await offered(desk, agency, talent, ends_at=soon)
    await asyncio.sleep((soon - datetime.now(UTC)).total_seconds() + 0.1)
    word = {"representation_id": offer.id, "signature": talent.sign(offer.statement)}
    refused = desk.ask(talent, "SignRepresentation", **word)
    await desk.refused(refused, "REPRESENTATION_NOT_PROPOSED")


@pytest.mark.parametrize("side", ["talent", "agency"])
async def test_either_side_ends_it_and_what_hung_on_it_ends(desk: Any, side: str) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    brand = await desk.party("brand")
    agreed = await signed(desk, agency, talent)
    delegation = await desk.delegated(talent, agency, brand)
    ender, other = (talent, agency) if side == "talent" else (agency, talent)
    word = {"representation_id": agreed.id, "signature": other.sign(agreed.ending_statement)}
    await desk.refused(desk.ask(ender, "EndRepresentation", **word), "SIGNATURE_INVALID")
    stranger = await desk.party("agency")
    word["signature"] = stranger.sign(agreed.ending_statement)
    refused = desk.ask(stranger, "EndRepresentation", **word)
    await desk.refused(refused, "REPRESENTATION_NOT_FOUND")
    word["signature"] = ender.sign(agreed.ending_statement)
    ended = (await desk.ask(ender, "EndRepresentation", **word)).representation
    assert (ended.in_force, ended.why_not) == (False, "ENDED")
    assert await in_force(desk, talent) == ""
    asked = {"delegation_id": delegation.id}
    found = (await desk.ask(talent, "GetDelegation", **asked)).delegation
    assert (found.in_force, found.why_not) == (False, "NOT_REPRESENTED")
    mine = await desk.ask(agency, "ListRepresentations", agency_id=agency.id)
    assert not mine.representations
    await desk.refused(desk.ask(ender, "EndRepresentation", **word), "REPRESENTATION_NOT_AGREED")
    (_, receipt) = (await desk.ask(talent, "ListReceipts", subject_ids=[agreed.id])).receipts
    key = (await desk.ask(desk.staff, "GetCheckpoint")).verifier_key
    assert (receipt.kind, check(receipt, key)) == ("representation_ended", "")


async def test_only_what_she_signed_can_be_ended(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    offer = await offered(desk, agency, talent)
    word = {"representation_id": offer.id, "signature": talent.sign(offer.ending_statement)}
    refused = desk.ask(talent, "EndRepresentation", **word)
    await desk.refused(refused, "REPRESENTATION_NOT_AGREED")


async def test_each_sees_what_concerns_it(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    other = await desk.party("agency")
    await represent(desk, agency, talent)
    offer = await offered(desk, other, talent)

    async def listed(who: Any, **of: Any) -> list[str]:
        found = await desk.ask(who, "ListRepresentations", everything=True, **of)
        return [one.why_not for one in found.representations]

    for who in (talent, desk.staff):
        assert await listed(who, talent_id=talent.id) == ["PROPOSED", ""]
    assert await listed(agency, talent_id=talent.id) == [""]  # nothing of a competitor's offer
    assert await listed(other, agency_id=other.id) == ["PROPOSED"]
    await desk.refused(listed(other, talent_id=talent.id), "NOT_ALLOWED")
    await desk.refused(listed(other, agency_id=agency.id), "NOT_ALLOWED")
    await desk.refused(listed(talent), "FIELD_INVALID")
    await desk.refused(listed(talent, talent_id=talent.id, agency_id=agency.id), "FIELD_INVALID")
    word = {"representation_id": offer.id, "signature": agency.sign(offer.statement)}
    refused = desk.ask(agency, "SignRepresentation", **word)
    await desk.refused(refused, "REPRESENTATION_NOT_FOUND")


async def test_what_she_signs_last_takes_the_place_of_the_rest(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    first = await signed(desk, agency, talent)
    second = await signed(desk, await desk.party("agency"), talent)
    found = await desk.ask(talent, "ListRepresentations", talent_id=talent.id, everything=True)
    said = {one.id: one.why_not for one in found.representations}
    assert said == {first.id: "REPLACED", second.id: ""}


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM representation_offers",
        "UPDATE representation_offers SET commission_bp = 0",
        "DELETE FROM representation_ends",
        "UPDATE representation_ends SET ended_at = now()",
    ],
)
async def test_nothing_of_it_is_edited(desk: Any, change: str) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    agreed = await signed(desk, agency, talent)
    word = {"representation_id": agreed.id, "signature": agency.sign(agreed.ending_statement)}
    await desk.ask(agency, "EndRepresentation", **word)
    with pytest.raises(IntegrityError):
        async with desk.app.db.begin() as tx:
            await tx.execute(text(change))


@pytest.mark.parametrize("after", ["ended", "elsewhere"])
async def test_an_old_signature_brought_again_restores_nothing(desk: Any, after: str) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    said = agreement(agency, talent)
    agreed = (await desk.ask(agency, "AgreeRepresentation", **said)).representation
    if after == "ended":
        word = talent.sign(agreed.ending_statement)
        ending = {"representation_id": agreed.id, "signature": word}
        await desk.ask(talent, "EndRepresentation", **ending)
        held = ""
    else:
        held = (await signed(desk, await desk.party("agency"), talent)).id
    refused = desk.ask(agency, "AgreeRepresentation", **said)
    await desk.refused(refused, "REPRESENTATION_NOT_PROPOSED")
    assert await in_force(desk, talent) == held
