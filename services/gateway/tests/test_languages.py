"""The strings of the public pages: all of them in every language, with the same gaps to fill."""

import html
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway import languages, places
from google.protobuf.json_format import ParseDict
from google.protobuf.timestamp_pb2 import Timestamp
from house.people import STAFF_KEY
from identity.domain.receipts import Kind
from licensing.domain.decisions import Reason
from sosia.common.v1.use_pb2 import Use

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
    assert set(words["receipts"]) == {str(kind) for kind in Kind}


@pytest.mark.parametrize("code", languages.CODES)
def test_every_place_has_a_name(code: str) -> None:
    names = places.load(code)
    assert names.keys() == places.load("en").keys()
    assert all(name.strip() == name != place for place, name in names.items())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "a product page, social media: Sweden, Norway, 1 March 2027 to 31 March 2027"),
        ("de", "Produktseite, soziale Medien: Schweden, Norwegen, 1. März 2027 bis 31. März 2027"),
    ],
)
def test_uses_of_one_place_and_term_are_said_together(code: str, said: str) -> None:
    term = {"starts_at": "2027-02-28T23:00:00Z", "ends_at": "2027-03-31T22:00:00Z"}
    term |= {"zone": "Europe/Stockholm", "territories": ["SE", "NO"]}
    listed = [ParseDict({"media": one, **term}, Use()) for one in ("ecommerce", "social")]
    assert languages.load(code).uses(listed) == [said]
    many = sorted(places.COUNTRIES)[:11]
    assert languages.load("sv").places(many).endswith(" och 3 till")


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
    empty = await web.client.post(
        "/verify?lang=sv", data={"url": ""}, files={"file": b""}, headers={"Origin": web.url}
    )
    assert empty.status_code == 400
    assert languages.load("sv")["errors"]["FILE_MISSING"] in empty.text


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        ({"days": 3, "seconds": 9}, "3 days left"),
        ({"days": 1, "seconds": 9}, "1 day left"),
        ({"hours": 23, "seconds": 9}, "23 hours left"),
        ({"minutes": 1, "seconds": 9}, "1 minute left"),
        ({"seconds": 50}, "less than a minute left"),
        ({"seconds": -1}, "over"),
    ],
)
def test_what_is_left_is_said_in_the_largest_unit(ahead: dict[str, int], said: str) -> None:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) + timedelta(**ahead))
    assert languages.load("en").left(stamp) == said


@pytest.mark.parametrize("code", languages.CODES)
async def test_every_page_of_keys_and_what_is_refused_speak_it(web: Any, code: str) -> None:
    words, spoken = languages.load(code), {"Accept-Language": code}
    told = {"/": words["home"]["face"], "/login": words["ui"]["sign_in"]}
    for path, said in told.items():
        assert said in (await web.client.get(path, headers=spoken)).text, path
    opened = {"Origin": web.url, **spoken}
    wrong = await web.client.post("/login", data={"api_key": "sosia_wrong"}, headers=opened)
    assert (wrong.status_code, words["login"]["wrong"] in wrong.text) == (401, True)
    await web.client.post("/login", data={"api_key": STAFF_KEY}, headers=opened)
    told = {"/keys": words["keys"]["lost_hint"], "/recoveries": words["recoveries"]["lead"]}
    told |= {"/recoveries/new": words["recoveries"]["lead_who"], "/": words["nav"]["yours"]}
    told |= {"/talents": words["talents"]["none_staff"]}
    told |= {"/recoveries/rec_1": words["refused"]["heading"]}
    told |= {"/claims": words["refused"]["heading"]}  # render is not there
    for path, said in told.items():
        page = await web.client.get(path, headers=spoken)
        assert said in html.unescape(page.text), path
        assert f'<html lang="{code}">' in page.text, path
