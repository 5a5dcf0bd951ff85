"""Licenses: proposed by a brand, granted and ended by the talent alone."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
import time_machine
from house.people import stamp
from kit.errors import DomainError
from sosia.licensing.v1 import license_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

ACTIVE = license_pb2.LICENSE_STATE_ACTIVE
DECLINED = license_pb2.LICENSE_STATE_DECLINED
REVOKED = license_pb2.LICENSE_STATE_REVOKED


async def test_a_license_says_what_was_quoted_and_is_signed(office: Any) -> None:
    quote = await office.quoted(approval_required=True)
    license = (await office.ask(office.brand, "ProposeLicense", quote_id=quote.id)).license
    said = json.loads(license.statement)
    assert rfc8785.dumps(said) == license.statement
    assert said["type"] == "sosia.license/1"
    assert said["fee"] == {"amount_minor": quote.total.amount_minor, "currency_code": "EUR"}
    assert said["uses"][0]["countries"] == ["SE"]
    assert set(said) >= {field.name for field in license_pb2.LicenseTerms.DESCRIPTOR.fields}
    signed = await office.signed(license)
    assert signed.state == ACTIVE
    assert (signed.fee, signed.terms) == (quote.total, quote.terms)
    (event,) = await office.events("LicenseSigned")
    assert event["licenseId"] == license.id


async def test_a_quote_leads_to_one_license_however_often_it_is_asked_for(office: Any) -> None:
    quote = await office.quoted()
    asking = (office.ask(office.brand, "ProposeLicense", quote_id=quote.id) for _ in range(6))
    answers = await asyncio.gather(*asking)
    assert len({answer.license.id for answer in answers}) == 1
    assert await office.count("licenses") == 1


async def test_a_quote_holds_for_its_time(office: Any, settings: Any) -> None:
    quote = await office.quoted()
    with pytest.raises(IntegrityError, match="only grows"):
        async with office.app.db.begin() as tx:
            await tx.execute(text("UPDATE quotes SET valid_until = now()"))
    assert quote.valid_until.ToDatetime(tzinfo=UTC) > datetime.now(UTC) + timedelta(days=13)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=30), tick=True):
        # A service's own clock decides nothing: the database's does.
        await office.ask(office.brand, "ProposeLicense", quote_id=quote.id)


async def test_nobody_else_sees_a_license(office: Any) -> None:
    license = await office.proposed()
    identity = office.identity
    for who in (office.brand, office.alba, identity.agency, identity.staff, "service"):
        found = (await office.ask(who, "GetLicense", license_id=license.id)).license
        assert found == license
    for who in (office.rival, identity.cleo, identity.photographer):
        hidden = office.ask(who, "GetLicense", license_id=license.id)
        await office.refused(hidden, "LICENSE_NOT_FOUND")
    await office.refused(
        office.ask("public", "GetLicense", license_id=license.id), "API_KEY_MISSING"
    )
    quote_id = license.quote_id
    stolen = office.ask(office.rival, "ProposeLicense", quote_id=quote_id)
    await office.refused(stolen, "QUOTE_NOT_FOUND")
    for field, who, other in (
        ("brand_id", office.brand, office.rival),
        ("talent_id", office.alba, identity.cleo),
    ):
        asked = {field: who.id}
        assert [one.id for one in (await office.ask(who, "ListLicenses", **asked)).licenses] == [
            license.id
        ]
        await office.refused(office.ask(other, "ListLicenses", **asked), "NOT_ALLOWED")


async def test_an_agency_never_signs_for_a_talent(office: Any) -> None:
    license = await office.proposed()
    agency = office.identity.agency
    for signer in (agency, office.alba):
        fields = {"license_id": license.id, "signature": signer.sign(license.statement)}
        await office.refused(office.ask(agency, "SignLicense", **fields), "NOT_ALLOWED")
    fields["signature"] = agency.sign(license.statement)
    for carrier in (office.alba, office.identity.staff):
        await office.refused(office.ask(carrier, "SignLicense", **fields), "SIGNATURE_INVALID")
    fields["signature"] = office.alba.sign(license.statement)
    await office.refused(office.ask(office.brand, "SignLicense", **fields), "NOT_ALLOWED")
    assert not await office.count("entries")
    carried = await office.ask(office.identity.staff, "SignLicense", **fields)
    assert carried.license.state == ACTIVE


async def test_a_signature_over_other_words_is_refused(office: Any) -> None:
    license, other = await office.proposed(), await office.proposed()
    for words in (other.statement, license.statement + b" ", b"", f"revoke:{license.id}".encode()):
        fields = {"license_id": license.id, "signature": office.alba.sign(words)}
        await office.refused(office.ask(office.alba, "SignLicense", **fields), "SIGNATURE_INVALID")
    short = office.ask(office.alba, "SignLicense", license_id=license.id, signature=b"1")
    assert (await office.refused(short, "FIELD_INVALID")).metadata["field"] == "signature"


async def test_a_repeat_answers_as_before_and_a_second_signing_is_refused(office: Any) -> None:
    license = await office.proposed()
    first = await office.signed(license, request_id="s1")
    assert await office.signed(license, request_id="s1") == first
    await office.refused(office.signed(license), "LICENSE_NOT_PROPOSED")
    other = await office.proposed()
    await office.refused(office.signed(other, request_id="s1"), "REQUEST_REUSED")
    assert await office.count("transactions") == 1


async def test_of_racing_repeats_one_takes_effect(office: Any) -> None:
    license = await office.proposed()
    signing = (office.signed(license, request_id="race") for _ in range(12))
    answers = await asyncio.gather(*signing)
    assert {answer.state for answer in answers} == {ACTIVE}
    assert await office.count("transactions") == 1
    assert len(await office.events("LicenseSigned")) == 1


async def test_an_exclusive_is_refused_over_anothers_license_and_the_other_way_round(
    office: Any,
) -> None:
    await office.licensed(uses=[office.use(territories=["NORDICS"])])
    rival = {"brand_id": office.rival.id}
    exclusive = await office.proposed(exclusive=True, **rival)
    await office.refused(office.signed(exclusive, request_id="x"), "EXCLUSIVITY_CONFLICT")
    await office.refused(office.signed(exclusive, request_id="x"), "EXCLUSIVITY_CONFLICT")
    found = await office.ask(office.rival, "GetLicense", license_id=exclusive.id)
    assert found.license.state == DECLINED
    assert len(await office.events("LicenseDeclined")) == 1
    apart = [
        {"category": "fragrance"},
        {"category": "tops"},
        {"uses": [office.use(territories=["DE"])]},
        {"uses": [later(office)]},
    ]
    for changed in apart:
        granted = await office.licensed(exclusive=True, **rival, **changed)
        assert granted.state == ACTIVE
    plain = await office.proposed(uses=[office.use(territories=["EU"])])
    await office.refused(office.signed(plain), "EXCLUSIVITY_CONFLICT")
    for nested in ("coats", "apparel"):
        asked = await office.proposed(exclusive=True, category=nested, **rival)
        await office.refused(office.signed(asked), "EXCLUSIVITY_CONFLICT")
    assert await office.count("transactions") == 5


def later(office: Any) -> Any:
    """Return a use that begins when the usual one has ended, to the microsecond."""
    ends = office.use().ends_at.ToDatetime(tzinfo=UTC) + timedelta(days=1)
    return office.use(starts_at=stamp(ends), ends_at=stamp(ends + timedelta(days=20)))


async def test_many_may_hold_licenses_that_exclude_nobody(office: Any) -> None:
    for brand in (office.brand, office.rival, office.brand):
        assert (await office.licensed(brand_id=brand.id)).state == ACTIVE


async def test_a_brand_does_not_exclude_itself_and_a_revoked_license_excludes_nobody(
    office: Any,
) -> None:
    await office.revoked(await office.licensed(brand_id=office.rival.id))
    await office.licensed()
    assert (await office.licensed(exclusive=True)).state == ACTIVE


@pytest.mark.parametrize("exclusive", [(True, True), (True, False), (False, True)])
async def test_of_two_racing_licenses_that_contradict_one_is_granted(
    office: Any, exclusive: tuple[bool, bool]
) -> None:
    brands = (office.brand.id, office.rival.id)
    for _ in range(4):
        pair = [
            await office.proposed(brand_id=brand, exclusive=alone)
            for brand, alone in zip(brands, exclusive, strict=True)
        ]
        signing = (office.signed(license) for license in pair)
        results = await asyncio.gather(*signing, return_exceptions=True)
        lost = [one.reason for one in results if isinstance(one, DomainError)]
        assert lost == ["EXCLUSIVITY_CONFLICT"]
        (won,) = (one for one in results if not isinstance(one, BaseException))
        await office.revoked(won)
    assert await office.count("reservations") == 0


@pytest.mark.parametrize("exclusive", [(True, True), (True, False), (False, True)])
async def test_the_database_itself_refuses_licenses_that_contradict(
    office: Any, exclusive: tuple[bool, bool]
) -> None:
    first, second = await office.proposed(), await office.proposed()
    add = """INSERT INTO reservations
        (license_id, talent_id, brand_id, territory, term, exclusive, categories) VALUES
        (:id, 'talent', :brand, 'SE', tstzrange('2026-01-01', '2026-02-01'), :alone,
         category_range(:path, :path || '/'))"""
    one, other = (
        {"id": first.id, "brand": "a", "alone": exclusive[0], "path": "apparel"},
        {"id": second.id, "brand": "b", "alone": exclusive[1], "path": "apparel.outerwear.coats"},
    )
    async with office.app.db.begin() as tx:
        await tx.execute(text(add), one)
    with pytest.raises(IntegrityError, match=r"two_exclusives|exclusive_and_other"):
        async with office.app.db.begin() as tx:
            await tx.execute(text(add), other)


async def test_only_the_talent_revokes_and_once(office: Any) -> None:
    license = await office.licensed()
    signature = office.alba.sign(f"revoke:{license.id}".encode())
    for who in (office.brand, office.identity.agency):
        fields = {"license_id": license.id, "signature": signature}
        await office.refused(office.ask(who, "RevokeLicense", **fields), "NOT_ALLOWED")
    fields["signature"] = office.alba.sign(license.statement)
    await office.refused(office.ask(office.alba, "RevokeLicense", **fields), "SIGNATURE_INVALID")
    revoked = await office.revoked(license, request_id="v")
    assert revoked.state == REVOKED
    assert await office.revoked(license, request_id="v") == revoked
    await office.refused(office.revoked(license), "LICENSE_NOT_ACTIVE")
    (event,) = await office.events("LicenseRevoked")
    assert event["reason"] == "talent"


async def test_a_proposal_cannot_be_revoked_and_no_license_is_not_found(office: Any) -> None:
    await office.refused(office.revoked(await office.proposed()), "LICENSE_NOT_ACTIVE")
    for license_id in ("", "lic_x", "a\0b", "lic_" + "0" * 26):
        hidden = office.ask(office.brand, "GetLicense", license_id=license_id)
        await office.refused(hidden, "LICENSE_NOT_FOUND")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licenses SET fee_minor = 1",
        "UPDATE licenses SET state = 'proposed', signed_at = NULL, consent_id = ''",
        "UPDATE licenses SET uses = '[{}]'",
    ],
)
async def test_the_database_keeps_what_was_signed(office: Any, statement: str) -> None:
    await office.licensed()
    with pytest.raises(IntegrityError, match="never changes"):
        async with office.app.db.begin() as tx:
            await tx.execute(text(statement))


async def test_authorize_gives_every_reason_and_hides_from_strangers(office: Any) -> None:
    license = await office.licensed()
    use = {"license_id": license.id, "brand_id": office.brand.id, "media": "social"}
    allowed = await office.ask(office.brand, "Authorize", territory="SE", **use)
    assert (allowed.allowed, list(allowed.reasons)) == (True, [])
    denied = await office.ask("service", "Authorize", territory="US", **use | {"media": "tv"})
    assert set(denied.reasons) == {"MEDIA_NOT_LICENSED", "TERRITORY_NOT_LICENSED"}
    hidden = await office.ask(office.rival, "Authorize", territory="SE", **use)
    assert (hidden.allowed, list(hidden.reasons)) == (False, ["LICENSE_NOT_FOUND"])
    await office.identity.withdrawn(office.alba, office.alba.consent)
    ended = await office.ask("service", "Authorize", territory="SE", **use)
    assert not ended.allowed
    assert "CONSENT_WITHDRAWN" in ended.reasons


async def test_a_license_goes_on_under_a_consent_that_was_superseded(office: Any) -> None:
    identity, alba = office.identity, office.alba
    license, waiting = await office.licensed(), await office.proposed()
    new = await identity.consented(alba, supersedes=alba.consent.id, scope=[1])
    use = {"license_id": license.id, "brand_id": office.brand.id, "media": "social"}
    assert (await office.ask("service", "Authorize", territory="SE", **use)).allowed
    await office.released(license)
    # Nothing new is granted under the old consent, and the new one does not cover licenses.
    await office.refused(office.signed(waiting), "CONSENT_MISSING")
    # Withdrawing the new one withdraws the old one, which says that licenses end with it.
    await identity.withdrawn(alba, new)
    await office.refused(office.released(license), "CONSENT_MISSING")
    ended = await office.ask("service", "Authorize", territory="SE", **use)
    assert list(ended.reasons) == ["CONSENT_WITHDRAWN"]


async def test_a_license_is_granted_under_the_consent_that_took_the_place(office: Any) -> None:
    identity, alba = office.identity, office.alba
    before = await office.licensed()
    new = await identity.consented(alba, supersedes=alba.consent.id)
    after = await office.licensed()
    rows = await office.rows("SELECT id, consent_id FROM licenses")
    assert dict(map(tuple, rows)) == {before.id: alba.consent.id, after.id: new.id}
    # The old one withdrawn alone ends what was granted under it, and nothing else.
    await identity.withdrawn(alba, alba.consent)
    await office.refused(office.released(before), "CONSENT_MISSING")
    await office.released(after)
