"""Whether a use is licensed: every reason, half-open terms, and no where nothing is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from licensing.app import load_vocabulary
from licensing.domain.licenses import (
    Consent,
    License,
    LicenseExpired,
    State,
    Use,
    check_live,
    decide,
    draw,
)
from licensing.domain.money import Money
from licensing.domain.terms import Terms
from licensing.domain.terms import Use as LicensedUse

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)
VOCABULARY = load_vocabulary()
ENDS = NOW + timedelta(days=30)
NORDICS = tuple(sorted(VOCABULARY.expand("NORDICS")))
LICENSE = License(
    id="lic",
    quote_id="quo",
    terms=Terms(
        "brand", "talent", "A campaign.",
        (LicensedUse("ecommerce", ("NORDICS",), NORDICS, NOW, ENDS, "UTC"),),
        "outerwear", False, 2, True,
    ),
    state=State.ACTIVE,
    statement=b"{}",
    fee=Money("EUR", 1000),
    per_image=Money("EUR", 10),
    crew_pool_bp=500,
    images_used=0,
    created_at=NOW,
    signed_at=NOW,
    consent_id="con",
)  # fmt: skip


def use(**changed: object) -> Use:
    fields: dict[str, object] = {
        "brand_id": "brand", "media": "ecommerce", "territory": "SE", "at": NOW,
    }  # fmt: skip
    return Use(**{**fields, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({}, ()),
        ({"at": NOW - MS}, ("LICENSE_NOT_STARTED",)),
        ({"at": ENDS - MS}, ()),
        ({"at": ENDS}, ("LICENSE_EXPIRED",)),
        ({"at": ENDS + MS}, ("LICENSE_EXPIRED",)),
        ({"territory": "NORDICS"}, ()),
        ({"territory": "DE"}, ("TERRITORY_NOT_LICENSED",)),
        ({"territory": "WORLD"}, ("TERRITORY_NOT_LICENSED",)),
        ({"territory": "XX"}, ("TERRITORY_UNKNOWN",)),
        ({"media": "billboard"}, ("MEDIA_NOT_LICENSED",)),
        ({"media": "sky writing"}, ("MEDIA_UNKNOWN",)),
        ({"brand_id": "another"}, ("BRAND_NOT_LICENSED",)),
    ],
)
def test_a_use_is_refused_with_its_reason(
    changed: dict[str, object], reasons: tuple[str, ...]
) -> None:
    assert decide(LICENSE, use(**changed), Consent.STANDS, VOCABULARY) == reasons


def test_every_reason_is_named_at_once() -> None:
    revoked = replace(LICENSE, state=State.REVOKED)
    found = decide(revoked, use(brand_id="x", territory="DE"), Consent.MISSING, VOCABULARY)
    assert set(found) == {
        "BRAND_NOT_LICENSED", "LICENSE_NOT_ACTIVE", "CONSENT_MISSING", "TERRITORY_NOT_LICENSED",
    }  # fmt: skip


@pytest.mark.parametrize("state", [State.PROPOSED, State.DECLINED, State.REVOKED])
def test_only_an_active_license_allows(state: State) -> None:
    found = decide(replace(LICENSE, state=state), use(), Consent.STANDS, VOCABULARY)
    assert found == ("LICENSE_NOT_ACTIVE",)


def test_what_is_not_known_is_a_no() -> None:
    assert decide(None, use(), Consent.STANDS, VOCABULARY) == ("LICENSE_NOT_FOUND",)
    assert decide(LICENSE, use(), Consent.UNKNOWN, VOCABULARY) == ("CONSENT_UNKNOWN",)


def test_a_term_ends_before_its_end() -> None:
    check_live(LICENSE, now=ENDS - MS)
    with pytest.raises(LicenseExpired):
        check_live(LICENSE, now=ENDS)


def test_the_last_picture_of_a_cap_is_the_last() -> None:
    spent = draw(draw(LICENSE, now=NOW), now=NOW)
    with pytest.raises(Exception, match="2") as caught:
        draw(spent, now=NOW)
    assert getattr(caught.value, "reason", "") == "LICENSE_SPENT"
