"""A consent comes to be in a real browser: proposed by an agency, read, signed, then replaced."""

from typing import Any

from house.portal import look, with_passkey
from house.talents import represent
from playwright.async_api import expect

from .test_acting import quiet


async def proposed(portal: Any, agency: Any) -> Any:
    """Let an agency propose a consent to the talent it represents; the first try lacks the pay."""
    office = await portal.phone(agency)
    page = office.page
    await office.open("/talents")
    await page.get_by_role("link", name="Propose a consent").click()
    await look(office, "consent-new")
    await page.get_by_label("What for").fill("Pictures of a twin for the autumn collection.")
    await page.get_by_label("How the twin may be used").fill("Online shop and social media.")
    await page.get_by_label("Where the twin is never shown").fill("nudity, politics")
    await page.get_by_label("What she is paid").fill("0")
    await page.get_by_label("Paid for").fill("per day of comparable work")
    await page.get_by_label("The language she reads it in").select_option("sv")
    await page.get_by_label("Who advised her").select_option("2")
    await page.get_by_label("end at once").check()
    await page.get_by_role("button", name="Write it down").click()
    refused = page.get_by_role("alert")
    await expect(refused).to_contain_text("rate_of_pay")
    await expect(refused).to_contain_text("CONSENT_TERM_MISSING")
    await expect(page.get_by_label("What for")).to_have_value(
        "Pictures of a twin for the autumn collection."
    )
    office.complaints.clear()  # the browser says that the form was refused
    await page.get_by_label("What she is paid").fill("1200,50")
    await page.get_by_role("button", name="Write it down").click()
    await expect(page.get_by_text("1 200,50 EUR")).to_be_visible()  # in her words already
    await expect(page.get_by_role("button", name="passkey")).to_have_count(0)
    return office


async def test_an_agency_proposes_and_she_signs_then_asks_for_less(portal: Any) -> None:
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    agency = await desk.party("agency", public_name="North Models")
    await represent(desk, agency, talent)
    office = await proposed(portal, agency)
    phone = await with_passkey(portal, talent)
    page = phone.page
    await phone.open("/consents")
    await page.get_by_role("link", name="autumn collection").click()
    await page.locator("form[data-credentials] button").click()
    await expect(page.locator("#done")).to_be_visible()
    first = page.url
    await page.get_by_role("link", name="Föreslå ett annat i dess ställe").click()  # she read it so
    await expect(page.get_by_label("What she is paid")).to_have_value("1200.50")
    await page.get_by_label("licenses to brands").uncheck()
    await page.get_by_label("Who advised her").select_option("3")
    await look(phone, "consent-instead")
    await page.get_by_role("button", name="Write it down").click()
    await page.locator("form[data-credentials] button").click()
    await expect(page.locator("#done")).to_be_visible()
    held = await desk.ask(talent, "ListConsents", talent_id=talent.id)
    said = sorted((one.state, list(one.terms.scope)) for one in held.consents)
    assert said == [(2, [1, 2, 4, 5]), (4, [1, 2, 3, 4, 5])]
    await page.goto(first.partition("?")[0])
    await expect(page.get_by_role("link", name="Föreslå ett annat")).to_have_count(0)
    quiet(office, phone)
