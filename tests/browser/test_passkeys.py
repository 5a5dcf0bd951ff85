"""A talent signs on her phone, with an authenticator that Chromium plays."""

from typing import Any

import proofs
import pytest
from house.portal import look, tab_to, with_passkey
from kit.errors import DomainError
from playwright.async_api import expect


async def keys_of(portal: Any, talent: Any) -> list[Any]:
    return list((await portal.desk.ask(talent, "ListKeys", party_id=talent.id)).keys)


async def test_a_talent_adds_a_passkey_consents_and_withdraws_on_her_phone(portal: Any) -> None:
    talent = await portal.desk.party("talent", public_name="Alba")
    proposed = await portal.desk.proposed(talent)
    phone = await with_passkey(portal, talent)
    await phone.open("/consents")
    await look(phone, "consents")
    await phone.page.get_by_text("väntar på ditt ord").click()
    assert "Samtycke" in await phone.page.locator("h1").inner_text()
    await look(phone, "consent-proposed")
    await tab_to(phone.page, "Underteckna med nyckel")
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.get_by_role("status")).to_have_text("Undertecknat. Kvittot står nedan.")
    await expect(phone.page.locator("#done")).to_be_focused()
    await expect(phone.page.get_by_text("Bevisat")).to_be_visible()
    live = (await portal.desk.ask(talent, "GetConsent", consent_id=proposed.id)).consent
    assert live.state == 2
    await look(phone, "consent-live")
    await expect(phone.page.get_by_text("Betalda licenser upphör genast")).to_be_visible()
    await phone.page.get_by_role("button", name="Återkalla med nyckel").click()
    await expect(phone.page.locator(".state")).to_have_text("återkallat")
    await look(phone, "consent-withdrawn")
    found = (await portal.desk.ask(talent, "ListReceipts", subject_ids=[proposed.id])).receipts
    assert [one.kind for one in found] == ["consent_signed", "consent_withdrawn"]
    key = (await portal.desk.ask("public", "GetCheckpoint")).verifier_key
    for receipt in found:
        assert len(receipt.public_key) == 77
        assert proofs.check(receipt, key) == ""
    assert [one for one in phone.complaints if one.startswith(("error", "thrown"))] == []


async def test_a_second_passkey_is_confirmed_by_the_first_and_removes_it(portal: Any) -> None:
    talent = await portal.desk.party("talent", public_name="Alba")
    first = await with_passkey(portal, talent)
    second = await portal.phone(talent)
    await second.open("/keys")
    await second.page.get_by_label("What do you call it?").fill("My desk")
    await second.page.get_by_role("button", name="Add a passkey").click()
    await expect(second.page.get_by_text("My desk")).to_be_visible()
    await first.open("/keys")
    await first.page.get_by_role("button", name="Confirm with a passkey").click()
    confirmed = first.page.locator(".keys > li", has_text="My desk")  # not only asked about
    await expect(confirmed).to_be_visible()
    await second.open("/keys")
    row = second.page.locator(".keys > li", has_text="My phone")
    await row.get_by_text("Remove My phone", exact=True).click()
    await row.get_by_role("button", name="Remove with a passkey").click()
    await expect(second.page.get_by_role("heading", name="They sign no more")).to_be_visible()
    states = {key.name: key.state for key in await keys_of(portal, talent)}
    assert states == {"": 2, "My phone": 3, "My desk": 2}


async def test_she_signs_in_with_nothing_but_her_passkey(portal: Any) -> None:
    talent = await portal.desk.party("talent", public_name="Alba")
    phone = await with_passkey(portal, talent)
    await phone.page.get_by_role("button", name="Sign out, Alba").click()
    await phone.open("/consents")
    await expect(phone.page).to_have_url(f"{portal.url}/login")
    await look(phone, "login")
    await phone.page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(phone.page).to_have_url(f"{portal.url}/consents")
    await expect(phone.page.get_by_role("button", name="Sign out, Alba")).to_be_visible()


async def test_a_stranger_s_authenticator_signs_nothing(portal: Any) -> None:
    talent = await portal.desk.party("talent", public_name="Alba")
    proposed = await portal.desk.proposed(talent)
    await with_passkey(portal, talent)
    other = await portal.phone(talent)
    await other.open(f"/consents/{proposed.id}")
    await other.page.get_by_role("button", name="Underteckna med nyckel").click()
    await expect(other.page.get_by_role("alert")).to_be_visible()
    assert (await portal.desk.ask(talent, "GetConsent", consent_id=proposed.id)).consent.state == 1


async def test_whom_the_authenticator_does_not_know_signs_nothing(portal: Any) -> None:
    phone = await portal.phone(await portal.desk.party("talent"), isUserVerified=False)
    await phone.open("/keys")
    await phone.page.get_by_label("What do you call it?").fill("My phone")
    await phone.page.get_by_role("button", name="Add a passkey").click()
    await expect(phone.page.get_by_role("alert")).to_be_visible()


async def test_a_passkey_is_asked_only_on_the_house_s_own_address(portal: Any) -> None:
    talent = await portal.desk.party("talent", public_name="Alba")
    phone = await with_passkey(portal, talent)
    elsewhere = phone.url.replace("localhost", "127.0.0.1")
    await phone.page.goto(f"{elsewhere}/login")
    await phone.page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(phone.page.get_by_role("alert")).to_be_visible()


async def test_what_a_browser_signed_is_good_for_one_statement(portal: Any) -> None:
    talent = await portal.desk.party("talent", public_name="Alba")
    one, other = [await portal.desk.proposed(talent) for _ in range(2)]
    phone = await with_passkey(portal, talent)
    sent: list[str] = []
    phone.page.on("request", lambda told: sent.append(told.post_data or ""))
    await phone.open(f"/consents/{one.id}")
    await phone.page.get_by_role("button", name="Underteckna med nyckel").click()
    await expect(phone.page.get_by_text("Bevisat")).to_be_visible()
    (receipt,) = (await portal.desk.ask(talent, "ListReceipts", subject_ids=[one.id])).receipts
    assert any(sent)
    replayed = {"consent_id": other.id, "signature": receipt.signature}
    with pytest.raises(DomainError, match="signs another statement"):
        await portal.desk.ask(talent, "SignConsent", **replayed)
