"""What the machine of test_consent_lives found, each on real services."""

from typing import Any

from sosia.identity.v1 import consent_pb2

RUN_TO_TERM = consent_pb2.WITHDRAWAL_POLICY_RUN_TO_TERM


async def may(office: Any, license: Any) -> list[str]:
    """Return why a use of a license is refused now."""
    fields = {"license_id": license.id, "media": "social", "territory": "SE"}
    return list((await office.ask(office.brand, "Authorize", **fields)).reasons)


async def test_an_erased_talents_license_is_refused_before_the_news_is_heard(office: Any) -> None:
    """Her consent said run_to_term; erasing her overrules that at once, not when it is heard."""
    identity, alba = office.identity, office.alba
    await identity.withdrawn(alba, alba.consent)
    consent = await identity.consented(alba, withdrawal_policy=RUN_TO_TERM)
    license = await office.licensed()
    assert await may(office, license) == []
    await identity.erased(alba)
    assert "CONSENT_WITHDRAWN" in await may(office, license)
    await office.refused(office.released(license), "CONSENT_MISSING")
    seen = (await identity.ask(identity.staff, "GetConsent", consent_id=consent.id)).consent
    assert seen.erased


async def test_nothing_is_released_under_a_consent_that_does_not_cover_delivery(
    office: Any,
) -> None:
    identity, alba = office.identity, office.alba
    await identity.withdrawn(alba, alba.consent)
    await identity.consented(alba, scope=[1, 2, 3, 4])
    license = await office.licensed()
    assert await may(office, license) == ["CONSENT_MISSING"]
    await office.refused(office.released(license), "CONSENT_MISSING")


async def test_a_later_consent_widens_no_license_granted_under_the_one_before(
    office: Any,
) -> None:
    identity, alba = office.identity, office.alba
    await identity.withdrawn(alba, alba.consent)
    narrow = await identity.consented(alba, scope=[1, 2, 3, 4])
    license = await office.licensed()
    await identity.consented(alba, supersedes=narrow.id)
    assert await may(office, license) == ["CONSENT_MISSING"]
    await office.refused(office.released(license), "CONSENT_MISSING")
