"""Who acts for a talent, in a real browser: her agency, successors, a key in a lost one's place.

Everything is signed with passkeys of Chromium's virtual authenticators.
"""

from datetime import UTC, datetime
from typing import Any

import proofs
from house.portal import look, tab_to, with_passkey
from house.talents import represent
from playwright.async_api import expect


async def proven(portal: Any, who: Any, subject_id: str) -> list[str]:
    """Return the kinds of receipts of something, each of them proven."""
    found = (await portal.desk.ask(who, "ListReceipts", subject_ids=[subject_id])).receipts
    key = (await portal.desk.ask("public", "GetCheckpoint")).verifier_key
    assert [proofs.check(one, key) for one in found] == [""] * len(found)
    return [one.kind for one in found]


def quiet(*phones: Any) -> None:
    """See that no page of somebody's complained."""
    said = [one for phone in phones for one in phone.complaints]
    assert [one for one in said if one.startswith(("error", "thrown"))] == []


async def is_done(phone: Any, told: str) -> None:
    """See that the page says what was done, aloud and where the focus is."""
    status = phone.page.get_by_role("status")
    await expect(status).to_have_text(told)
    await expect(phone.page.locator("#done")).to_be_focused()


async def test_she_lets_her_agency_decide_and_ends_it(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    agency = await desk.party("agency", public_name="North Models")
    brand = await desk.party("brand", public_name="Maison Verte")
    await represent(desk, agency, talent)
    phone = await with_passkey(portal, talent)
    page = phone.page
    await phone.open("/delegations")
    await look(phone, "delegations-none")
    await page.get_by_role("link", name="Let your agency decide").click()
    await look(phone, "delegate")
    await page.get_by_role("button", name="Write it down").click()  # no brand is ticked
    await expect(page.get_by_role("alert")).to_contain_text("bounds.brand_ids")
    phone.complaints.clear()  # the browser says that the form was refused
    await page.get_by_label("Maison Verte").check()
    await page.get_by_label("clothes").check()
    await page.get_by_label("Other products").fill("Sneakers")
    await page.get_by_role("button", name="Write it down").click()
    await is_done(phone, "Written down. It counts for nothing until it is signed.")
    await look(phone, "delegation-proposed")
    await tab_to(page, "Sign with a passkey")
    await page.keyboard.press("Enter")
    await is_done(phone, "Signed. The agency may act under it now.")
    await look(phone, "delegation-in-force")
    (made,) = (await desk.ask(agency, "ListDelegations", agency_id=agency.id)).delegations
    assert made.in_force
    assert (list(made.bounds.acts), list(made.bounds.brand_ids)) == ([2], [brand.id])
    assert list(made.bounds.categories) == ["apparel", "sneakers"]
    theirs = await portal.phone(agency)
    await theirs.open("/delegations")
    await theirs.page.get_by_role("link", name="Alba").click()
    await expect(theirs.page.locator(".state")).to_have_text("in force")
    await expect(theirs.page.get_by_role("button", name="passkey")).to_have_count(0)
    await look(theirs, "delegation-of-the-agency")
    await page.get_by_role("button", name="End with a passkey").click()
    await is_done(phone, "Ended. The agency may do nothing under it any more.")
    assert await proven(portal, talent, made.id) == ["delegation_signed", "delegation_revoked"]
    quiet(phone, theirs)


async def test_an_agency_asks_and_she_reads_it_in_her_language(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    agency = await desk.party("agency", public_name="North Models")
    await desk.party("brand", public_name="Maison Verte")
    await represent(desk, agency, talent)
    office = await portal.phone(agency)
    await office.open("/")
    await look(office, "home-agency")
    await office.page.get_by_role("link", name="Talents", exact=True).click()
    await look(office, "talents")
    await office.page.get_by_role("link", name="Ask for a delegation").click()
    await office.page.get_by_label("Maison Verte").check()
    await office.page.get_by_label("clothes").check()
    await office.page.get_by_role("button", name="Write it down").click()
    await is_done(office, "Written down. It counts for nothing until it is signed.")
    await expect(office.page.get_by_role("button", name="passkey")).to_have_count(0)
    hers = await portal.phone(talent, locale="sv-SE")
    await hers.open("/")
    await look(hers, "home-talent")
    await hers.open("/delegations")
    await hers.page.get_by_text("väntar på hennes underskrift").click()
    await expect(hers.page.locator("html")).to_have_attribute("lang", "sv")
    await expect(hers.page.get_by_text("säga ja eller nej till bilder")).to_be_visible()
    await look(hers, "delegation-swedish")
    quiet(office, hers)


async def recorded(portal: Any, talent: Any) -> Any:
    """Let staff record the death of a talent; return its page."""
    house = await portal.phone(portal.desk.staff)
    await house.open("/estates")
    await house.page.get_by_role("link", name="Record a death").click()
    await house.page.get_by_label("Who died").select_option(talent.id)
    await house.page.get_by_label("On", exact=True).fill("2026-01-31")
    await house.page.get_by_label("What proves it").fill("Certificate of death 17/2026.")
    await house.page.get_by_label("SHA-256").fill("ab" * 32)
    await look(house, "estate-new")
    await house.page.get_by_role("button", name="Record it and freeze everything").click()
    await is_done(house, "Recorded. Everything of hers is frozen, and those concerned are told.")
    await expect(house.page.locator(".state")).to_have_text("frozen")
    await look(house, "estate-frozen")
    return house


async def test_she_names_who_succeeds_her_and_they_sign(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    heir = await desk.party("successor", public_name="Vera")
    phone = await with_passkey(portal, talent)
    page = phone.page
    await phone.open("/succession")
    await look(phone, "succession-none")
    await page.get_by_label("Their numbers").fill(heir.id)
    await page.get_by_role("button", name="Go on").click()
    await is_done(phone, "Written down. Read it, then sign.")
    await look(phone, "succession-draft")
    await page.get_by_role("button", name="Sign with a passkey").click()
    await is_done(phone, "Signed. Nobody else will be asked.")
    await expect(page.locator(".people")).to_contain_text("Vera")
    await look(phone, "succession")
    (named,) = (await desk.ask(talent, "ListSuccessions", talent_id=talent.id)).successions
    assert await proven(portal, heir, named.id) == ["succession_signed"]
    vera = await with_passkey(portal, heir)
    house = await recorded(portal, talent)
    await vera.open("/estates")
    await vera.page.get_by_role("link", name="Alba").click()
    await look(vera, "estate-of-the-successor")
    await vera.page.get_by_role("button", name="Sign with a passkey").click()
    await is_done(vera, "Signed.")
    estate = (await desk.ask(desk.staff, "GetEstate", talent_id=talent.id)).estate
    await desk.passed(estate)
    await house.page.reload()
    await house.page.get_by_role("button", name="End the freeze").click()
    await is_done(house, "Settled. The freeze has ended.")
    await look(house, "estate-settled")
    kinds = ["estate_opened", "estate_accepted", "estate_settled"]
    assert await proven(portal, heir, estate.id) == kinds
    quiet(phone, vera, house)


async def test_whoever_was_said_to_be_dead_says_that_she_lives(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    phone = await with_passkey(portal, talent)
    await desk.died(talent, await desk.party("successor"))
    await phone.open("/succession")
    await look(phone, "succession-alarm")
    await phone.page.get_by_role("button", name="I am alive").click()
    await is_done(phone, "Stopped. Everything is as it was.")
    estate = (await desk.ask(talent, "GetEstate", talent_id=talent.id)).estate
    assert (estate.state, estate.stop_reason) == (3, "She lives.")
    quiet(phone)


async def started(portal: Any, talent: Any) -> Any:
    """Let staff begin to replace a talent's key by a passkey made before it; return its page."""
    house = await portal.phone(portal.desk.staff)
    page = house.page
    await house.open("/recoveries")
    await page.get_by_role("link", name="Somebody lost a key").click()
    await page.get_by_label("Who").select_option(talent.id)
    await page.get_by_role("button", name="Go on").click()
    await look(house, "recovery-key")
    await page.get_by_label("What do they call it?").first.fill("New phone")
    await page.get_by_role("button", name="Make a passkey").click()
    await page.get_by_label("Who asks, and how do you know them?").fill("Herself, with passport")
    await page.get_by_label("What happened?").fill("Her phone was stolen.")
    await look(house, "recovery-start")
    await page.get_by_role("button", name="Start the 72 hours").click()
    await is_done(house, "Started. Everybody concerned is told now.")
    await look(house, "recovery-waits")
    return house


async def test_a_lost_key_is_replaced_before_staff_and_she_stops_it(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    agency = await desk.party("agency", public_name="North Models")
    await represent(desk, agency, talent)
    phone = await with_passkey(portal, talent)
    (removed, _) = (await desk.ask(talent, "ListKeys", party_id=talent.id)).keys
    signed = {"key_id": removed.id, "signature": talent.sign(removed.removal_statement)}
    await desk.ask(talent, "RemoveKey", **signed)  # the phone's passkey is all she has
    house = await started(portal, talent)
    (recovery,) = (await desk.ask(desk.staff, "ListRecoveries")).recoveries
    assert recovery.asked_by == "Herself, with passport"
    waits = recovery.ready_at.seconds - datetime.now(UTC).timestamp()
    assert 71.9 * 3600 < waits <= 72 * 3600
    office = await portal.phone(agency)
    await office.open("/recoveries")
    await office.page.get_by_role("link", name="Alba").click()
    await expect(office.page.get_by_text("Herself, with passport")).to_be_visible()
    await expect(office.page.get_by_role("button", name="Cancel it")).to_have_count(0)
    await phone.open("/keys")
    alarm = phone.page.get_by_role("region", name="A recovery is under way")
    for told in ("Herself, with passport", "Her phone was stolen", "North Models", "2 days left"):
        await expect(alarm).to_contain_text(told)
    await look(phone, "keys-recovery")
    await alarm.get_by_role("button", name="Stop it with a passkey").click()
    await is_done(phone, "Stopped. No key has changed.")
    await house.page.reload()
    await expect(house.page.locator(".state")).to_have_text("stopped")
    assert await proven(portal, talent, recovery.id) == ["recovery_started", "recovery_stopped"]
    quiet(phone, house, office)


async def test_staff_takes_a_recovery_back(portal: Any) -> None:
    talent = await portal.desk.party("talent", public_name="Alba")
    house = await started(portal, talent)
    await house.page.get_by_role("button", name="Cancel it").click()
    await is_done(house, "Cancelled. No key has changed.")
    found = (await portal.desk.ask(talent, "ListKeys", party_id=talent.id)).keys
    assert [key.state for key in found] == [2, 3]
    quiet(house)
