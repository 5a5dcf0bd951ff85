"""Consents: what they must say, who gives them, and what they cover."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from google.protobuf.timestamp_pb2 import Timestamp
from kit.errors import (
    DomainError,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from sosia.common.v1 import money_pb2
from sosia.identity.v1 import consent_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


def late(days: int) -> Timestamp:
    """Return a time some days from now."""
    made = Timestamp()
    made.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    return made


async def test_a_signed_consent_covers_its_steps(desk: Any) -> None:
    talent = await desk.party("talent")
    consent = await desk.consented(talent, scope=[1, 2])
    assert consent.state == consent_pb2.CONSENT_STATE_ACTIVE
    found = await desk.ask("service", "CheckConsent", talent_id=talent.id, step=2)
    assert found.consent == consent
    rendering = desk.ask("service", "CheckConsent", talent_id=talent.id, step=4)
    await desk.refused(rendering, "CONSENT_MISSING", FailedPrecondition)


async def test_the_statement_is_canonical_and_says_every_term(desk: Any) -> None:
    talent = await desk.party("talent")
    consent = await desk.proposed(talent, scope=[4, 1, 1], purpose="  Fashion. ")
    said = json.loads(consent.statement)
    assert rfc8785.dumps(said) == consent.statement
    assert said["type"] == "sosia.consent/1"
    assert said["scope"] == ["capture", "rendering"]
    assert said["purpose"] == "Fashion."
    assert said["rate_of_pay"] == {"amount_minor": 120_000, "currency_code": "EUR"}
    assert said["ends_at"].endswith("Z")
    terms = {field.name for field in consent_pb2.ConsentTerms.DESCRIPTOR.fields}
    assert terms <= set(said)


@pytest.mark.parametrize(
    ("field", "empty"),
    [
        ("talent_id", ""),
        ("scope", []),
        ("purpose", " "),
        ("rate_of_pay", None),
        ("rate_of_pay.currency_code", money_pb2.Money(amount_minor=5)),
        ("rate_of_pay.amount_minor", money_pb2.Money(currency_code="EUR")),
        ("rate_basis", ""),
        ("starts_at", None),
        ("ends_at", None),
        ("uses", "\n"),
        ("language", ""),
        ("advice", 0),
        ("withdrawal_policy", 0),
    ],
)
async def test_a_missing_term_is_refused_by_name(desk: Any, field: str, empty: Any) -> None:
    talent = await desk.party("talent")
    proposing = desk.proposed(talent, **{field.split(".", maxsplit=1)[0]: empty})
    error = await desk.refused(proposing, "CONSENT_TERM_MISSING", InvalidArgument)
    assert error.metadata["field"] == f"terms.{field}"
    assert error.metadata["rule"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"scope": [0]}, "terms.scope[0]"),
        ({"scope": [1, 99]}, "terms.scope[1]"),
        ({"purpose": "x" * 501}, "terms.purpose"),
        ({"purpose": "a\0b"}, "terms.purpose"),
        ({"language": "svenska!"}, "terms.language"),
        ({"ends_at": late(-2)}, "terms.ends_at"),
        ({"starts_at": late(9), "ends_at": late(8)}, "terms.ends_at"),
        ({"ends_at": Timestamp(seconds=2**60)}, "terms.ends_at"),
        ({"prohibited_contexts": ["nudity", ""]}, "terms.prohibited_contexts[1]"),
        (
            {"rate_of_pay": money_pb2.Money(currency_code="euro", amount_minor=1)},
            "terms.rate_of_pay.currency_code",
        ),
        (
            {"rate_of_pay": money_pb2.Money(currency_code="EUR", amount_minor=-1)},
            "terms.rate_of_pay.amount_minor",
        ),
        (
            {"rate_of_pay": money_pb2.Money(currency_code="EUR", amount_minor=2**53)},
            "terms.rate_of_pay.amount_minor",
        ),
    ],
)
async def test_a_malformed_term_is_refused_by_name(
    desk: Any, changed: dict[str, Any], field: str
) -> None:
    talent = await desk.party("talent")
    error = await desk.refused(desk.proposed(talent, **changed), "FIELD_INVALID")
    assert error.metadata["field"] == field


async def test_only_a_talent_consents(desk: Any) -> None:
    brand = await desk.party("brand")
    error = await desk.refused(desk.proposed(brand), "FIELD_INVALID")
    assert error.metadata["field"] == "terms.talent_id"


async def test_an_agency_never_signs_for_a_talent(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    consent = await desk.proposed(talent)
    fields = {"consent_id": consent.id, "signature": agency.sign(consent.statement)}
    await desk.refused(desk.ask(agency, "SignConsent", **fields), "CONSENT_NOT_FOUND", NotFound)
    await represent(desk, agency, talent)
    # Now the agency may see it, and still may not sign: neither with its key nor with hers.
    for signer in (agency, talent):
        fields["signature"] = signer.sign(consent.statement)
        await desk.refused(desk.ask(agency, "SignConsent", **fields), "NOT_ALLOWED")
    # Nor does its signature count when somebody else carries it.
    fields["signature"] = agency.sign(consent.statement)
    for carrier in (desk.staff, talent):
        signing = desk.ask(carrier, "SignConsent", **fields)
        await desk.refused(signing, "SIGNATURE_INVALID", PermissionDenied)
    state = (await desk.ask(talent, "GetConsent", consent_id=consent.id)).consent.state
    assert state == consent_pb2.CONSENT_STATE_PROPOSED


async def represent(
    desk: Any, agency: Any, talent: Any, *, lasts: timedelta = timedelta(days=300)
) -> None:
    """Let the agency represent the talent from yesterday on."""
    starts = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    ends = starts + lasts
    said = {
        "type": "sosia.representation/1",
        "agency_id": agency.id,
        "talent_id": talent.id,
        "commission_bp": 1000,
        "jurisdiction": "SE",
        "starts_at": starts.isoformat().replace("+00:00", "Z"),
        "ends_at": ends.isoformat().replace("+00:00", "Z"),
    }
    fields = {key: value for key, value in said.items() if key != "type"}
    fields |= {"starts_at": starts, "ends_at": ends}
    signature = talent.sign(rfc8785.dumps(said))
    await desk.ask(agency, "AgreeRepresentation", signature=signature, **fields)


async def test_an_agency_proposes_for_those_it_represents(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    fields = {"terms": desk.terms(talent)}
    await desk.refused(desk.ask(agency, "ProposeConsent", **fields), "NOT_ALLOWED")
    await represent(desk, agency, talent)
    proposed = (await desk.ask(agency, "ProposeConsent", **fields)).consent
    assert proposed.proposed_by == agency.id
    brand = await desk.party("brand")
    await desk.refused(desk.ask(brand, "ProposeConsent", **fields), "NOT_ALLOWED")
    hidden = desk.ask(brand, "GetConsent", consent_id=proposed.id)
    await desk.refused(hidden, "CONSENT_NOT_FOUND", NotFound)


async def test_a_stranger_hears_of_her_consents_what_it_hears_of_nobodys(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    await represent(desk, agency, talent)
    consent = await desk.consented(talent)
    nobody = talent.id[:-1] + ("a" if talent.id[-1] != "a" else "b")
    for person in (talent, agency, desk.staff):
        found = await desk.ask(person, "ListConsents", talent_id=talent.id)
        assert [one.id for one in found.consents] == [consent.id]
        seen = (await desk.ask(person, "ListReceipts", subject_ids=[consent.id])).receipts
        assert [one.id for one in seen] == [consent.receipt_id]
    for kind in ("agency", "brand", "crew", "successor", "talent"):
        stranger = await desk.party(kind)
        said = []
        for talent_id in (talent.id, nobody, stranger.id if kind != "talent" else nobody):
            asked = desk.ask(stranger, "ListConsents", talent_id=talent_id)
            error = await desk.refused(asked, "PARTY_NOT_FOUND", NotFound)
            said.append((str(error), error.metadata))
        assert said[0] == said[1] == said[2], kind
        assert not (await desk.ask(stranger, "ListReceipts", subject_ids=[consent.id])).receipts
    asked = desk.ask("public", "ListConsents", talent_id=talent.id)
    await desk.refused(asked, "API_KEY_MISSING", Unauthenticated)


async def test_an_agency_whose_time_is_over_sees_no_consent_not_even_its_own(desk: Any) -> None:
    talent, agency = await desk.party("talent"), await desk.party("agency")
    await represent(desk, agency, talent, lasts=timedelta(days=1, seconds=4))
    proposing = desk.ask(agency, "ProposeConsent", terms=desk.terms(talent))
    consent = (await proposing).consent
    await desk.ask(agency, "GetConsent", consent_id=consent.id)
    async with asyncio.timeout(30):
        while (await desk.ask(agency, "GetRepresentation", talent_id=talent.id)).representation.id:
            await asyncio.sleep(0.2)
    hidden = desk.ask(agency, "GetConsent", consent_id=consent.id)
    await desk.refused(hidden, "CONSENT_NOT_FOUND", NotFound)
    hidden = desk.ask(agency, "ListConsents", talent_id=talent.id)
    await desk.refused(hidden, "PARTY_NOT_FOUND", NotFound)


async def test_a_signature_over_other_words_is_refused(desk: Any) -> None:
    talent = await desk.party("talent")
    consent = await desk.proposed(talent)
    words = (consent.withdrawal_statement, consent.statement + b" ", b"")
    for message in words:
        fields = {"consent_id": consent.id, "signature": talent.sign(message)}
        await desk.refused(desk.ask(talent, "SignConsent", **fields), "SIGNATURE_INVALID")


async def test_a_repeat_answers_as_before_and_a_second_signing_is_refused(desk: Any) -> None:
    talent = await desk.party("talent")
    consent = await desk.proposed(talent)
    fields = {"consent_id": consent.id, "signature": talent.sign(consent.statement)}
    first = await desk.ask(talent, "SignConsent", request_id="s1", **fields)
    assert await desk.ask(talent, "SignConsent", request_id="s1", **fields) == first
    await desk.refused(desk.ask(talent, "SignConsent", **fields), "CONSENT_NOT_PROPOSED")
    receipts = await desk.ask(talent, "ListReceipts", subject_ids=[consent.id])
    assert len(receipts.receipts) == 1


async def test_of_racing_signings_one_counts(desk: Any) -> None:
    talent = await desk.party("talent")
    for _ in range(4):
        consent = await desk.proposed(talent)
        warm = (desk.ask(talent, "GetConsent", consent_id=consent.id) for _ in range(8))
        await asyncio.gather(*warm)
        signing = (desk.sign_here(talent, consent) for _ in range(8))
        results = await asyncio.gather(*signing, return_exceptions=True)
        lost = [result for result in results if isinstance(result, DomainError)]
        assert [error.reason for error in lost] == ["CONSENT_NOT_PROPOSED"] * 7


async def test_a_withdrawn_consent_covers_nothing(desk: Any) -> None:
    talent = await desk.party("talent")
    consent = await desk.withdrawn(talent, await desk.consented(talent))
    assert consent.state == consent_pb2.CONSENT_STATE_WITHDRAWN
    for step in range(1, 6):
        checking = desk.ask("service", "CheckConsent", talent_id=talent.id, step=step)
        await desk.refused(checking, "CONSENT_MISSING")
    fields = {"consent_id": consent.id, "signature": talent.sign(consent.withdrawal_statement)}
    again = desk.ask(talent, "WithdrawConsent", **fields)
    await desk.refused(again, "CONSENT_NOT_ACTIVE", FailedPrecondition)


async def test_delivery_outlives_a_withdrawal_that_lets_licenses_run(desk: Any) -> None:
    talent = await desk.party("talent")
    policy = consent_pb2.WITHDRAWAL_POLICY_RUN_TO_TERM
    await desk.withdrawn(talent, await desk.consented(talent, withdrawal_policy=policy))
    assert await desk.ask("service", "CheckConsent", talent_id=talent.id, step=5)
    rendering = desk.ask("service", "CheckConsent", talent_id=talent.id, step=4)
    await desk.refused(rendering, "CONSENT_MISSING")


async def test_a_consent_counts_from_its_start(desk: Any) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent, starts_at=late(1))
    checking = desk.ask("service", "CheckConsent", talent_id=talent.id, step=1)
    await desk.refused(checking, "CONSENT_MISSING")


@pytest.mark.parametrize("step", [0, 42])
async def test_a_step_must_be_named(desk: Any, step: int) -> None:
    checking = desk.ask("service", "CheckConsent", talent_id="pty_x", step=step)
    assert (await desk.refused(checking, "FIELD_INVALID")).metadata["field"] == "step"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consents SET amount_minor = 1",
        "UPDATE consents SET state = 'proposed', signed_at = NULL, receipt_id = ''",
    ],
)
async def test_the_database_keeps_what_was_signed(desk: Any, statement: str) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent)
    with pytest.raises(IntegrityError, match="never change"):
        async with desk.app.db.begin() as tx:
            await tx.execute(text(statement))
