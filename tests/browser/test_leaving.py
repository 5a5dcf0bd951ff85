"""Who represents a talent, and how she leaves, in a real browser: nothing without her passkey."""

from typing import Any

from house.portal import look, tab_to, with_passkey
from playwright.async_api import expect

from .test_acting import is_done, proven, quiet


async def offered(portal: Any, agency: Any, talent: Any) -> Any:
    """Let an agency offer to represent a talent; the first try asks for too large a share."""
    office = await with_passkey(portal, agency)
    await office.open("/talents")
    await office.page.get_by_role("link", name="Representation").click()
    await expect(office.page.get_by_text("You represent nobody yet.")).to_be_visible()
    await office.page.get_by_role("link", name="Offer representation").click()
    await look(office, "represent")
    await office.page.get_by_label("Talent").select_option(talent.id)
    await office.page.get_by_label("Share in percent").fill("25")
    await office.page.get_by_label("Under the law of").fill("US-NY")
    await office.page.get_by_role("button", name="Write it down").click()
    await expect(office.page.get_by_role("alert")).to_contain_text("COMMISSION_ABOVE_CAP")
    office.complaints.clear()  # the browser says that the form was refused
    await office.page.get_by_label("Share in percent").fill("17.5")
    await office.page.get_by_role("button", name="Write it down").click()
    await is_done(office, "Written down. It counts for nothing until she signs.")
    await expect(office.page.get_by_role("button", name="passkey")).to_have_count(0)
    return office


async def test_an_agency_offers_she_signs_and_either_side_ends_it(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    agency = await desk.party("agency", public_name="North Models")
    office = await offered(portal, agency, talent)
    phone = await with_passkey(portal, talent)
    await phone.open("/representation")
    await look(phone, "representations")
    await phone.page.get_by_role("link", name="North Models").click()
    await expect(phone.page.get_by_text("17.5 %")).to_be_visible()
    await phone.page.goto(f"{phone.page.url}?lang=sv")
    await look(phone, "representation-offered")
    await tab_to(phone.page, "Underteckna med nyckel")
    await phone.page.keyboard.press("Enter")
    await is_done(phone, "Signed. The agency represents you now.")
    await look(phone, "representation-in-force")
    agreed = (await desk.ask(talent, "GetRepresentation", talent_id=talent.id)).representation
    assert (agreed.agency_id, agreed.commission_bp, agreed.in_force) == (agency.id, 1750, True)
    await office.page.reload()
    await office.page.get_by_role("button", name="End with a passkey").click()
    await is_done(office, "Ended.")
    await look(office, "representation-ended")
    kinds = ["representation_agreed", "representation_ended"]
    assert await proven(portal, talent, agreed.id) == kinds
    gone = await desk.ask(talent, "GetRepresentation", talent_id=talent.id)
    assert not gone.HasField("representation")
    quiet(office, phone)


async def test_she_reads_what_goes_and_what_stays_and_is_erased(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    await desk.consented(talent, language="en")
    phone = await with_passkey(portal, talent)
    page = phone.page
    await phone.open("/consents")
    await page.get_by_role("link", name="Have everything of you erased").click()
    await expect(page.get_by_text("Consents that end at once: 1.")).to_be_visible()
    await look(phone, "erasure")
    erase = page.get_by_role("button", name="Erase with a passkey")
    await erase.click()  # the box is not ticked: the browser sends nothing
    asked = await desk.ask(talent, "GetErasure", talent_id=talent.id)
    assert not asked.erasure.receipt_id
    await page.get_by_label("I know that there is no way back").first.check()
    await erase.click()
    await is_done(phone, "Done. You are erased.")
    await expect(page.locator(".state")).to_have_text("erased and certified")
    await expect(page.get_by_role("link", name="Read the certificate")).to_be_visible()
    await look(phone, "erasure-certified")
    assert await proven(portal, talent, talent.id) == ["erasure_signed", "talent_erased"]
    asked = await desk.ask(talent, "GetErasure", talent_id=talent.id)
    assert asked.erasure.certificate_receipt_id
    quiet(phone)


async def test_an_erasure_without_the_box_is_refused_and_nothing_goes(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    phone = await with_passkey(portal, talent)
    await phone.open("/erasure")
    await phone.page.evaluate(
        "document.querySelectorAll('form').forEach((f) => f.noValidate = true)"
    )
    await phone.page.get_by_role("button", name="Erase with a passkey").click()
    await expect(phone.page.get_by_role("alert")).to_contain_text("understood")
    asked = await desk.ask(talent, "GetErasure", talent_id=talent.id)
    assert not asked.erasure.receipt_id
    phone.complaints.clear()  # the browser says that the form was refused
    await look(phone, "erasure-refused")
