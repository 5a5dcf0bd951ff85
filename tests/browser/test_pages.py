"""Pages as a browser shows them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from kit.bus import CloudEvent, open_bus
from playwright.async_api import expect

SIZES = ({"width": 390, "height": 844}, {"width": 1440, "height": 900})


async def test_pages_fit_phones_and_desks_and_break_no_policy(site: Any) -> None:
    for path in ("/", "/verify", "/login", "/api", "/events"):
        for size in SIZES:
            page = await site.open(path, staff=path == "/events", viewport=size)
            too_wide = "document.documentElement.scrollWidth - innerWidth"
            assert await page.evaluate(too_wide) <= 0, (path, size)
            assert await page.locator("h1").count() == 1, path
            await page.context.close()
    assert [said for said in site.complaints if not said.startswith("verbose")] == []


async def test_the_keyboard_reaches_the_content_first(site: Any) -> None:
    page = await site.open("/verify")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "file"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_from_the_page(site: Any, scheme: str) -> None:
    page = await site.open("/", color_scheme=scheme)
    for name in ("ink", "soft", "accent", "good", "bad"):
        assert await page.evaluate(_CONTRAST, name) >= 4.5, name


async def test_events_come_in_and_are_filtered(site: Any, nats_url: str) -> None:
    page = await site.open("/events", staff=True)
    async with open_bus(nats_url) as bus:
        for service in ("identity", "render"):
            await bus.ensure_stream(service)
            subject = f"{service}.v1.thing_happened"
            now = datetime.now(UTC)
            await bus.publish([CloudEvent(service, "x", subject, now, {"id": "x"}, {})])
    rows = page.locator("#events > li")
    await expect(rows).to_have_count(2)
    await page.get_by_label("identity").uncheck()
    shown = [row for row in await rows.all() if await row.is_visible()]
    assert len(shown) == 1
    assert "thing happened" in await shown[0].inner_text()


_CONTRAST = """name => {
  const style = getComputedStyle(document.documentElement);
  const light = (variable) => {
    const hex = style.getPropertyValue("--" + variable).trim();
    const part = (at) => parseInt(hex.slice(at, at + 2), 16) / 255;
    const [r, g, b] = [1, 3, 5].map(part).map(
      (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(name), light("paper")].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}"""
