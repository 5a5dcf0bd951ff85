"""Pictures found in use, and the claims that come of it."""

import asyncio
import io
import json
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kit.errors import FieldInvalid
from kit.inbox import handle_once
from PIL import Image
from render import consumers
from render.app import open_sightings
from render.domain import sightings as domain
from render.domain.sightings import Claim, Facts, Fate, State, Step
from render.sighting import sight
from render.sources import AddressList, Folder
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.render.v1 import claim_pb2, render_pb2, verify_pb2
from sqlalchemy.exc import IntegrityError
from vault import PICTURES

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OPEN, ANSWERED = claim_pb2.CLAIM_STATE_OPEN, claim_pb2.CLAIM_STATE_ANSWERED
SETTLED, DISMISSED = claim_pb2.CLAIM_STATE_SETTLED, claim_pb2.CLAIM_STATE_DISMISSED
SHOP = "https://www.Shop.example/jackets/1.jpg?size=2#top"


def a_claim(*states: State, reasons: tuple[str, ...] = ("MEDIA_NOT_LICENSED",)) -> Claim:
    ids = ("clm_1", "ren_1", "lic_1", "pty_1", "pty_2", "shop.example/1.jpg")
    steps = tuple(Step(state, NOW, "pty_1", "x") for state in (State.OPEN, *states))
    return Claim(*ids, 1, reasons, b"{}", "in term", NOW, steps)


def test_what_is_not_known_accuses_nobody() -> None:
    licensed = [("ecommerce", "SE"), ("social", "EU")]
    seen = Facts("crawler", "", NOW, "", "US")
    assert domain.questions(seen, licensed) == [("ecommerce", "US"), ("social", "US")]
    seen = Facts("crawler", "", NOW, "tv", "US")
    assert domain.questions(seen, licensed) == [("tv", "US")]
    assert domain.weigh([("TERRITORY_NOT_LICENSED",), ()]) == ()
    both = [("LICENSE_EXPIRED", "TERRITORY_NOT_LICENSED"), ("TERRITORY_NOT_LICENSED",)]
    assert domain.weigh(both) == ("TERRITORY_NOT_LICENSED",)
    assert domain.weigh([("MEDIA_UNKNOWN",), ("TERM_INVALID",)]) == ("USE_NOT_LICENSED",)


def test_a_closed_claim_opens_again_for_a_new_reason_only() -> None:
    reasons = ("MEDIA_NOT_LICENSED",)
    assert domain.decide((), a_claim()) is Fate.NOTHING
    assert domain.decide(reasons, None) is Fate.OPENS
    for state in ((), (State.ANSWERED,)):
        assert domain.decide(reasons, a_claim(*state)) is Fate.JOINS
    for end in (State.SETTLED, State.DISMISSED):
        closed = a_claim(State.ANSWERED, end)
        assert domain.decide(reasons, closed) is Fate.KNOWN
        assert domain.decide((*reasons, "LICENSE_EXPIRED"), closed) is Fate.OPENS


def test_a_place_is_host_and_path() -> None:
    facts = Facts("crawler", SHOP, NOW, "", "")
    assert domain.place_of(facts, "0" * 64) == "shop.example/jackets/1.jpg"
    for url in ("", "http://[::1"):
        assert domain.place_of(Facts("c", url, NOW, "", ""), "0" * 64) == f"c: {'0' * 64}"


def test_facts_that_cannot_be_are_refused() -> None:
    for facts in (
        Facts("", "", NOW, "", ""),
        Facts("c", "ftp://x.example/", NOW, "", ""),
        Facts("c", "", NOW + timedelta(hours=1), "", ""),
    ):
        with pytest.raises(FieldInvalid):
            domain.check(facts, now=NOW)
    assert domain.check(Facts("c", "", None, "", ""), now=NOW).seen_at == NOW


