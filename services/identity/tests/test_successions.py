"""Successions: whom a talent names, with her own key, and whom an estate of hers may name."""

from typing import Any

import pytest
import pytest_asyncio
from house.passkeys import Passkey, added
from house.talents import represent
from proofs import check
from sosia.identity.v1 import succession_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

ACTIVE = succession_pb2.SUCCESSION_STATE_ACTIVE
SUPERSEDED = succession_pb2.SUCCESSION_STATE_SUPERSEDED


@pytest_asyncio.fixture
async def alba(desk: Any) -> Any:
    return await desk.party("talent")


@pytest_asyncio.fixture
async def heir(desk: Any) -> Any:
    return await desk.party("successor", public_name="Vera")


async def written(desk: Any, talent: Any, *heirs: Any) -> Any:
    fields = {"talent_id": talent.id, "successor_ids": [one.id for one in heirs]}
    return (await desk.ask(talent, "ProposeSuccession", **fields)).succession


async def named(desk: Any, talent: Any, *heirs: Any) -> Any:
    """Return a succession the talent signed."""
    one = await written(desk, talent, *heirs)
    fields = {"succession_id": one.id, "signature": talent.sign(one.statement)}
    return (await desk.ask(talent, "SignSuccession", **fields)).succession


async def test_she_names_who_succeeds_her_and_it_is_logged(desk: Any, alba: Any, heir: Any) -> None:
    one = await named(desk, alba, heir)
    assert (one.state, one.version, list(one.successor_ids)) == (ACTIVE, 1, [heir.id])
    assert b"Vera" in one.statement
    for who in (alba, heir):
        found = await desk.ask(who, "ListReceipts", subject_ids=[one.id])
        (receipt,) = found.receipts
        assert receipt.kind == "succession_signed"
    key = (await desk.ask(desk.staff, "GetCheckpoint")).verifier_key
    assert not check(receipt, key)


async def test_nobody_else_names_signs_or_sees(desk: Any, alba: Any, heir: Any) -> None:
    agency = await desk.party("agency")
    await represent(desk, agency, alba)
    one = await written(desk, alba, heir)
    for who in (agency, heir):
        fields = {"talent_id": alba.id, "successor_ids": [heir.id]}
        await desk.refused(desk.ask(who, "ProposeSuccession", **fields), "NOT_ALLOWED")
        await desk.refused(desk.ask(who, "ListSuccessions", talent_id=alba.id), "NOT_ALLOWED")
        signed = {"succession_id": one.id, "signature": alba.sign(one.statement)}
        await desk.refused(desk.ask(who, "SignSuccession", **signed), "SUCCESSION_NOT_FOUND")
    signed = {"succession_id": one.id, "signature": agency.sign(one.statement)}
    await desk.refused(desk.ask(desk.staff, "SignSuccession", **signed), "SIGNATURE_INVALID")


async def test_a_newer_one_takes_the_place_of_the_older(desk: Any, alba: Any, heir: Any) -> None:
    other = await desk.party("successor")
    stale = await written(desk, alba, other)
    first = await named(desk, alba, heir)
    nobody = await named(desk, alba)
    found = (await desk.ask(alba, "ListSuccessions", talent_id=alba.id)).successions
    states = {one.id: one.state for one in found}
    assert (states[first.id], states[nobody.id]) == (SUPERSEDED, ACTIVE)
    signed = {"succession_id": stale.id, "signature": alba.sign(stale.statement)}
    await desk.refused(desk.ask(alba, "SignSuccession", **signed), "SUCCESSION_NOT_PROPOSED")
    estate = await desk.died(alba, other)  # she took back whom she named: staff names others
    assert (estate.succession_id, estate.successors[0].party_id) == ("", other.id)


async def test_an_estate_names_those_she_named_and_nobody_else(
    desk: Any, alba: Any, heir: Any
) -> None:
    second, stranger = await desk.party("successor"), await desk.party("successor")
    one = await named(desk, alba, heir, second)
    error = await desk.refused(desk.died(alba, heir, stranger), "FIELD_INVALID")
    assert error.metadata["field"] == "successor_ids[1]"
    estate = await desk.died(alba)
    assert {who.party_id for who in estate.successors} == {heir.id, second.id}
    assert estate.succession_id == one.id
    assert one.id.encode() in estate.statement
    await desk.refused(written(desk, alba, heir), "ESTATE_FROZEN")


async def test_staff_may_leave_out_one_who_died_before_her(desk: Any, alba: Any, heir: Any) -> None:
    await named(desk, alba, heir, await desk.party("successor"))
    estate = await desk.died(alba, heir)
    assert [who.party_id for who in estate.successors] == [heir.id]


async def test_who_is_no_successor_is_not_named(desk: Any, alba: Any, heir: Any) -> None:
    await desk.refused(written(desk, alba, await desk.party("brand")), "FIELD_INVALID")
    await desk.refused(written(desk, alba, heir, heir), "FIELD_INVALID")


async def test_open_estates_are_seen_by_staff_and_by_those_they_name(
    desk: Any, alba: Any, heir: Any
) -> None:
    estate = await desk.died(alba, heir)
    other = await desk.died(await desk.party("talent"), await desk.party("successor"))
    found = await desk.ask(desk.staff, "ListEstates")
    assert [one.id for one in found.estates] == [other.id, estate.id]
    assert [one.id for one in (await desk.ask(heir, "ListEstates")).estates] == [estate.id]
    await desk.refused(desk.ask(alba, "ListEstates"), "NOT_ALLOWED")
    stop = {"estate_id": estate.id, "reason": "She lives."}
    await desk.ask(desk.staff, "StopEstate", **stop)
    assert not (await desk.ask(heir, "ListEstates")).estates


async def test_a_successor_signs_with_a_passkey_the_estate_names_and_with_no_other(
    desk: Any, alba: Any, heir: Any
) -> None:
    first, later = Passkey(), Passkey()
    await added(desk, heir, first, heir)
    consent = await desk.consented(alba)
    estate = await desk.died(alba, heir)
    await added(desk, heir, later, heir)
    named = estate.successors[0]
    assert set(named.public_keys) == {heir.public_key, first.public_key}
    said = {"estate_id": estate.id, "successor_id": heir.id}
    asking = desk.ask(heir, "AcceptEstate", signature=later.sign(named.statement), **said)
    await desk.refused(asking, "FIELD_INVALID")
    await desk.ask(heir, "AcceptEstate", signature=first.sign(named.statement), **said)
    await desk.passed(estate)
    await desk.ask(desk.staff, "SettleEstate", estate_id=estate.id)
    about = {"consent_id": consent.id}
    word = later.sign(consent.withdrawal_statement)
    asking = desk.ask(heir, "WithdrawConsent", signature=word, **about)
    await desk.refused(asking, "SIGNATURE_INVALID")
    word = first.sign(consent.withdrawal_statement)
    assert (await desk.ask(heir, "WithdrawConsent", signature=word, **about)).consent.state == 3


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE successions SET successor_ids = '{}'",
        "UPDATE successions SET state = 'proposed', signed_at = NULL, receipt_id = ''",
        "DELETE FROM successions",
    ],
)
async def test_the_database_edits_no_succession(
    desk: Any, alba: Any, heir: Any, change: str
) -> None:
    await named(desk, alba, heir)
    with pytest.raises(IntegrityError):
        async with desk.app.db.begin() as tx:
            await tx.execute(text(change))
