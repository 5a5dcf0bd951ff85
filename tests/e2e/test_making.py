"""A creative director makes a campaign and a brief on pages, and everybody in it is credited."""

import asyncio
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect
from story.cast import Party

from .test_direct import DESK, MADE_MS, PHONE, fill_moodboard, fits, says_yes, visiting

SHOTS = os.environ.get("PORTAL_SHOTS", "")
"""A folder for pictures of the pages, for whoever wants to look."""


async def look(page: Page, name: str) -> None:
    """See that a page is no wider than a desk or a phone; take its picture if somebody wants."""
    for size in (PHONE, DESK):
        await page.set_viewport_size(size)
        assert await fits(page), f"{name} at {size['width']}"
        for scheme in ("light", "dark") if SHOTS else ():
            await page.emulate_media(color_scheme=scheme)
            file = Path(SHOTS) / f"{name}-{size['width']}-{scheme}.png"
            await page.screenshot(path=file, full_page=True)
    await page.emulate_media(color_scheme="light")


def license_of(stage: Any, brand: Party) -> Any:
    """Return the license the story gave a brand."""
    return next(one for one in stage.told.licenses if one["terms"]["brand_id"] == brand.id)


async def appoints(stage: Any, page: Page, license_id: str, director: Party) -> None:
    """Have a brand appoint its director."""
    await page.goto(f"{stage.house.url}/licenses/{license_id}")
    await look(page, "license-signed")
    await page.get_by_role("link", name="Who directs").click()
    await page.get_by_label("Creative director").select_option(label=director.name)
    await page.get_by_role("button", name="Appoint").click()
    await expect(page.get_by_text("since")).to_be_visible()
    await look(page, "directors")


async def opens_a_campaign(stage: Any, page: Page) -> None:
    """Have the director open a campaign, after one day that is wrong."""
    today = datetime.now(UTC).date()
    await page.goto(f"{stage.house.url}/campaigns")
    await page.get_by_role("link", name="A new campaign").click()
    await page.get_by_label("Name").fill("Winter, close")
    await page.get_by_label("First day").fill(today.isoformat())
    await page.get_by_label("Last day").fill((today - timedelta(days=3)).isoformat())
    await page.get_by_label("Role").first.select_option(label="stylist")
    await page.get_by_label("Person").first.select_option(label="Noor Adler")
    await page.get_by_role("button", name="One more person").click()
    await expect(page.get_by_label("Person")).to_have_count(3)
    await page.get_by_role("button", name="Open the campaign").click()
    last = page.get_by_label("Last day")
    await expect(last).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text("Last day must be after the start.")).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("Winter, close")
    await look(page, "campaign-new")
    await last.fill((today + timedelta(days=30)).isoformat())
    await page.get_by_role("button", name="Open the campaign").click()
    await expect(page.get_by_role("heading", name="Winter, close")).to_be_visible()
    await expect(page.get_by_text("No brief yet.")).to_be_visible()
    await expect(page.get_by_role("definition").filter(has_text="Noor Adler")).to_be_visible()
    await look(page, "campaign-empty")


async def writes_a_brief(page: Page) -> None:
    """Have the director write a brief of two shots, after one word that is prohibited."""
    await page.get_by_role("link", name="Write a brief").click()
    await page.get_by_label("Name").fill("Frost coat")
    await page.get_by_label("Garment").fill("coat")
    await page.get_by_label("Colour").fill("white")
    await page.get_by_label("Framing").select_option("face")
    await page.get_by_label("Pose").fill("smoking tobacco")
    await page.get_by_label("How many like it").fill("2")
    await page.get_by_label("social media").uncheck()
    await page.get_by_label("16:9").uncheck()
    soon = datetime.now(UTC).date() + timedelta(days=4)
    await page.get_by_label("Wanted by").fill(soon.isoformat())
    await page.get_by_role("button", name="Write the brief").click()
    pose = page.get_by_label("Pose")
    await expect(pose).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text(re.compile("^Pose must not name tobacco"))).to_be_visible()
    await expect(page.get_by_label("social media")).not_to_be_checked()
    await look(page, "brief-new")
    await pose.fill("standing")
    await page.get_by_role("button", name="Write the brief").press("Enter")
    await expect(page.get_by_role("heading", name="Frost coat", exact=True)).to_be_visible()
    await expect(page.get_by_text("a product page", exact=True)).to_be_visible()


async def test_a_director_makes_campaign_and_brief_by_page(stage: Any) -> None:
    cast = stage.told.cast
    director, brand = cast.crew["creative_director"], cast.brands[0]
    license = license_of(stage, brand)
    async with visiting(stage, director, brand, viewport=DESK) as (directs, orders):
        await appoints(stage, orders, license["id"], director)
        await opens_a_campaign(stage, directs)
        await writes_a_brief(directs)
        await look(directs, "brief-empty")
        await fill_moodboard(directs)
        await directs.get_by_role("button", name="Make the first takes").click()
        await directs.get_by_role("button", name="Choose take 1").first.wait_for(timeout=MADE_MS)
        await expect(directs.locator(".shot")).to_have_count(2)
        await expect(directs.get_by_text("due in 2 days").first).to_be_visible(timeout=MADE_MS)
        await look(directs, "brief-drafts")
        here = directs.url
        await directs.goto(f"{stage.house.url}/campaigns")
        await expect(directs.get_by_role("heading", name="wait")).to_be_visible(timeout=MADE_MS)
        await look(directs, "campaigns")
        await directs.goto(here)
        await directs.locator(".take").first.get_by_role("button", name="Choose take 1").click()
        await directs.get_by_role("button", name="Approve take 1").click()
        await directs.get_by_text("approved it").wait_for()
        await look(directs, "brief-approved")
        async with visiting(stage, cast.talent.party, viewport=PHONE) as (hers,):
            await hers.goto(f"{stage.house.url}/approvals")
            await says_yes(stage, hers)
        await orders.goto(here)
        await orders.get_by_role("button", name="Release").click()
        fetch = orders.get_by_role("link", name="Fetch the picture")
        await fetch.wait_for()
        await look(orders, "brief-released")
        await everybody_is_credited(stage, brand, str(await fetch.get_attribute("href")))
        await orders.goto(f"{stage.house.url}/campaigns")
        await orders.get_by_role("link", name="Winter, close").first.click()
        await expect(orders.get_by_role("heading", name="Winter, close")).to_be_visible()
        await look(orders, "campaign")


async def everybody_is_credited(stage: Any, brand: Party, path: str) -> None:
    """See that crew of capture set and campaign stand in the file and in the ledger."""
    cast = stage.told.cast
    content = await asyncio.to_thread(brand.api.get_bytes, path)
    for role, party in cast.crew.items():
        assert party.name.encode() in content, role
        assert role.encode() in content, role
    render_id = path.split("/")[3]
    entries = await asyncio.to_thread(stage.staff.get, "/v1/entries", subject_id=render_id)
    paid = {one["party_id"] for one in entries["entries"]}
    assert {party.id for party in cast.crew.values()} <= paid
