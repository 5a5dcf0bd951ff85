"""What somebody signs, recovers and reads of another's consents, in every language of the house."""

from typing import Any

import pytest
from gateway import languages
from house.portal import look
from house.talents import represent
from playwright.async_api import expect

LOCALES = {"en": "en-GB", "sv": "sv-SE", "de": "de-DE", "fr": "fr-FR", "it": "it-IT"}


async def read(phone: Any, path: str, words: str, name: str) -> None:
    """See that a page says something, has what it must have and fits the phone."""
    await phone.open(path)
    await expect(phone.page.locator("main")).to_contain_text(words)
    await look(phone, name)


async def started(portal: Any, talent: Any, code: str) -> Any:
    """Let staff begin to replace a talent's key, in a language; return its page."""
    t, locale = languages.load(code), LOCALES[code]
    house = await portal.phone(portal.desk.staff, locale=locale)
    start = f"/recoveries/new?party_id={talent.id}"
    await read(house, "/recoveries/new", t["recoveries"]["lead_who"], f"{code}-recovery-who")
    await house.open(start)
    await house.page.locator("input[name=name]").first.fill("Pixel")
    await house.page.get_by_role("button", name=t["recoveries"]["make"]).click()
    await expect(house.page.locator("#start")).to_have_text(t["recoveries"]["ask_title"])
    await look(house, f"{code}-recovery-new")
    await house.page.locator("[name=asked_by]").fill("Alba")
    await house.page.locator("[name=reason]").fill("Berlin.")
    await house.page.get_by_role("button", name=t["recoveries"]["start"]).click()
    await expect(house.page.get_by_role("status")).to_have_text(t["recoveries"]["done"]["started"])
    await look(house, f"{code}-recovery-staff")
    return house


@pytest.mark.parametrize("code", LOCALES)
async def test_keys_recoveries_and_consents_speak_it(portal: Any, code: str) -> None:
    desk, t, locale = portal.desk, languages.load(code), LOCALES[code]
    talent = await desk.party("talent", public_name="Alba")
    agency = await desk.party("agency", public_name="North Models")
    await represent(desk, agency, talent)
    given = await desk.consented(talent, language="fr")
    await desk.proposed(talent, purpose="A book of pictures.", language="fr")
    ended = await desk.consented(talent, purpose="Last year’s shows.", language="fr")
    await desk.withdrawn(talent, ended)
    house = await started(portal, talent, code)
    (begun,) = (await desk.ask(desk.staff, "ListRecoveries")).recoveries
    one = f"/recoveries/{begun.id}"
    hers = await portal.phone(talent, locale=locale)
    await read(hers, "/keys", t["keys"]["objection"], f"{code}-keys")
    await read(hers, one, t["recoveries"]["objects_owner"], f"{code}-owner")
    theirs = await portal.phone(agency, locale=locale)
    await read(theirs, "/recoveries", t["recoveries"]["lead"], f"{code}-recoveries")
    told = t["recoveries"]["objects_told"]
    await read(theirs, one, told, f"{code}-recovery-told")
    await read(theirs, "/talents", t["delegations"]["ask_her"], f"{code}-talents")
    await (
        theirs.page.get_by_role("navigation", name="Alba")
        .get_by_role("link", name=t["nav"]["consents"]["word"])
        .click()
    )
    await expect(theirs.page.locator("main")).to_contain_text(t["consents"]["lead_of"])
    await look(theirs, f"{code}-consents")
    await read(theirs, f"/consents/{given.id}", t["receipts"]["consent_signed"], f"{code}-consent")
    said = [one for phone in (house, hers, theirs) for one in phone.complaints]
    assert [one for one in said if one.startswith(("error", "thrown"))] == []
