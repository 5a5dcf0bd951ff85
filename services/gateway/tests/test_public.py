"""What anybody may ask of pictures, how often, and what the gateway alone decides of it."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from gateway import reactions
from gateway.limits import Quotas, QuotaSpent
from gateway.settings import Settings
from gateway.verifying import check_consent
from house.people import STAFF_KEY
from kit import trace
from sosia.render.v1 import reaction_pb2, verify_pb2

from .conftest import VERIFICATIONS_A_MINUTE, opened

HERE, RENDER = "203.0.113.7", "ren_01kb2v7d0q3m5r8t2w4y6z9a1c"
ASKED = {"url": "https://x.example/a.jpg"}


def test_an_address_and_a_key_have_quotas_of_their_own() -> None:
    quotas = Quotas(an_address=1, a_key=2)
    brand = trace.Actor("pty_1", "brand")
    quotas.draw(trace.PUBLIC, HERE)
    for address in (HERE, "203.0.113.8"):  # a key is counted wherever it is used from
        quotas.draw(brand, address)
    for actor in (trace.PUBLIC, brand):
        with pytest.raises(QuotaSpent):
            quotas.draw(actor, HERE)
    quotas.draw(trace.Actor("pty_2", "brand"), HERE)


async def test_every_way_to_ask_draws_from_the_same_quota(web: Any) -> None:
    """Nobody gets around it by asking the page after the API."""
    here = {"Origin": web.url}
    for _ in range(VERIFICATIONS_A_MINUTE):
        assert (await web.post("/v1/verify/address", ASKED, "")).status_code == 503
    for answer in (
        await web.post("/v1/verify/address", ASKED, ""),
        await web.get(f"/v1/renders/{RENDER}/released", ""),
        await web.post(f"/v1/renders/{RENDER}/reactions", {"score": 3}, ""),
        await web.client.post("/verify", data={"url": "https://x.example/"}, headers=here),
        await web.get(f"/released/{RENDER}", ""),
        await web.client.post(f"/released/{RENDER}", headers=here),
    ):
        assert answer.status_code == 429, answer.request.url


async def test_a_key_has_an_end_too(settings: Settings, desk: Any) -> None:
    few = settings.model_copy(update={"key_verifications_a_minute": 1})
    url, key = f"http://{few.http_address}", {"Authorization": f"Bearer {STAFF_KEY}"}
    async with opened(few), httpx.AsyncClient(base_url=url, headers=key, timeout=30) as client:
        codes = [
            (await client.post("/v1/verify/address", json=ASKED)).status_code for _ in range(2)
        ]
    assert codes == [503, 429]  # render is not there


async def test_nobody_says_for_himself_where_he_is(web: Any) -> None:
    body = {"score": 3, "address": HERE}
    forged = await web.post(f"/v1/renders/{RENDER}/reactions", body, "")
    assert (forged.status_code, forged.json()["field"]) == (400, "address")
    query = await web.post(f"/v1/renders/{RENDER}/reactions?address={HERE}", {"score": 3}, "")
    assert (query.status_code, query.json()["field"]) == (400, "address")


async def test_a_reaction_from_another_site_is_refused(web: Any) -> None:
    for origin in ({}, {"Origin": "https://elsewhere.example"}):
        sent = await web.client.post(f"/released/{RENDER}", data={"score": "1"}, headers=origin)
        assert sent.status_code == 403


async def test_claims_are_shown_to_nobody_in_particular(web: Any) -> None:
    for path in ("/claims", "/claims/clm_1"):
        assert (await web.get(path, "")).status_code in (401, 503)
        assert "no-store" in (await web.get(path, "")).headers["cache-control"]
    for path in ("/v1/claims", "/v1/sightings/sgt_1/picture"):
        assert (await web.get(path, "")).status_code in (401, 503)


async def test_a_proof_that_does_not_hold_is_said_not_to(web: Any, desk: Any) -> None:
    class Asking:
        """identity's own answers, over its own stub."""

        async def ask(self, service: str, call: str, **fields: Any) -> Any:
            return await desk.ask("public", call, **fields)

    head = await Asking().ask("identity", "GetCheckpoint")
    proof = {"commitment_sha256": "00" * 32, "leaf_index": "0", "checkpoint": head.checkpoint}
    for changed in ({}, {"checkpoint": "x"}, {"leaf_index": "-1"}, {"commitment_sha256": "x"}):
        found = verify_pb2.Verification(consent_proof={**proof, **changed})
        told = await check_consent(Asking(), found)
        assert told is not None
        assert not told.holds
    assert await check_consent(Asking(), verify_pb2.Verification()) is None


def test_voices_are_drawn_a_column_a_day() -> None:
    first = date(2026, 9, 1)
    days = [
        reaction_pb2.ReactionDay(day=str(first + timedelta(days=n)), counts=[1, 0, 0, 0, n])
        for n in (0, 1, 99)
    ]
    told = reactions.tell(days, [])
    assert told.counts == [3, 0, 0, 0, 100]
    assert told.mean == "4.9"
    assert told.chart is not None
    assert (told.chart.last, told.chart.most) == ("2026-12-09", 100)
    assert told.chart.first == "2026-10-11"  # sixty days
    assert all(0 <= bar.y <= bar.y + bar.height <= 120.01 for bar in told.chart.bars)
    assert reactions.tell([], []).chart is None
