"""Many brands sign at once: of two licenses that contradict each other, never both are granted."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from licensing.app import load_vocabulary
from sosia.licensing.v1 import license_pb2

ACTIVE = license_pb2.LICENSE_STATE_ACTIVE
DECLINED = license_pb2.LICENSE_STATE_DECLINED
VOCABULARY = load_vocabulary()
CATEGORIES = ("apparel", "outerwear", "coats", "jackets", "dresses", "fragrance")
PLACES = ("SE", "NO", "NORDICS", "EU", "DE")
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


def contradict(one: Any, other: Any) -> bool:
    """Tell whether two licenses may not both be live, as RIGHTS section 2 has it."""
    if one.terms.brand_id == other.terms.brand_id:
        return False
    if not (one.terms.exclusive or other.terms.exclusive):
        return False
    paths = [f"{VOCABULARY.categories[each.terms.category]}." for each in (one, other)]
    if not (paths[0].startswith(paths[1]) or paths[1].startswith(paths[0])):
        return False
    return any(_meet(a, b) for a in one.terms.uses for b in other.terms.uses)


def _meet(one: Any, other: Any) -> bool:
    places = [
        {country for code in use.territories for country in VOCABULARY.expand(code)}
        for use in (one, other)
    ]
    starts = max(use.starts_at.ToDatetime() for use in (one, other))
    ends = min(use.ends_at.ToDatetime() for use in (one, other))
    return starts < ends and not places[0].isdisjoint(places[1])


async def propose(office: Any, dice: random.Random) -> Any:
    def use(media: str) -> Any:
        starts = BEGIN + timedelta(days=10 * dice.randint(0, 5))
        ends = starts + timedelta(days=10 * dice.randint(1, 3))
        return office.use(
            media=media, territories=[dice.choice(PLACES)], starts_at=starts, ends_at=ends
        )

    media = dice.sample(["social", "ecommerce", "billboard"], dice.randint(1, 2))
    return await office.proposed(
        brand_id=dice.choice([office.brand.id, office.rival.id]),
        category=dice.choice(CATEGORIES),
        exclusive=dice.random() < 0.5,
        uses=[use(one) for one in media],
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_two_that_contradict_are_granted_however_they_race(office: Any, seed: int) -> None:
    dice = random.Random(seed)
    asked = [await propose(office, dice) for _ in range(16)]
    signing = [office.signed(one) for one in asked]
    answers = await asyncio.gather(*signing, return_exceptions=True)
    refused = {getattr(one, "reason", "") for one in answers if isinstance(one, BaseException)}
    assert refused <= {"EXCLUSIVITY_CONFLICT"}, answers
    found = [
        (await office.ask("service", "GetLicense", license_id=one.id)).license for one in asked
    ]
    granted = [one for one in found if one.state == ACTIVE]
    assert not [(a.id, b.id) for a, b in combinations(granted, 2) if contradict(a, b)]
    # Nothing is refused for nothing: whatever was declined contradicts what was granted.
    declined = [one for one in found if one.state == DECLINED]
    assert len(granted) + len(declined) == len(asked)
    assert granted
    assert declined
    for one in declined:
        assert any(contradict(one, other) for other in granted), one
