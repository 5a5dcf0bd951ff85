"""What the public is told of a picture, what it says of it, and what comes of one found in use."""

import json
import re
from typing import Any

import httpx
import pytest

from .conftest import Stage

LANGUAGES = {
    "en": "Verified", "sv": "Äkta", "de": "Bestätigt", "fr": "Vérifiée", "it": "Verificata",
}  # fmt: skip


@pytest.fixture
def page(stage: Stage) -> Any:
    with httpx.Client(base_url=stage.house.url, timeout=60) as client:
        yield client


def sign_in(client: httpx.Client, key: str) -> None:
    """Open a session as whoever a key belongs to."""
    origin = {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/login", data={"api_key": key}, headers=origin).status_code == 303


def key_of(party: Any) -> str:
    """Return the key of somebody who plays."""
    return str(party.api._client.headers["authorization"].split()[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_picture_is_verified_in_the_visitors_language(
    stage: Stage, page: httpx.Client, language: str
) -> None:
    content = next(iter(stage.told.released.values()))
    sent = page.post(
        f"/verify?lang={language}",
        files={"file": ("a.jpg", content)},
        data={"media": "ecommerce", "territory": "SE"},
        headers={"Origin": stage.house.url},
    )
    assert sent.status_code == 200
    assert f'<p class="stamp">{LANGUAGES[language]}</p>' in sent.text
    for name in (stage.told.cast.talent.party.name, "Mira Sandell"):
        assert name in sent.text
    assert '<p class="good">' in sent.text  # the proof of her consent holds
    assert sent.text.count("<dt>") >= 12


def test_no_answer_of_the_public_holds_a_number(stage: Stage, page: httpx.Client) -> None:
    """Distances, scores and confidences would lead a forger; only words are told."""
    render_id, content = next(iter(stage.told.released.items()))
    answers = [
        page.post("/v1/verify", files={"file": ("a.jpg", content)}).json(),
        page.get(f"/v1/renders/{render_id}/released").json(),
    ]
    for answer in answers:
        told = list(leaves(answer))
        assert told
        assert [one for one in told if not isinstance(one, str | bool)] == []
        assert not re.search(r"distan|score|confiden|bits|similar", json.dumps(answer).lower())


def leaves(value: Any) -> Any:
    """Yield everything a JSON value holds that holds nothing itself."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)
    else:
        yield value


def test_the_public_reacts_and_the_brand_sees_it(stage: Stage, page: httpx.Client) -> None:
    render_id = next(iter(stage.told.released))
    path, origin = f"/released/{render_id}?lang=de", {"Origin": stage.house.url}
    assert page.post(path, data={"score": "5"}).status_code == 403  # from elsewhere
    sent = page.post(path, data={"score": "5", "text": "Schönes Licht."}, headers=origin)
    assert sent.status_code == 303
    assert "Danke" in page.get(sent.headers["location"].partition("#")[0]).text
    refused = page.post(path, data={"score": "4", "text": "www.spam"}, headers=origin)
    assert refused.status_code == 400
    assert "keine Links" in refused.text or "keine Adressen" in refused.text
    forged = page.post(f"/v1/renders/{render_id}/reactions", json={"score": 4, "address": "x"})
    assert forged.json()["field"] == "address"
    brand = stage.told.cast.brands[0]
    said = brand.api.get(f"/v1/renders/{render_id}/reactions")
    assert [day["counts"] for day in said["days"]] == [[0, 0, 0, 0, 1]]
    sign_in(page, key_of(brand))
    shown = page.get(f"/pictures/{render_id}").text
    assert 'class="voices"' in shown
    assert "Schönes Licht." in shown


def test_a_picture_found_on_television_becomes_a_claim(stage: Stage, page: httpx.Client) -> None:
    content = next(iter(stage.told.released.values()))
    facts = {"source": "webhook", "url": "https://tv.example/a", "media": "tv", "territory": "JP"}
    sent = page.post(
        "/v1/sightings",
        files={"file": ("a.jpg", content), "facts": (None, json.dumps(facts))},
        headers={"Authorization": f"Bearer {stage.house.keys.staff_key}", "Idempotency-Key": "s"},
    )
    assert sent.status_code == 201, sent.text
    claim_id = sent.json()["sighting"]["claim_id"]
    brand, talent = stage.told.cast.brands[0], stage.told.cast.talent
    sign_in(page, key_of(brand))
    assert "tv.example/a" in page.get("/claims").text
    found = page.get(f"/claims/{claim_id}").text
    once = re.search(r'name="once" value="([^"]+)"', found)
    assert once
    said = {"once": once[1], "do": "answer", "note": "It is down."}
    origin = {"Origin": stage.house.url}
    assert page.post(f"/claims/{claim_id}", data=said).status_code == 403
    assert page.post(f"/claims/{claim_id}", data=said, headers=origin).status_code == 303
    image = re.search(r'src="(/v1/sightings/[^"]+)"', found)
    assert image
    picture = page.get(image[1])
    assert (picture.content, picture.headers["content-type"]) == (content, "image/jpeg")
    body = {"settle": True, "note": "Thank you."}
    settled = talent.api.post(f"/v1/claims/{claim_id}/close", body)
    assert settled["claim"]["state"] == "CLAIM_STATE_SETTLED"
