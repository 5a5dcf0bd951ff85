"""The strings of the public pages: all of them in every language, with the same gaps to fill."""

import string
from typing import Any

import pytest
from gateway import languages
from licensing.domain.decisions import Reason

OTHERS = [code for code in languages.CODES if code != languages.DEFAULT]


def flat(words: Any, path: str = "") -> dict[str, str]:
    """Return every string by where it stands."""
    if isinstance(words, str):
        return {path: words}
    items = words.items() if isinstance(words, dict) else enumerate(words)
    return {key: text for name, one in items for key, text in flat(one, f"{path}.{name}").items()}


def gaps(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_says_everything_with_the_same_gaps(code: str) -> None:
    english, other = flat(languages.load("en").words), flat(languages.load(code).words)
    assert other.keys() == english.keys()
    for key, text in english.items():
        assert gaps(other[key]) == gaps(text), key
        assert other[key].strip() == other[key] != "", key
    assert len(languages.load(code)["months"]) == 12


@pytest.mark.parametrize("code", languages.CODES)
def test_every_code_of_the_house_has_a_word(code: str) -> None:
    words = languages.load(code)
    assert set(words["reasons"]) == {str(reason) for reason in Reason}
    states = {"trusted", "lapsed", "invalid", "absent", "match", "no match", "contradicts"}
    assert set(words["layer_states"]) == states
    assert set(words["layers"]) == {"credentials", "watermark", "fingerprint", "metadata"}
    assert set(words["license_states"]) == {"in term", "not yet", "expired", "revoked"}
    assert set(words["verdicts"]) == {"verified", "recovered", "suspect", "unknown"}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("ja, de-AT;q=0.5, fr;q=0.7", "fr"),
        ("nb, *;q=0.5", "en"),
        ("it;q=0, de;q=0.1", "de"),
        ("it;q=x, sv;q=2, ;;=,", "en"),
    ],
)
def test_the_language_is_the_one_a_visitor_likes_best(header: str, code: str) -> None:
    assert languages.negotiate(header) == code


async def test_the_page_comes_in_the_language_asked_for(web: Any) -> None:
    for code in languages.CODES:
        page = await web.client.get("/verify", headers={"Accept-Language": f"{code}, en;q=0.1"})
        assert f'<html lang="{code}">' in page.text
        assert page.headers["content-language"] == code
        assert languages.load(code)["verify"]["heading"] in page.text
        chosen = await web.client.get(
            "/verify", params={"lang": code}, headers={"Accept-Language": "xx"}
        )
        assert f'<html lang="{code}">' in chosen.text
        assert f'action="/verify?lang={code}"' in chosen.text
        for other in languages.CODES:
            assert f'href="/verify?lang={other}"' in chosen.text
    strange = await web.client.get("/verify", params={"lang": "<script>"})
    assert '<html lang="en">' in strange.text
    assert "<script>" not in strange.text


async def test_what_went_wrong_is_said_in_the_visitors_language(web: Any) -> None:
    empty = await web.client.post("/verify?lang=sv", data={"url": ""}, files={"file": b""})
    assert empty.status_code == 400
    assert languages.load("sv")["errors"]["FILE_MISSING"] in empty.text
