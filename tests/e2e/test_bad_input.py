"""Bad input at every step of the chain: a problem that names field and rule, and no new row."""

from __future__ import annotations

import asyncio
import io
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from house.tables import Counts, count_rows
from local.house import SERVICES
from local.postgres import OWNER
from PIL import Image, ImageFilter
from story import beginnings, licensing
from story.api import Refused, to_text
from story.cast import COMMISSION_BP, representation_terms
from story.chain import Told
from story.samples import Photo, load_campaign, load_talent

from .conftest import SCRIPT, Stage

_OPEN = ("RENDER_STATE_QUEUED", "RENDER_STATE_RUNNING")
FORGED = to_text(bytes(64))
"""A signature nobody made."""


@dataclass(frozen=True)
class Opened:
    """The told story, and beside it one of everything that waits for a word."""

    stage: Stage
    consent_id: str
    capture_set_id: str
    license_id: str

    @property
    def told(self) -> Told:
        return self.stage.told


@pytest.fixture(scope="module")
def opened(stage: Stage) -> Opened:
    cast = stage.told.cast
    terms = beginnings.consent_terms(cast)
    consent = cast.agency.api.post("/v1/consents", {"terms": terms})["consent"]
    photographer = cast.crew["photographer"].api
    captured = photographer.post("/v1/capture-sets", {"talent_id": cast.talent.id})
    asked = licensing.propose(cast, cast.brands[1], _campaign(), exclusive=False)
    return Opened(stage, consent["id"], captured["capture_set"]["id"], asked["license"]["id"])


@dataclass(frozen=True)
class Wrong:
    """How something wrong is tried, and what must be said of it."""

    attempt: Callable[[Opened], Any]
    status: int
    reason: str
    field: str


def registers(**changed: Any) -> Callable[[Opened], Any]:
    key = to_text(bytes(range(32)))
    body = {"kind": "PARTY_KIND_TALENT", "name": "Mina", "public_name": "Mina", "synthetic": True}
    body |= {"public_key": key, "birth_date": "1999-04-01"}
    return lambda at: at.stage.staff.post("/v1/parties", body | changed)


