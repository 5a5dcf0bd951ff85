"""People direct, in a browser before the whole house: talks, takes, and her yes on a phone."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from house.browsers import FLAGS, find_chromium
from playwright.async_api import Page, async_playwright
from story.cast import Party

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
MADE_MS = 120_000
MOOD = Path(__file__).parents[2] / "samples" / "talents" / "cleo" / "photos"


@asynccontextmanager
async def visiting(stage: Any, *people: Party, **context: Any) -> AsyncIterator[list[Page]]:
    """Open a browser in which each of these people is signed in, on a page of their own."""
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        pages = []
        for person in people:
            page = await (await browser.new_context(**context)).new_page()
            await page.goto(f"{stage.house.url}/login")
            made = stage.staff.post(f"/v1/parties/{person.id}/api-keys", {})
            await page.get_by_label("API key").fill(made["api_key"])
            await page.get_by_role("button", name="Sign in with the key").click()
            await page.wait_for_url(f"{stage.house.url}/")
            pages.append(page)
        yield pages
        await browser.close()


async def send_signed(stage: Any, page: Page, button: str) -> None:
    """Press a button whose form wants a signature: hers, with the key only she has."""
    press = page.get_by_role("button", name=button, exact=True)
    form = press.locator("xpath=ancestor::form")
    statement = base64.b64decode(await form.get_attribute("data-statement") or "")
    signature = stage.told.cast.talent.sign(statement)
    hidden = form.locator("input[name=signature]")
    await hidden.evaluate("(field, value) => { field.value = value; }", signature)
    await press.click()


async def fits(page: Page) -> bool:
    """Tell whether nothing is wider than the window."""
    wide = "page => page.scrollWidth - innerWidth"
    return bool(await page.locator("html").evaluate(wide) <= 0)


async def test_a_brand_negotiates_and_the_talent_signs(stage: Any) -> None:
    cast = stage.told.cast
    brand, talent = cast.brands[1], cast.talent.party
    async with visiting(stage, brand, talent, viewport=DESK) as (asks, signs):
        await asks.goto(f"{stage.house.url}/licenses")
        await asks.get_by_role("link", name="Ask for one").click()
        today = datetime.now(UTC).date()
        await asks.locator("select[name=talent_id]").select_option(talent.id)
        await asks.get_by_label("For which campaign").fill("Spring on social media.")
        await asks.locator("select[name=media_0]").select_option("social")
        await asks.locator("select[name=territory_0]").select_option("SE")
        await asks.get_by_label("From").fill((today + timedelta(days=400)).isoformat())
        await asks.get_by_label("Through").fill((today + timedelta(days=430)).isoformat())
        await asks.get_by_label("Product category").fill("footwear")
        await asks.get_by_role("button", name="What does it cost?").click()
        await asks.get_by_role("button", name="Ask for it").click()
        await asks.get_by_role("heading", name="Waiting").wait_for()
        first = await asks.locator(".talk .price").inner_text()

        await signs.goto(f"{stage.house.url}/licenses")
        await signs.get_by_text("your turn").first.wait_for()
        await signs.goto(asks.url)
        await signs.get_by_text("Answer with another offer").click()
        fee = signs.get_by_label("Fee in EUR")
        await fee.fill(f"{float(await fee.input_value()) + 500:.2f}")
        await signs.get_by_label("A word with it").fill("For the extra country.")
        await signs.get_by_role("button", name="Offer this").click()
        await signs.get_by_role("heading", name="Waiting").wait_for()

        await asks.goto(signs.url)
        assert await asks.get_by_text("For the extra country.").count() == 1
        prices = await asks.locator(".talk .price").all_inner_texts()
        assert len(prices) == 2
        assert prices[0] == first != prices[1]
        await asks.get_by_role("button", name=f"Accept {prices[1]}").click()
        await asks.get_by_text("accepted").wait_for()

        await signs.reload()
        await send_signed(stage, signs, f"Sign for {prices[1]}")
        await signs.get_by_role("heading", name=re.compile("^Signed")).wait_for()


async def test_the_director_asks_for_another_take_chooses_and_she_says_yes(stage: Any) -> None:
    cast = stage.told.cast
    director, brand = cast.crew["creative_director"], cast.brands[0]
    brief = await asyncio.to_thread(order_one_shot, stage)
    async with visiting(stage, director, brand, viewport=DESK) as (directs, orders):
        page = f"{stage.house.url}/briefs/{brief['id']}"
        await orders.goto(page)
        await orders.get_by_role("button", name="Make the first takes").click()
        await directs.goto(page)
        await fill_moodboard(directs)
        takes = directs.locator(".take")
        await directs.get_by_role("button", name="Choose take 1").wait_for(timeout=MADE_MS)
        await ask_for_another(directs)
        await directs.get_by_role("button", name="Choose take 2").wait_for(timeout=MADE_MS)
        assert await takes.count() == 2
        assert "Softer light from the left." in await takes.nth(1).inner_text()
        shown = [await one.bounding_box() for one in await takes.locator("img").all()]
        assert [one and one["width"] >= 380 for one in shown] == [True, True]
        assert len({one["y"] for one in shown if one}) == 1  # side by side

        await directs.get_by_role("button", name="Choose take 2").press("Enter")
        await directs.get_by_role("button", name="Approve take 2").wait_for()
        assert await directs.get_by_role("button", name="Choose take 1").count() == 0
        await directs.get_by_role("button", name="Approve take 2").press("Enter")
        await directs.get_by_text("approved it").wait_for()
        assert await directs.get_by_text("Another take after").count() == 0
        assert await fits(directs)

        async with visiting(stage, cast.talent.party, viewport=PHONE, is_mobile=True) as (hers,):
            await says_yes(stage, hers)

        await orders.goto(page)
        await orders.get_by_role("button", name="Release").click()
        await orders.get_by_role("link", name="Fetch the picture").wait_for()


async def fill_moodboard(page: Page) -> None:
    """Put a picture on the moodboard."""
    await page.get_by_text("Add a picture").click()
    await page.get_by_label("Picture").set_input_files(min(MOOD.iterdir()))
    await page.get_by_label("Title").fill("A face to the light")
    await page.get_by_label("Made by").fill("Ines Falk")
    await page.get_by_label("Why it may lie here").fill("A synthetic talent of this house.")
    await page.get_by_role("button", name="Add it").click()
    await page.get_by_alt_text("A face to the light").wait_for()


async def ask_for_another(page: Page) -> None:
    """Ask for another take after the first, by the keyboard alone."""
    await page.get_by_text("Another take after 1").press("Enter")
    await page.get_by_label("What should be otherwise?").fill("Softer light from the left.")
    await page.get_by_text("Other words for the picture").press("Enter")
    await page.get_by_label("Light", exact=True).fill("overcast")
    await page.get_by_role("button", name="Ask for it").press("Enter")


async def says_yes(stage: Any, page: Page) -> None:
    """Have the talent see the picture, and what for, on a phone, and say yes."""
    async with asyncio.timeout(30):
        await page.goto(f"{stage.house.url}/approvals")
        while await page.get_by_role("button", name="Yes").count() == 0:
            await asyncio.sleep(0.3)
            await page.reload()
    text = await page.locator(".ask").inner_text()
    for words in ("asks for your yes", "for this picture", "Silence is a no"):
        assert words in text, words
    assert await fits(page)
    box = await page.locator(".word img").bounding_box()
    assert box
    assert box["width"] == PHONE["width"]  # the picture first, as wide as the phone
    assert box["y"] < PHONE["height"] / 3
    await send_signed(stage, page, "Yes")
    await page.get_by_role("heading", name="Nothing waits for you").wait_for()


def order_one_shot(stage: Any) -> Any:
    """Have the brand of the story write a brief of one shot under its license."""
    told = stage.told
    brand = told.cast.brands[0].api
    license = next(
        one for one in told.licenses if one["terms"]["brand_id"] == told.cast.brands[0].id
    )
    body = {
        "license_id": license["id"],
        "name": "Winter, close",
        "credits": [
            {"party_id": told.cast.crew["creative_director"].id, "role": "creative_director"}
        ],
    }
    campaign = brand.post("/v1/campaigns", body)["campaign"]
    shot = {"framing": "face", "pose": "standing", "view": "front", "lighting": "studio soft"}
    body = {
        "campaign_id": campaign["id"],
        "twin_version_id": told.twin["id"],
        "products": [{"name": "Frost coat", "garment": "coat", "colour": "white"}],
        "shots": [shot],
    }
    return brand.post("/v1/briefs", body)["brief"]
