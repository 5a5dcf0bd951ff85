"""Amounts, shares and prices: exact, in whole minor units."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from licensing.app import load_vocabulary
from licensing.domain.cards import Factor, RateCard
from licensing.domain.ledger import Credit, Kind, Payees, Payment, make_lines, share_out
from licensing.domain.money import Money, split
from licensing.domain.pricing import UseNotPriced, price
from licensing.domain.terms import Terms, Use

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
AMOUNTS = st.integers(0, 10**12)
WORLDWIDE = load_vocabulary()


@given(AMOUNTS, st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_parts_sum_to_the_whole_and_differ_from_exact_by_less_than_one(
    amount: int, weights: list[int]
) -> None:
    parts = split(amount, weights)
    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
    assert len(parts) == len(weights)


@given(AMOUNTS, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 6))
def test_shares_of_a_payment_sum_to_its_gross(
    gross: int, commission_bp: int, pool_bp: int, crew: int
) -> None:
    credits = tuple(Credit(f"pty_{number}", "stylist") for number in range(crew))
    payees = Payees("talent", "agency", commission_bp, pool_bp, credits)
    shares = share_out(gross, payees)
    assert sum(share.amount for share in shares) == gross
    assert all(share.amount > 0 for share in shares)
    assert shares == share_out(gross, payees)
    payment = Payment("txn", Kind.LICENSE_FEE, "lic", "brand", Money("EUR", gross))
    assert sum(share.amount for _, share in make_lines(payment, shares)) == 0


def test_shares_that_are_not_the_payment_are_refused() -> None:
    payment = Payment("txn", Kind.LICENSE_FEE, "lic", "brand", Money("EUR", 100))
    with pytest.raises(ValueError, match="do not sum"):
        make_lines(payment, share_out(99, Payees("talent", "", 0, 0, ())))


def test_without_a_crew_the_pool_is_the_talents() -> None:
    shares = share_out(1000, Payees("talent", "agency", 2000, 500, ()))
    assert {share.role: share.amount for share in shares} == {"talent": 800, "agency": 200}


def card(**changed: object) -> RateCard:
    fields: dict[str, object] = {
        "id": "rat", "talent_id": "pty", "day_rate": Money("EUR", 120_000),
        "media": (Factor("ecommerce", 6_000), Factor("social", 4_000)),
        "territories": (Factor("SE", 3_000), Factor("NO", 3_000), Factor("NORDICS", 5_000)),
        "terms": (Factor("90", 5_000), Factor("365", 10_000)),
        "exclusivity_bp": 10_000, "per_image": Money("EUR", 4_500), "crew_pool_bp": 500,
        "floor": Money("EUR", 1_000), "created_at": NOW,
    }  # fmt: skip
    return RateCard(**{**fields, **changed})  # type: ignore[arg-type]


def terms(*territories: str, days: int = 365, exclusive: bool = False) -> Terms:
    countries = sorted({c for code in territories for c in WORLDWIDE.expand(code)})
    use = Use("ecommerce", territories, tuple(countries), NOW, NOW + timedelta(days=days), "UTC")
    return Terms("brand", "pty", "A campaign.", (use,), "outerwear", exclusive, 10, True)


def test_a_price_is_rate_times_factors_and_its_lines_sum_to_it() -> None:
    found = price(card(), terms("SE"), WORLDWIDE)
    assert found.total == Money("EUR", 120_000 * 6 // 10 * 3 // 10)
    assert sum(line.amount for line in found.lines) == found.total.minor


def test_overlapping_territories_are_paid_by_their_cheapest_cover() -> None:
    both = price(card(), terms("SE", "NO"), WORLDWIDE)
    region = price(card(), terms("NORDICS"), WORLDWIDE)
    twice = price(card(), terms("SE", "NORDICS"), WORLDWIDE)
    assert both.total == region.total == twice.total


def test_exclusivity_costs_extra() -> None:
    plain, exclusive = terms("SE"), terms("SE", exclusive=True)
    assert (
        price(card(), exclusive, WORLDWIDE).total.minor
        == 2 * price(card(), plain, WORLDWIDE).total.minor
    )


def test_no_price_is_below_the_floor_and_a_line_says_so() -> None:
    found = price(card(floor=Money("EUR", 90_000)), terms("SE", days=10), WORLDWIDE)
    assert found.total == Money("EUR", 90_000)
    assert "floor" in found.lines[-1].text
    assert sum(line.amount for line in found.lines) == 90_000


@pytest.mark.parametrize(("asked", "days"), [("US", 10), ("SE", 366)])
def test_what_the_card_has_no_price_for_is_refused_by_name(asked: str, days: int) -> None:
    with pytest.raises(UseNotPriced) as caught:
        price(card(), terms(asked, days=days), WORLDWIDE)
    assert caught.value.metadata
