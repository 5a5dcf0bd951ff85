"""Photos brought to a capture set on its page: lines that break, pages that are loaded again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio
from gateway.sessions import COOKIE, Visitor
from house.people import SAMPLES, Person, photos
from house.portal import Portal
from kit import trace
from local.lines import Line, running_line
from playwright.async_api import Page, expect

MIB = 2**20


@dataclass
class Desk:
    """Somebody before the page of her set, and the line it comes over."""

    portal: Portal
    line: Line
    talent: Person
    set_id: str
    page: Page
    said: list[str]

    async def photos(self) -> list[Any]:
        answer = await self.portal.desk.ask(
            self.talent, "GetCaptureSet", capture_set_id=self.set_id
        )
        return list(answer.capture_set.photos)

    async def silence(self) -> None:
        """Wait until nothing more is sent."""
        async with asyncio.timeout(30):
            held = -1
            while held != self.line.sent:
                held = self.line.sent
                await asyncio.sleep(1)

    async def open(self) -> None:
        await self.page.goto(f"http://127.0.0.1:{self.line.port}/capture-sets/{self.set_id}")


@pytest_asyncio.fixture
async def at(portal: Portal) -> AsyncIterator[Desk]:
    """A talent who consented, her open set, and her browser."""
    desk = portal.desk
    talent = await desk.party("talent", public_name="Alba")
    await desk.consented(talent)
    opened = await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id)
    async with running_line(int(portal.url.rpartition(":")[2])) as line:
        context = await portal.browser.new_context(viewport={"width": 1280, "height": 900})
        token = await portal.sessions.open(Visitor(trace.Actor(talent.id, "talent"), "Alba"))
        url = f"http://127.0.0.1:{line.port}"
        await context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
        page, said = await context.new_page(), []
        page.on("console", lambda one: said.append(f"{one.type}: {one.text}"))
        page.on("pageerror", lambda error: said.append(f"thrown: {error}"))
        made = Desk(portal, line, talent, opened.capture_set.id, page, said)
        await made.open()
        yield made
        await context.close()


def taken(folder: Path, numbers: Any, *, longer: int = 0) -> list[Path]:
    """Return sample photos as files, each with so many bytes behind its picture."""
    made = []
    for number in numbers:
        photo = photos("alba")[number]
        path = folder / photo["filename"]
        path.write_bytes(photo["content"] + bytes(longer))
        made.append(path)
    return made


async def test_a_dropped_connection_costs_a_part_and_the_map_is_drawn_anew(
    at: Desk, tmp_path: Path
) -> None:
    page, files = at.page, taken(tmp_path, range(6), longer=3 * MIB)
    (tmp_path / "photos.jsonl").write_bytes((SAMPLES / "alba" / "photos.jsonl").read_bytes())
    await expect(page.locator("#report .dot")).to_have_count(0)
    at.line.cut_after = 9 * MIB
    await page.locator("#files").set_input_files([*files, tmp_path / "photos.jsonl"])
    status = page.locator("#upload-status")
    await expect(status).to_contain_text("6 of 6 photos are in.", timeout=60_000)
    await expect(status).to_contain_text("The map below is up to date.")
    assert at.line.cuts == 1
    assert at.line.sent < 6 * 3.2 * MIB + 5 * MIB  # the parts in flight were sent twice, no more
    assert await page.locator("#report .dot").count() >= 6
    assert await page.locator("#whole").evaluate("bar => bar.value") == 1
    kept = {photo.filename: photo.facts for photo in await at.photos()}
    assert sorted(kept) == [file.name for file in files]
    told = photos("alba")[0]["facts"]
    assert (kept["000.jpg"].yaw, kept["000.jpg"].caption) == (told["yaw"], told["caption"])
    assert not [one for one in at.said if "thrown" in one]


async def test_a_broken_file_is_told_beside_its_name_and_the_others_go_on(
    at: Desk, tmp_path: Path
) -> None:
    page, files = at.page, taken(tmp_path, (2, 3, 4))
    for name, content in (("cut.jpg", files[0].read_bytes()[:9_000]), ("letter.jpg", b"Dear A")):
        (tmp_path / name).write_bytes(content)
        files.append(tmp_path / name)
    (tmp_path / "huge.jpg").write_bytes(bytes(12 * MIB + 1))
    await page.locator("#lighting").select_option("golden hour")
    await page.get_by_role("textbox", name="Caption").fill("A woman in a camel coat")
    await page.locator("#files").set_input_files([*files, tmp_path / "huge.jpg"])
    status = page.locator("#upload-status")
    await expect(status).to_contain_text("3 of 6 photos are in; 3 were not taken.", timeout=60_000)
    broken = {
        await one.locator(".file").inner_text(): await one.locator(".state").inner_text()
        for one in await page.locator("#sending .broken").all()
    }
    assert broken == {
        "cut.jpg": "photo is not a whole JPEG, PNG or WebP",
        "letter.jpg": "photo is not a whole JPEG, PNG or WebP",
        "huge.jpg": "has more than 12 MiB",
    }
    kept = await at.photos()
    assert {(one.facts.lighting, one.facts.caption) for one in kept} == {
        ("golden hour", "A woman in a camel coat")
    }
    await expect(page.locator("#pause")).to_be_hidden()


async def test_paused_loaded_again_and_picked_again_it_goes_on_where_it_was(
    at: Desk, tmp_path: Path
) -> None:
    page, files = at.page, taken(tmp_path, range(3, 6), longer=6 * MIB)
    at.line.delay_s = 0.01
    await page.locator("#lighting").select_option("overcast")
    await page.locator("#files").set_input_files(files)
    pause = page.get_by_role("button", name="Pause")
    while at.line.sent < 6 * MIB:
        await asyncio.sleep(0.02)
    await pause.click()
    await expect(page.locator("#sending .state").first).to_have_text("paused")
    await expect(page.get_by_role("button", name="Go on")).to_be_visible()
    await at.silence()
    assert not await at.photos()
    at.line.delay_s = 0.0
    await at.open()
    left = page.locator("#left li")
    await expect(left).to_have_count(3)
    assert "% is here" in await left.first.inner_text()
    before = at.line.sent
    await page.locator("#files").set_input_files(files)
    status = page.locator("#upload-status")
    await expect(status).to_contain_text("3 of 3 photos are in.", timeout=60_000)
    assert at.line.sent - before < 3 * 6.2 * MIB - 3 * MIB
    await expect(page.locator("#left")).to_be_hidden()
    assert {one.facts.lighting for one in await at.photos()} == {"overcast"}


async def test_paused_and_gone_on_with_on_the_same_page(at: Desk, tmp_path: Path) -> None:
    page, files = at.page, taken(tmp_path, range(3, 6), longer=4 * MIB)
    at.line.delay_s = 0.01
    await page.locator("#files").set_input_files(files)
    while at.line.sent < 5 * MIB:
        await asyncio.sleep(0.02)
    await page.get_by_role("button", name="Pause").click()
    await asyncio.sleep(0.3)
    at.line.delay_s = 0.0
    await page.get_by_role("button", name="Go on").click()
    status = page.locator("#upload-status")
    await expect(status).to_contain_text("3 of 3 photos are in.", timeout=60_000)


async def test_what_is_given_up_is_gone(at: Desk, tmp_path: Path) -> None:
    page, files = at.page, taken(tmp_path, [3], longer=6 * MIB)
    at.line.delay_s = 0.02
    await page.locator("#files").set_input_files(files)
    while at.line.sent < 3 * MIB:
        await asyncio.sleep(0.02)
    await page.get_by_role("button", name="Pause").click()
    at.line.delay_s = 0.0
    await at.open()
    await page.get_by_role("button", name="Give up 003.jpg").click()
    await expect(page.locator("#left")).to_be_hidden()
    found = await at.portal.desk.ask(at.talent, "ListUploads", capture_set_id=at.set_id)
    assert not found.uploads


async def test_the_keyboard_picks_photos_and_the_page_fits_a_phone(at: Desk) -> None:
    page = at.page
    page.on("filechooser", lambda _: None)  # asks the browser for it, which takes time
    await page.bring_to_front()
    await page.locator("#files").focus()
    await expect(page.locator("#files")).to_be_focused()
    async with page.expect_file_chooser() as chooser:
        await page.keyboard.press("Enter")
    assert (await chooser.value).is_multiple()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.name") == "framing"
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not [one for one in at.said if not one.startswith("verbose")]


async def test_whoever_may_not_fill_the_set_is_offered_nothing(at: Desk) -> None:
    await at.page.context.clear_cookies()
    await at.open()
    await expect(at.page.locator("#upload")).to_have_count(0)
