"""The verify page as a browser shows it: dropped, pasted, without script, in every language."""

import io
from typing import Any

import pytest
from gateway import languages
from PIL import Image

SIZES = ({"width": 390, "height": 844}, {"width": 1280, "height": 900})
_GIVE = """([kind, bytes]) => {
  const given = new DataTransfer();
  given.items.add(new File([new Uint8Array(bytes)], "shot.png", {type: "image/png"}));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", {clipboardData: given, bubbles: true, cancelable: true})
    : new DragEvent("drop", {dataTransfer: given, bubbles: true, cancelable: true});
  (kind === "paste" ? document.body : document.querySelector(".drop")).dispatchEvent(event);
}"""
_HELD = "document.getElementById('file').files.length"
_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = parse(text).map((part) => part / 255).map(
      (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll("main h1, main p, main label, main small, main legend")]
    .map((one) => light(getComputedStyle(one).color))
    .map((ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
}"""


@pytest.mark.parametrize("language", languages.CODES)
async def test_every_language_fits_phones_and_desks(site: Any, language: str) -> None:
    for size in SIZES:
        page = await site.open(f"/verify?lang={language}", viewport=size)
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert await page.evaluate("document.documentElement.lang") == language
        current = page.locator(".tongues [aria-current]")
        assert await current.inner_text() == languages.load(language)["name"]
        await page.context.close()
    assert [said for said in site.complaints if not said.startswith("verbose")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_its_words_stand_out(site: Any, scheme: str) -> None:
    page = await site.open("/verify?lang=de", color_scheme=scheme)
    assert min(await page.evaluate(_CONTRAST)) >= 4.5


async def test_the_browsers_language_is_taken_and_another_is_kept(site: Any) -> None:
    page = await site.open("/verify", locale="sv-SE")
    assert await page.evaluate("document.documentElement.lang") == "sv"
    await page.get_by_role("link", name="Français").click()
    assert page.url.endswith("/verify?lang=fr")
    await page.get_by_role("link", name="Vérifier").click()
    assert page.url.endswith("/verify?lang=fr")


@pytest.mark.parametrize("kind", ["paste", "drop"])
async def test_a_picture_is_dropped_or_pasted(site: Any, kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "PNG")
    page = await site.open("/verify")
    await page.get_by_label("Or the picture’s address").fill("https://x.example/")
    await page.evaluate(_GIVE, [kind, list(out.getvalue())])
    assert await page.evaluate(_HELD) == 1
    assert await page.locator("#chosen").inner_text() == "shot.png"
    await page.locator("#preview").wait_for(state="visible")
    assert await page.locator("#url").input_value() == ""
    assert [said for said in site.complaints if not said.startswith("verbose")] == []


async def test_it_works_without_script(site: Any) -> None:
    """render is not there, so that is what the page says; the form came whole."""
    page = await site.open("/verify?lang=it", java_script_enabled=False)
    await page.get_by_role("button", name="Verifica").click()
    words = languages.load("it")["errors"]
    assert words["FILE_MISSING"] in await page.locator("[role=alert]").inner_text()
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "PNG")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": out.getvalue()}
    await page.locator("#file").set_input_files(files=[file])
    await page.get_by_role("button", name="Verifica").click()
    assert words["OTHER"] in await page.locator("[role=alert]").inner_text()
