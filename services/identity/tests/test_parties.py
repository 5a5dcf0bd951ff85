"""Parties and their credentials."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from identity.app import App, build
from identity.domain.parties import age
from identity.settings import Settings
from kit.errors import (
    AlreadyExists,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from sqlalchemy import text

START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_the_house_is_registered_once(app: App, settings: Settings) -> None:
    again = settings.model_copy(update={"ops_address": "127.0.0.1:0"})
    async with build(again) as other, other.db.begin() as tx:
        parties = (await tx.execute(text("SELECT name, kind FROM parties"))).all()
        keys = (await tx.execute(text("SELECT count(*) FROM api_keys"))).scalar_one()
    assert [tuple(row) for row in parties] == [("House", "staff")]
    assert keys == 1


async def test_a_changed_staff_key_shuts_the_old_one_out(desk: Any) -> None:
    await desk.app.services.parties.ensure_house("sosia_another-key-0123456789-0123456789")
    old = "sosia_staff-key-of-the-tests-0123456789abcdef"
    await desk.refused(desk.ask("public", "Authenticate", api_key=old), "API_KEY_UNKNOWN")
    new = "sosia_another-key-0123456789-0123456789"
    assert (await desk.ask("public", "Authenticate", api_key=new)).party.id == desk.staff.id


async def test_a_talent_registers_with_her_own_key(desk: Any) -> None:
    talent = await desk.party("talent")
    party = (await desk.ask(talent, "GetParty", party_id=talent.id)).party
    assert list(party.public_keys) == [talent.public_key]
    assert party.name == "talent in the house"
    assert party.synthetic


async def test_the_name_in_the_house_stays_there(desk: Any) -> None:
    talent, brand = await desk.party("talent"), await desk.party("brand")
    seen = (await desk.ask(brand, "GetParty", party_id=talent.id)).party
    assert (seen.name, seen.public_name) == ("", "talent in public")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"public_name": "x" * 121}, "public_name"),
        ({"public_key": b""}, "public_key"),
        ({"public_key": b"\7" * 31}, "public_key"),
        ({"public_key": bytes(32)}, "public_key"),
        ({"public_key": b"\1" + bytes(30) + b"\x80"}, "public_key"),
        ({"birth_date": ""}, "birth_date"),
        ({"birth_date": "1999-02-30"}, "birth_date"),
        ({"birth_date": "19990204"}, "birth_date"),
        ({"birth_date": "2999-01-01"}, "birth_date"),
        ({"request_id": ""}, "request_id"),
        ({"request_id": "a\0b"}, "request_id"),
    ],
)
async def test_a_bad_field_is_named(desk: Any, fields: dict[str, Any], field: str) -> None:
    error = await desk.refused(desk.party("talent", **fields), "FIELD_INVALID", InvalidArgument)
    assert error.metadata["field"] == field


@pytest.mark.parametrize("kind", [0, 77])
async def test_a_party_is_of_a_kind(desk: Any, kind: int) -> None:
    registering = desk.ask(desk.staff, "RegisterParty", kind=kind, name="Nobody")
    assert (await desk.refused(registering, "FIELD_INVALID")).metadata["field"] == "kind"


async def test_a_talent_is_of_age(desk: Any) -> None:
    today = datetime.now(UTC).date()
    young = today.replace(year=today.year - 18) + timedelta(days=1)
    await desk.refused(desk.party("talent", birth_date=young.isoformat()), "TALENT_UNDER_AGE")
    assert age(young - timedelta(days=1), today) == 18


async def test_one_key_is_one_partys(desk: Any) -> None:
    talent = await desk.party("talent")
    error = await desk.refused(desk.party("talent", public_key=talent.public_key), "FIELD_INVALID")
    assert error.metadata["field"] == "public_key"


async def test_only_staff_registers_and_issues_keys(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    fields = {"kind": 3, "name": "Brand"}
    await desk.refused(desk.ask(agency, "RegisterParty", **fields), "NOT_ALLOWED", PermissionDenied)
    await desk.refused(desk.ask("public", "RegisterParty", **fields), "API_KEY_MISSING")
    issuing = desk.ask(agency, "IssueApiKey", party_id=talent.id)
    await desk.refused(issuing, "NOT_ALLOWED", PermissionDenied)


async def test_a_repeat_changes_nothing_and_other_content_is_refused(desk: Any) -> None:
    fields = {"request_id": "same", "kind": 3, "name": "Brand"}
    first = await desk.ask(desk.staff, "RegisterParty", **fields)
    assert await desk.ask(desk.staff, "RegisterParty", **fields) == first
    other = desk.ask(desk.staff, "RegisterParty", **(fields | {"name": "Other"}))
    await desk.refused(other, "REQUEST_REUSED", AlreadyExists)
    brands = await desk.ask(desk.staff, "ListParties", kind=3)
    assert len(brands.parties) == 1


async def test_an_api_key_opens_its_party_and_is_shown_once(desk: Any) -> None:
    brand = await desk.party("brand")
    fields = {"request_id": "once", "party_id": brand.id}
    first = await desk.ask(desk.staff, "IssueApiKey", **fields)
    assert first.api_key.startswith("sosia_")
    assert len(first.api_key) == len("sosia_") + 43
    again = await desk.ask(desk.staff, "IssueApiKey", **fields)
    assert (again.key_id, again.api_key) == (first.key_id, "")
    found = await desk.ask("public", "Authenticate", api_key=first.api_key)
    assert found.party.id == brand.id
    async with desk.app.db.begin() as tx:
        rows = (await tx.execute(text("SELECT * FROM api_keys"))).all()
    assert first.api_key not in repr(rows)


@pytest.mark.parametrize("api_key", ["", "sosia_wrong", "a\0b", "\u00e5" * 500])
async def test_an_unknown_api_key_is_nobodys(desk: Any, api_key: str) -> None:
    asking = desk.ask("public", "Authenticate", api_key=api_key)
    await desk.refused(asking, "API_KEY_UNKNOWN", Unauthenticated)


async def test_pages_follow_each_other(desk: Any) -> None:
    made = [(await desk.party("crew")).id for _ in range(5)]
    seen: list[str] = []
    token = ""
    while True:
        page = {"page_size": 2, "page_token": token}
        answer = await desk.ask(desk.staff, "ListParties", page=page, kind=4)
        seen += [party.id for party in answer.parties]
        token = answer.next_page_token
        if not token:
            break
    assert seen == sorted(made)
    bad = desk.ask(desk.staff, "ListParties", page={"page_token": "x\0"})
    assert (await desk.refused(bad, "FIELD_INVALID")).metadata["field"] == "page.page_token"


@pytest.mark.parametrize("party_id", ["", "pty_x", "a\0b", "con_" + "0" * 26, "pty_" + "0" * 26])
async def test_a_party_that_is_not_there_is_not_found(desk: Any, party_id: str) -> None:
    asking = desk.ask(desk.staff, "GetParty", party_id=party_id)
    await desk.refused(asking, "PARTY_NOT_FOUND", NotFound)


async def test_only_her_own_key_verifies(desk: Any) -> None:
    talent, other = await desk.party("talent"), await desk.party("talent")
    fields = {"party_id": talent.id, "message": b"yes"}
    answer = await desk.ask(desk.staff, "VerifySignature", signature=talent.sign(b"yes"), **fields)
    assert answer.public_key == talent.public_key
    for wrong in (other.sign(b"yes"), talent.sign(b"no"), bytes(64)):
        asking = desk.ask(desk.staff, "VerifySignature", signature=wrong, **fields)
        await desk.refused(asking, "SIGNATURE_INVALID", PermissionDenied)
    short = desk.ask(desk.staff, "VerifySignature", signature=b"x", **fields)
    assert (await desk.refused(short, "FIELD_INVALID")).metadata["field"] == "signature"