class Seen:
    """A released picture, its file, and a crawler that comes across it."""

    def __init__(self, stage: Any, render: Any, content: bytes) -> None:
        self.stage, self.render, self.content = stage, render, content
        out = io.BytesIO()
        Image.open(io.BytesIO(content)).save(out, "JPEG", quality=80)
        self.copy = out.getvalue()

    async def report(self, content: bytes = b"", **facts: Any) -> Any:
        """Report the picture, or another."""
        told = {"source": "crawler", "url": SHOP, "media": "tv", "territory": "US"} | facts
        fields = {"content": content or self.copy, "facts": told}
        if "request_id" in facts:
            fields["request_id"] = told.pop("request_id")
        return (await self.stage.ask("staff", "ReportSighting", **fields)).sighting

    async def claim(self, person: Any, claim_id: str) -> Any:
        """Return a claim as somebody sees it."""
        return (await self.stage.ask(person, "GetClaim", claim_id=claim_id)).claim

    def answer(self, claim_id: str, **more: Any) -> Awaitable[Any]:
        """Let the brand answer."""
        fields = {"claim_id": claim_id, "note": "It is down.", **more}
        return self.stage.ask(self.stage.brand, "AnswerClaim", **fields)

    def close(self, claim_id: str, person: Any = None, *, settle: bool = True) -> Awaitable[Any]:
        """Let the talent close a claim."""
        who = person or self.stage.identity.alba
        fields = {"claim_id": claim_id, "note": "Thank you.", "settle": settle}
        return self.stage.ask(who, "CloseClaim", **fields)


@pytest.fixture
async def seen(stage: Any) -> Seen:
    render = await stage.released()
    content = await stage.picture(stage.brand, render, render_pb2.PICTURE_KIND_CLEAN)
    return Seen(stage, render, content)


async def test_a_licensed_use_is_noted_and_opens_nothing(seen: Seen, stage: Any) -> None:
    for known in ({"media": "ecommerce", "territory": "SE"}, {"media": "", "territory": ""}):
        sighting = await seen.report(**known)
        assert (sighting.verdict, sighting.claim_id) == (verify_pb2.VERDICT_RECOVERED, "")
        assert (sighting.render_id, list(sighting.reasons)) == (seen.render.id, [])
        assert not sighting.is_kept
    claims = (await stage.ask(stage.brand, "ListClaims")).claims
    assert list(claims) == []


async def test_a_use_that_is_not_licensed_opens_a_claim_with_evidence(
    seen: Seen, stage: Any
) -> None:
    sighting = await seen.report()
    claim = await seen.claim(stage.brand, sighting.claim_id)
    assert claim.state == OPEN
    assert set(claim.reasons) == {"MEDIA_NOT_LICENSED", "TERRITORY_NOT_LICENSED"}
    assert (claim.render_id, claim.license_id) == (seen.render.id, stage.license.id)
    assert claim.license_statement == stage.license.statement
    assert claim.license_state == "in term"
    (kept,) = claim.sightings
    assert (kept.facts.media, kept.facts.territory, kept.facts.url) == ("tv", "US", SHOP)
    assert {layer.name: layer.state for layer in kept.layers}["watermark"] == "match"
    for person in (stage.brand, stage.identity.alba, "staff"):
        assert [one.id for one in (await stage.ask(person, "ListClaims")).claims] == [claim.id]
        got = await stage.ask(person, "GetSightingPicture", sighting_id=kept.id)
        assert (got.content, got.sha256) == (seen.copy, kept.picture_sha256)
    (opened,) = [data for name, data in await stage.events() if name == "ClaimOpened"]
    assert (opened["claimId"], opened["brandId"]) == (claim.id, stage.brand.id)


async def test_a_claim_is_nobody_elses(seen: Seen, stage: Any) -> None:
    sighting = await seen.report()
    other = await stage.identity.party("brand", public_name="South")
    for person in (other, stage.director):
        assert list((await stage.ask(person, "ListClaims")).claims) == []
        call = stage.ask(person, "GetClaim", claim_id=sighting.claim_id)
        await stage.refused(call, "CLAIM_NOT_FOUND")
        call = stage.ask(person, "GetSightingPicture", sighting_id=sighting.id)
        await stage.refused(call, "SIGHTING_NOT_FOUND")
    await stage.refused(stage.ask("public", "ListClaims"), "API_KEY_MISSING")
    for person in (stage.brand, stage.identity.alba):
        facts = {"source": "me"}
        call = stage.ask(person, "ReportSighting", content=seen.copy, facts=facts)
        await stage.refused(call, "NOT_ALLOWED")