def represents(**changed: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        cast = at.told.cast
        body = {**representation_terms(cast), "signature": FORGED, **changed}
        return cast.talent.api.post("/v1/representations", body)

    return attempt


def consents(lacking: str = "", **changed: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        terms = {**beginnings.consent_terms(at.told.cast), **changed}
        terms.pop(lacking, None)
        return at.told.cast.agency.api.post("/v1/consents", {"terms": terms})

    return attempt


def signs_a_consent_wrongly(at: Opened) -> Any:
    return at.told.cast.talent.api.post(f"/v1/consents/{at.consent_id}/sign", {"signature": FORGED})


def uploads(content: Callable[[], bytes], **changed: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        facts = {**_frontal().facts, **changed}
        path = f"/v1/capture-sets/{at.capture_set_id}/photos"
        api = at.told.cast.crew["photographer"].api
        return api.upload(path, "wrong.jpg", content(), facts)

    return attempt


def trains(**changed: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        cast, twin = at.told.cast, at.told.twin
        body = {"talent_id": cast.talent.id, "capture_set_id": twin["capture_set_id"]}
        body |= {"base": "mini", **changed}
        return cast.agency.api.post("/v1/training-runs", body)

    return attempt


def prices(**changed: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        card = {**licensing.rate_card(at.told.cast), **changed}
        return at.told.cast.agency.api.post("/v1/rate-cards", {"rate_card": card})

    return attempt


def asks(use: Mapping[str, Any] | None = None, **changed: Any) -> Callable[[Opened], Any]:
    """Return a quote's terms with the first use or other terms changed."""

    def attempt(at: Opened) -> Any:
        brand = at.told.cast.brands[0]
        terms = {**licensing.license_terms(at.told.cast, brand, _campaign()), **changed}
        terms["uses"][0] |= use or {}
        return brand.api.post("/v1/quotes", {"terms": terms})

    return attempt


def signs_a_license_wrongly(at: Opened) -> Any:
    path = f"/v1/licenses/{at.license_id}/sign"
    return at.told.cast.talent.api.post(path, {"signature": FORGED})


def opens_a_campaign(**changed: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        director = at.told.cast.crew["creative_director"].id
        body: dict[str, Any] = {"license_id": at.told.licenses[0]["id"], "name": "Winter"}
        body["credits"] = [{"party_id": director, "role": "creative_director"}]
        return at.told.cast.brands[0].api.post("/v1/campaigns", body | changed)

    return attempt


def briefs(shot: Mapping[str, Any] | None = None, **changed: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        wanted = _campaign()
        body = {
            "campaign_id": at.told.renders[0]["campaign_id"],
            "twin_version_id": at.told.twin["id"],
            "products": wanted["products"],
            "shots": [{**wanted["shots"][0], **(shot or {})}],
        }
        return at.told.cast.brands[0].api.post("/v1/briefs", body | changed)

    return attempt


def reviews(**body: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        path = f"/v1/renders/{at.told.renders[0]['id']}/review"
        return at.told.cast.crew["creative_director"].api.post(path, body)

    return attempt


def decides(**body: Any) -> Callable[[Opened], Any]:
    def attempt(at: Opened) -> Any:
        api = at.told.cast.talent.api
        query = {"talent_id": at.told.cast.talent.id}
        approval = api.get("/v1/approvals", **query)["approvals"][0]
        return api.post(f"/v1/approvals/{approval['id']}/decide", body)

    return attempt


def verifies(content: Callable[[], bytes]) -> Callable[[Opened], Any]:
    return lambda at: at.stage.staff.upload("/v1/verify", "wrong.jpg", content(), None)


def cut_off() -> bytes:
    return _frontal().content[:2000]


def blurred() -> bytes:
    return _changed(lambda picture: picture.filter(ImageFilter.GaussianBlur(9)))


def tiny() -> bytes:
    return _changed(lambda picture: picture.resize((64, 64)))


def two_of_them() -> bytes:
    def beside(picture: Image.Image) -> Image.Image:
        both = Image.new("RGB", (picture.width * 2, picture.height))
        both.paste(picture, (0, 0))
        both.paste(picture, (picture.width, 0))
        return both

    return _changed(beside)


def faceless() -> bytes:
    """Return a sharp picture with nobody in it."""
    return _encoded(Image.effect_noise((512, 512), 80).convert("RGB"))


WRONG = {
    "party: unknown field": Wrong(registers(shoe=38), 400, "FIELD_INVALID", "shoe"),
    "party: half a key": Wrong(
        registers(public_key=to_text(bytes(16))), 400, "FIELD_INVALID", "public_key"
    ),
    "party: a child": Wrong(
        registers(birth_date="2015-01-01"), 400, "TALENT_UNDER_AGE", "birth_date"
    ),
    "representation: forged": Wrong(represents(), 403, "SIGNATURE_INVALID", "signature"),
    "representation: half a share": Wrong(
        represents(commission_bp=9 * COMMISSION_BP), 400, "FIELD_INVALID", "commission_bp"
    ),
    **{
        f"consent: no {term}": Wrong(
            consents(lacking=term), 400, "CONSENT_TERM_MISSING", f"terms.{term}"
        )
        for term in (
            "scope", "purpose", "rate_of_pay", "rate_basis", "starts_at", "ends_at", "uses",
            "language", "advice", "withdrawal_policy",
        )
    },
    "consent: unknown field": Wrong(
        consents(for_ever=True), 400, "FIELD_INVALID", "terms.for_ever"
    ),
    "consent: a language without a text": Wrong(
        consents(language="es"), 400, "FIELD_INVALID", "terms.language"
    ),
    "consent: unpaid": Wrong(
        consents(rate_of_pay={"currency_code": "EUR", "amount_minor": 0}),
        400, "CONSENT_TERM_MISSING", "terms.rate_of_pay.amount_minor",
    ),
    "consent: forged": Wrong(signs_a_consent_wrongly, 403, "SIGNATURE_INVALID", "signature"),
    "photo: cut off": Wrong(uploads(cut_off), 400, "PHOTO_UNREADABLE", "file"),
    "photo: blurred": Wrong(uploads(blurred), 400, "PHOTO_BLURRED", "file"),
    "photo: tiny": Wrong(uploads(tiny), 400, "PHOTO_TOO_SMALL", "file"),
    "photo: two people": Wrong(uploads(two_of_them), 400, "PHOTO_OF_SEVERAL", "file"),
    "photo: nobody": Wrong(uploads(faceless), 400, "PHOTO_WITHOUT_FACE", "file"),
    "photo: unknown framing": Wrong(
        uploads(lambda: _frontal().content, framing="close"),
        400, "FIELD_INVALID", "facts.framing",
    ),
    "training: unknown base": Wrong(trains(base="sd15"), 404, "BASE_NOT_FOUND", "base"),
    "training: unknown setting": Wrong(
        trains(settings={"epochs": 3}), 400, "FIELD_INVALID", "settings.epochs"
    ),
    "training: no steps": Wrong(
        trains(settings={"steps": -1}), 400, "FIELD_INVALID", "settings.steps"
    ),
    "rate card: unknown medium": Wrong(
        prices(media=[{"code": "smoke", "basis_points": 1}]),
        400, "MEDIA_UNKNOWN", "rate_card.media[0].code",
    ),
    "rate card: unknown territory": Wrong(
        prices(territories=[{"code": "ATLANTIS", "basis_points": 1}]),
        400, "TERRITORY_UNKNOWN", "rate_card.territories[0].code",
    ),
    "quote: unknown territory": Wrong(
        asks({"territories": ["ATLANTIS"]}),
        400, "TERRITORY_UNKNOWN", "terms.uses[0].territories[0]",
    ),
    "quote: unknown medium": Wrong(
        asks({"media": "smoke"}), 400, "MEDIA_UNKNOWN", "terms.uses[0].media"
    ),
    "quote: ends before it begins": Wrong(
        asks({"ends_at": "2020-01-01T00:00:00Z"}), 400, "TERM_INVALID", "terms.uses[0].ends_at"
    ),
    "quote: unknown zone": Wrong(
        asks({"zone": "Europe/Atlantis"}), 400, "FIELD_INVALID", "terms.uses[0].zone"
    ),
    "quote: unknown field": Wrong(asks(free=True), 400, "FIELD_INVALID", "terms.free"),
    "license: forged": Wrong(signs_a_license_wrongly, 403, "SIGNATURE_INVALID", "signature"),
    "campaign: unknown role": Wrong(
        opens_a_campaign(credits=[]), 400, "FIELD_INVALID", "credits"
    ),
    "campaign: no name": Wrong(opens_a_campaign(name=" "), 400, "FIELD_INVALID", "name"),
    "brief: unknown framing": Wrong(
        briefs({"framing": "feet"}), 400, "FIELD_INVALID", "shots[0].framing"
    ),
    "brief: no such product": Wrong(
        briefs({"product": 7}), 400, "FIELD_INVALID", "shots[0].product"
    ),
    "brief: unknown field": Wrong(
        briefs({"mood": "wild"}), 400, "FIELD_INVALID", "shots[0].mood"
    ),
    "brief: no shot": Wrong(briefs(shots=[]), 400, "FIELD_INVALID", "shots"),
    "review: no word": Wrong(
        reviews(approve=False, note=""), 400, "FIELD_INVALID", "note"
    ),
    "approval: forged": Wrong(
        decides(approve=True, signature=FORGED), 403, "SIGNATURE_INVALID", "signature"
    ),
    "verify: cut off": Wrong(verifies(cut_off), 400, "PHOTO_UNREADABLE", "file"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_problem_names_the_field_and_the_rule_and_leaves_nothing(
    opened: Opened, name: str
) -> None:
    wrong, before = WRONG[name], _rows(opened)
    with pytest.raises(Refused) as refused:
        wrong.attempt(opened)
    problem = refused.value.problem
    said = (refused.value.status, problem["reason"], problem.get("field"))
    assert said == (wrong.status, wrong.reason, wrong.field), problem
    assert problem["rule"], problem
    assert problem["type"] == f"urn:sosia:problem:{wrong.reason.lower().replace('_', '-')}"
    assert _rows(opened) == before


def test_a_forged_grant_makes_no_picture(opened: Opened) -> None:
    house, before = opened.stage.house, _rows(opened)["render"]
    house.kill("render-worker", signal.SIGTERM)
    try:
        brief_id = briefs()(opened)["brief"]["id"]
        brand = opened.told.cast.brands[0].api
        (render,) = brand.post(f"/v1/briefs/{brief_id}/renders")["renders"]
        asyncio.run(_forge_grant(house.postgres.url("render", OWNER), render["id"]))
    finally:
        house.start("render-worker")
    deadline = time.monotonic() + 60
    while render["state"] in _OPEN and time.monotonic() < deadline:
        time.sleep(0.1)
        render = brand.get(f"/v1/renders/{render['id']}")["render"]
    assert (render["state"], render["note"]) == ("RENDER_STATE_FAILED", "GRANT_INVALID")
    after = _rows(opened)["render"]
    assert after["briefs"] == before["briefs"] + 1  # what is counted moves when it must
    assert after["pictures"] == before["pictures"]


async def _forge_grant(database_url: str, render_id: str) -> None:
    """Sign what a render's grant says with another key, as a thief of the database could."""
    connection = await asyncpg.connect(database_url)
    try:
        query = "SELECT grant_token FROM renders WHERE id = $1"
        claims = jwt.decode(
            await connection.fetchval(query, render_id), options={"verify_signature": False}
        )
        forged = jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA")
        update = "UPDATE renders SET grant_token = $2 WHERE id = $1"
        await connection.execute(update, render_id, forged)
    finally:
        await connection.close()


def _rows(at: Opened) -> dict[str, Counts]:
    """Return how many rows every table of every service has."""
    postgres = at.stage.house.postgres

    async def count() -> list[Counts]:
        return [await count_rows(postgres.url(service, OWNER)) for service in SERVICES]

    return dict(zip(SERVICES, asyncio.run(count()), strict=True))


def _campaign() -> dict[str, Any]:
    return load_campaign(SCRIPT.campaign)


def _frontal() -> Photo:
    """Return a close-up of the sample talent from the front."""
    photos = load_talent(SCRIPT.talent).photos
    return min(photos, key=lambda one: (one.facts["framing"] != "face", abs(one.facts["yaw"])))


def _changed(change: Callable[[Image.Image], Image.Image]) -> bytes:
    return _encoded(change(Image.open(io.BytesIO(_frontal().content)).convert("RGB")))


def _encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
