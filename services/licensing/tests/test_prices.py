"""Rate cards and quotes: data of the talent, priced in lines; bad input is named and not kept."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from house.people import stamp
from kit import rpc
from licensing.app import build
from sosia.licensing.v1 import licensing_service_pb2 as pb
from sosia.licensing.v1 import licensing_service_pb2_grpc


def factor(code: str, basis_points: int = 1) -> list[dict[str, Any]]:
    """Return one factor."""
    return [{"code": code, "basis_points": basis_points}]


def money(amount: int, currency: str = "EUR") -> dict[str, Any]:
    """Return an amount."""
    return {"currency_code": currency, "amount_minor": amount}


async def test_the_newest_card_counts_and_is_shown_to_those_near_the_talent(office: Any) -> None:
    card = await office.carded(floor=money(30_000))
    for who in (office.alba, office.identity.agency, office.identity.staff):
        found = await office.ask(who, "GetRateCard", talent_id=office.alba.id)
        assert found.rate_card == card
    for who in (office.brand, office.identity.cleo):
        hidden = office.ask(who, "GetRateCard", talent_id=office.alba.id)
        await office.refused(hidden, "RATE_CARD_NOT_FOUND")
    assert (await office.quoted()).rate_card_id == card.id


async def test_the_talent_and_her_agency_set_the_card_and_nobody_else(office: Any) -> None:
    card = office.card()
    for who in (office.brand, office.identity.cleo, office.identity.photographer):
        await office.refused(office.ask(who, "SetRateCard", rate_card=card), "NOT_ALLOWED")
    answer = await office.ask(office.identity.agency, "SetRateCard", rate_card=card)
    assert answer.rate_card.talent_id == office.alba.id
    brand = office.card(talent_id=office.brand.id)
    error = await office.refused(
        office.ask(office.identity.staff, "SetRateCard", rate_card=brand), "FIELD_INVALID"
    )
    assert error.metadata["field"] == "rate_card.talent_id"


async def test_of_racing_repeats_one_card_is_set(office: Any) -> None:
    before, card = await office.count("rate_cards"), office.card()
    setting = (
        office.ask(office.alba, "SetRateCard", request_id="c", rate_card=card) for _ in range(8)
    )
    answers = await asyncio.gather(*setting)
    assert len({answer.rate_card.id for answer in answers}) == 1
    assert await office.count("rate_cards") == before + 1
    other = office.card(crew_pool_bp=1)
    reused = office.ask(office.alba, "SetRateCard", request_id="c", rate_card=other)
    await office.refused(reused, "REQUEST_REUSED")


BAD_CARDS: list[tuple[dict[str, Any], str, str]] = [
    ({"talent_id": "me"}, "talent_id", "FIELD_INVALID"),
    ({"day_rate": None}, "day_rate", "FIELD_INVALID"),
    ({"day_rate": money(0)}, "day_rate.amount_minor", "FIELD_INVALID"),
    ({"day_rate": money(2**53)}, "day_rate.amount_minor", "FIELD_INVALID"),
    ({"day_rate": money(1, "euro")}, "day_rate.currency_code", "FIELD_INVALID"),
    ({"per_image": None}, "per_image", "FIELD_INVALID"),
    ({"per_image": money(-1)}, "per_image.amount_minor", "FIELD_INVALID"),
    ({"floor": None}, "floor", "FIELD_INVALID"),
    ({"floor": money(5, "USD")}, "floor.currency_code", "FIELD_INVALID"),
    ({"media": []}, "media", "FIELD_INVALID"),
    ({"media": factor("skywriting")}, "media[0].code", "MEDIA_UNKNOWN"),
    ({"media": factor("tv", 0)}, "media[0].basis_points", "FIELD_INVALID"),
    ({"media": factor("tv") * 2}, "media[1].code", "FIELD_INVALID"),
    ({"territories": factor("XX")}, "territories[0].code", "TERRITORY_UNKNOWN"),
    ({"territories": factor("se")}, "territories[0].code", "TERRITORY_UNKNOWN"),
    ({"territories": factor("SE", -1)}, "territories[0].basis_points", "FIELD_INVALID"),
    ({"terms": factor("0")}, "terms[0].code", "FIELD_INVALID"),
    ({"terms": factor("a year")}, "terms[0].code", "FIELD_INVALID"),
    ({"exclusivity_bp": -1}, "exclusivity_bp", "FIELD_INVALID"),
    ({"crew_pool_bp": 10_001}, "crew_pool_bp", "FIELD_INVALID"),
]


async def test_a_bad_card_is_refused_by_name_and_leaves_no_row(office: Any) -> None:
    before = [await office.count(table) for table in ("rate_cards", "requests", "outbox")]
    for changed, field, reason in BAD_CARDS:
        error = await office.refused(office.carded(**changed), reason)
        assert error.metadata["field"] == f"rate_card.{field}"
        assert error.metadata["rule"]
    assert [await office.count(table) for table in ("rate_cards", "requests", "outbox")] == before


async def test_a_quote_can_be_followed_by_hand(office: Any) -> None:
    quote = await office.quoted(
        exclusive=True,
        uses=[office.use(media="ecommerce", territories=["SE", "NO"]), office.use()],
    )
    lines = [(line.text.split(": ")[1], line.amount.amount_minor) for line in quote.lines]
    assert lines == [
        ("150000 x 50% x 35% x 50%", 13_125),
        ("150000 x 60% x 20% x 50%", 9_000),
        ("22125 x 50%", 11_062),  # half to even
    ]
    assert quote.total.amount_minor == sum(amount for _, amount in lines)
    assert quote.per_image == quote.per_image.__class__(**money(2_501))


async def test_a_region_is_paid_once_and_the_cheapest_cover_counts(office: Any) -> None:
    asked = office.use(territories=["SE", "NO", "DK", "NORDICS", "DE"])
    quote = await office.quoted(uses=[asked])
    assert re.search(r"DE \+ NORDICS .* x 75% x", quote.lines[0].text)


async def test_a_cheap_use_is_raised_to_the_floor_and_a_line_says_so(office: Any) -> None:
    quote = await office.quoted()
    assert quote.total.amount_minor == 20_000
    assert quote.lines[-1].amount.amount_minor == 20_000 - 9_000
    assert "floor" in quote.lines[-1].text


async def test_a_change_of_the_clocks_makes_no_day_more(office: Any) -> None:
    zone = {"zone": "Europe/Stockholm"}
    autumn = {  # midnight to midnight, 30 days and an hour
        "starts_at": stamp(datetime(2027, 10, 9, 22, tzinfo=UTC)),
        "ends_at": stamp(datetime(2027, 11, 8, 23, tzinfo=UTC)),
    }
    within = await office.quoted(uses=[office.use(**autumn, **zone)])
    assert "for 30 days (up to 30)" in within.lines[0].text
    beyond = await office.quoted(uses=[office.use(**autumn, zone="UTC")])
    assert "for 31 days (up to 365)" in beyond.lines[0].text


NOT_PRICED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"media": "tv"}, {"media": "tv", "field": "terms.uses[0].media"}),
    (
        {"territories": ["SE", "EUROPE"]},
        {"territory": "EUROPE", "field": "terms.uses[0].territories[1]"},
    ),
    (
        {"starts_at": stamp(datetime(2030, 1, 1)), "ends_at": stamp(datetime(2031, 1, 2))},
        {"days": "366", "field": "terms.uses[0].ends_at"},
    ),
]


async def test_what_is_not_on_the_card_is_refused_by_name(office: Any) -> None:
    territories = [{"code": code, "basis_points": 100} for code in ("SE", "EU")]
    await office.carded(territories=territories)
    for changed, metadata in NOT_PRICED:
        error = await office.refused(office.quoted(uses=[office.use(**changed)]), "USE_NOT_PRICED")
        assert metadata.items() <= error.metadata.items()


def on(days: int) -> Timestamp:
    """Return a time some days from now."""
    return stamp(datetime.now(UTC) + timedelta(days=days))


BAD_USES: list[tuple[dict[str, Any], str, str]] = [
    ({"media": "skywriting"}, "media", "MEDIA_UNKNOWN"),
    ({"territories": []}, "territories", "FIELD_INVALID"),
    ({"territories": ["SE", "Sweden"]}, "territories[1]", "TERRITORY_UNKNOWN"),
    ({"starts_at": None}, "starts_at", "FIELD_INVALID"),
    ({"ends_at": None}, "ends_at", "FIELD_INVALID"),
    ({"ends_at": Timestamp(seconds=2**60)}, "ends_at", "FIELD_INVALID"),
    ({"starts_at": on(-5), "ends_at": on(-4)}, "ends_at", "TERM_INVALID"),
    ({"starts_at": on(5), "ends_at": on(4)}, "ends_at", "TERM_INVALID"),
    ({"zone": "Europe/Atlantis"}, "zone", "FIELD_INVALID"),
    ({"zone": "../../etc/passwd"}, "zone", "FIELD_INVALID"),
    ({"zone": "Europe"}, "zone", "FIELD_INVALID"),
]


async def test_a_bad_use_is_refused_by_name(office: Any) -> None:
    for changed, field, reason in BAD_USES:
        error = await office.refused(office.quoted(uses=[office.use(**changed)]), reason)
        assert error.metadata["field"] == f"terms.uses[0].{field}"
    assert not await office.count("quotes")


BAD_TERMS: list[tuple[dict[str, Any], str]] = [
    ({"brand_id": ""}, "brand_id"),
    ({"talent_id": "a\0b"}, "talent_id"),
    ({"purpose": " "}, "purpose"),
    ({"purpose": "x" * 501}, "purpose"),
    ({"uses": []}, "uses"),
    ({"category": "\n"}, "category"),
    ({"category": "spaceships"}, "category"),
    ({"prohibited_contexts": ["tobacco", " "]}, "prohibited_contexts[1]"),
    ({"image_cap": 0}, "image_cap"),
    ({"image_cap": -1}, "image_cap"),
]


async def test_a_bad_term_is_refused_by_name_and_leaves_no_row(office: Any) -> None:
    before = [await office.count(table) for table in ("quotes", "requests", "outbox")]
    for changed, field in BAD_TERMS:
        reason = "CATEGORY_UNKNOWN" if field == "category" else "FIELD_INVALID"
        error = await office.refused(office.quoted(**changed), reason)
        assert error.metadata["field"] == f"terms.{field}"
    assert [await office.count(table) for table in ("quotes", "requests", "outbox")] == before


async def test_one_use_asked_for_twice_is_refused(office: Any) -> None:
    uses = [office.use(territories=["NORDICS"]), office.use(territories=["EU"])]
    error = await office.refused(office.quoted(uses=uses), "FIELD_INVALID")
    assert error.metadata["field"] == "terms.uses[1]"


async def test_a_brand_asks_for_itself_only_and_must_be_one(office: Any) -> None:
    terms = office.terms()
    quote = (await office.ask(office.brand, "CreateQuote", terms=terms)).quote
    assert quote.terms == terms
    for who in (office.rival, office.alba):
        await office.refused(office.ask(who, "CreateQuote", terms=terms), "NOT_ALLOWED")
    not_a_brand = office.quoted(brand_id=office.identity.agency.id)
    error = await office.refused(not_a_brand, "FIELD_INVALID")
    assert error.metadata["field"] == "terms.brand_id"


async def test_without_consent_or_card_there_is_no_quote(office: Any) -> None:
    cleo = office.identity.cleo
    await office.refused(office.quoted(talent_id=cleo.id), "RATE_CARD_NOT_FOUND")
    await office.identity.withdrawn(office.alba, office.alba.consent)
    await office.refused(office.quoted(), "CONSENT_MISSING")
    assert not await office.count("quotes")


async def test_a_quote_whose_time_is_over_leads_to_nothing(office: Any, settings: Any) -> None:
    short = {"quote_lasts": timedelta(microseconds=1), "ops_address": "127.0.0.1:0"}
    async with (
        build(settings.model_copy(update=short)) as hasty,
        rpc.open_channel(f"127.0.0.1:{hasty.port}") as channel,
    ):
        stub = licensing_service_pb2_grpc.LicensingServiceStub(channel)
        with office.identity.as_(office.brand):
            asked = pb.CreateQuoteRequest(request_id="hasty", terms=office.terms())
            quote = (await rpc.call(stub.CreateQuote, asked)).quote
    proposing = office.ask(office.brand, "ProposeLicense", quote_id=quote.id)
    await office.refused(proposing, "QUOTE_EXPIRED")
    assert not await office.count("licenses")