async def test_the_same_sighting_joins_the_open_claim(seen: Seen, stage: Any) -> None:
    first = await seen.report(request_id="once")
    assert await seen.report(request_id="once") == first
    again = await asyncio.gather(
        seen.report(url="http://shop.example/jackets/1.jpg"), seen.report(seen.content)
    )
    assert {one.claim_id for one in again} == {first.claim_id}
    elsewhere = await seen.report(url="https://other.example/1.jpg")
    assert elsewhere.claim_id != first.claim_id
    claim = await seen.claim(stage.brand, first.claim_id)
    assert (claim.sightings_count, len(claim.sightings)) == (3, 3)
    names = [name for name, _ in await stage.events() if name.startswith("Claim")]
    assert sorted(names) == ["ClaimOpened", "ClaimOpened", "ClaimRepeated", "ClaimRepeated"]
    keys = (await stage.execute("SELECT DISTINCT object_key FROM sightings")).scalars().all()
    assert len(keys) == 3  # the copy is kept once a claim, the file itself beside it


async def test_racing_sightings_open_one_claim(seen: Seen, stage: Any) -> None:
    found = await asyncio.gather(*(seen.report() for _ in range(6)))
    assert len({one.claim_id for one in found}) == 1
    assert (await stage.execute("SELECT count(*) FROM claims")).scalar_one() == 1


async def test_a_claim_is_answered_then_settled_and_stops(seen: Seen, stage: Any) -> None:
    claim_id = (await seen.report()).claim_id
    await stage.refused(seen.close(claim_id), "CLAIM_NOT_ANSWERED")
    await stage.refused(seen.close(claim_id, stage.brand), "NOT_ALLOWED")
    call = stage.ask(stage.identity.alba, "AnswerClaim", claim_id=claim_id, note="x")
    await stage.refused(call, "NOT_ALLOWED")
    await stage.refused(seen.answer(claim_id, note=" "), "FIELD_INVALID")
    assert (await seen.answer(claim_id, request_id="a")).claim.state == ANSWERED
    assert (await seen.answer(claim_id, request_id="a")).claim.state == ANSWERED
    await stage.refused(seen.answer(claim_id), "CLAIM_NOT_OPEN")
    settled = (await seen.close(claim_id)).claim
    assert [step.state for step in settled.steps] == [OPEN, ANSWERED, SETTLED]
    assert [step.note for step in settled.steps] == ["", "It is down.", "Thank you."]
    await stage.refused(seen.close(claim_id, settle=False), "CLAIM_NOT_OPEN")
    assert (await seen.report()).claim_id == claim_id
    assert (await seen.claim(stage.brand, claim_id)).state == SETTLED
    names = [name for name, _ in await stage.events() if name.startswith("Claim")]
    assert names == ["ClaimOpened", "ClaimAnswered", "ClaimClosed"]
    open_now = await stage.ask(stage.brand, "ListClaims", state=OPEN)
    assert list(open_now.claims) == []


async def test_withdrawn_use_opens_a_claim_and_a_new_reason_a_new_one(
    seen: Seen, stage: Any
) -> None:
    first = await seen.report()
    await seen.close(first.claim_id, settle=False)
    alba, license_id = stage.identity.alba, stage.license.id
    signature = alba.sign(f"revoke:{license_id}".encode())
    await stage.license_ask(alba, "RevokeLicense", license_id=license_id, signature=signature)
    second = await seen.report()
    assert second.claim_id != first.claim_id
    assert "LICENSE_NOT_ACTIVE" in second.reasons
    claim = await seen.claim(alba, second.claim_id)
    assert claim.license_state == "revoked"
    assert (await seen.claim(alba, first.claim_id)).state == DISMISSED


async def test_a_use_out_of_its_term_opens_a_claim(seen: Seen, stage: Any) -> None:
    """Judged as of when it was seen: before the license began is as unlicensed as after."""
    use = {"media": "ecommerce", "territory": "SE"}
    early = datetime.now(UTC) - timedelta(days=2)
    sighting = await seen.report(seen_at=early, **use)
    assert "LICENSE_NOT_STARTED" in sighting.reasons
    assert sighting.claim_id


async def test_no_row_of_a_claim_changes(seen: Seen, stage: Any) -> None:
    await seen.report()
    for table in ("claims", "claim_steps", "sightings"):
        column = "claim_id" if table == "claim_steps" else "id"
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
            with pytest.raises(IntegrityError, match="only grows"):
                await stage.execute(statement)


async def test_a_stranger_is_noted_and_opens_nothing(seen: Seen, stage: Any) -> None:
    out = io.BytesIO()
    Image.effect_noise((256, 256), 60).convert("RGB").save(out, "JPEG")
    sighting = await seen.report(out.getvalue())
    assert (sighting.verdict, sighting.claim_id) == (verify_pb2.VERDICT_UNKNOWN, "")
    assert not sighting.is_kept


async def test_a_folder_is_crawled_once_a_day(
    seen: Seen, stage: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "seen"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "a.jpg").write_bytes(seen.copy)
    now = datetime.now(UTC).isoformat()
    facts = {"url": SHOP, "media": "tv", "territory": "US", "seen_at": now}
    (folder / "shop" / "a.jpg.json").write_text(json.dumps(facts))
    (folder / "b.png").write_bytes(b"no picture")
    (folder / "c.jpg").write_bytes(seen.copy)
    (folder / "c.jpg.json").write_text('{"where": "?"}')
    for _ in range(2):
        async with open_sightings(stage.settings) as (sightings, _fetcher):
            counts = await sight(sightings, Folder(folder))
        assert counts == {"recovered": 1, "left out": 2}
    assert "MEDIA_NOT_LICENSED" in capsys.readouterr().out
    (claim,) = (await stage.ask("staff", "ListClaims")).claims
    assert claim.sightings_count == 1


async def test_addresses_are_fetched_and_noted(seen: Seen, stage: Any, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + seen.copy)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.jpg"
    listed = tmp_path / "urls"
    listed.write_text(f"# found by hand\n{url}\ttv\tUS\nhttp://10.0.0.1/a.jpg\n")
    allowed = stage.settings.model_copy(update={"fetch_loopback": True})
    async with server:
        async with open_sightings(allowed) as (sightings, fetcher):
            counts = await sight(sightings, AddressList(listed, fetcher))
        assert counts == {"recovered": 1, "left out": 1}
        async with open_sightings(stage.settings) as (sightings, fetcher):
            assert await sight(sightings, AddressList(listed, fetcher)) == {"left out": 2}
        call = stage.ask("public", "VerifyAddress", url=url)
        await stage.refused(call, "ADDRESS_REFUSED")


async def test_without_her_consent_nothing_that_shows_her_is_kept(seen: Seen, stage: Any) -> None:
    alba = stage.identity.alba
    before = await stage.vault.find(alba.id, PICTURES)
    await stage.identity.withdrawn(alba, alba.consent)
    sighting = await seen.report(media="ecommerce", territory="SE")
    assert sighting.claim_id
    assert not sighting.is_kept
    assert set(sighting.reasons) & {"CONSENT_WITHDRAWN", "CONSENT_MISSING", "LICENSE_NOT_ACTIVE"}
    assert await stage.vault.find(alba.id, PICTURES) == before
    call = stage.ask(stage.brand, "GetSightingPicture", sighting_id=sighting.id)
    await stage.refused(call, "SIGHTING_NOT_FOUND")


async def test_an_erasure_takes_what_was_found_and_said(seen: Seen, stage: Any) -> None:
    alba = stage.identity.alba
    sighting = await seen.report()
    fields = {"render_id": seen.render.id, "score": 5, "address": "203.0.113.7"}
    await stage.ask("public", "React", **fields)
    event = identity_events.TalentErased(talent_id=alba.id)
    handler = partial(consumers.erase, vault=stage.app.vault)
    await handle_once(stage.app.db, "e1", event, handler)
    assert await stage.vault.find(alba.id, PICTURES) == []
    assert (await stage.execute("SELECT count(*) FROM reactions")).scalar_one() == 0
    call = stage.ask(stage.brand, "GetSightingPicture", sighting_id=sighting.id)
    await stage.refused(call, "SIGHTING_NOT_FOUND")
    assert (await seen.claim(stage.brand, sighting.claim_id)).state == OPEN
