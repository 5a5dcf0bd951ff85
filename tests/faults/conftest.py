"""A platform that faults are done to: small base, real everything else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local.house import ROOT, House, running_house
from story import beginnings, cast, licensing
from story.api import Api
from story.cast import Cast
from story.samples import load_campaign, load_talent


@dataclass(frozen=True)
class Stage:
    """A house with a talent whose photos are in, a twin of her, and a license of it."""

    house: House
    staff: Api
    cast: Cast
    campaign: dict[str, Any]
    capture_set_id: str
    twin: Any
    license: Any


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, tiny_bases: Path) -> Iterator[Stage]:
    """Everything up to the first render; every test leaves the house whole."""
    folder = tmp_path_factory.mktemp("house")
    with (
        running_house(folder, bases=tiny_bases, durable=False, settings={"TRIES": "1"}) as house,
        Api(house.url, house.keys.staff_key) as staff,
    ):
        sample = load_talent(ROOT / "samples/talents/alba")
        campaign = load_campaign(ROOT / "samples/campaigns/autumn.json")
        everyone = cast.enter(staff, sample.name)
        cast.represent(everyone)
        beginnings.consent(everyone)
        captured = beginnings.capture(everyone, sample, lambda done, of: None)
        settings = {"steps": 6, "rank": 2}
        order = beginnings.Order(captured["id"], "tiny", settings)
        twin = beginnings.train(everyone, order, lambda run: None)
        beginnings.stand_by(everyone, twin)
        licensing.set_rate_card(everyone)
        asked = licensing.propose(everyone, everyone.brands[0], campaign, exclusive=False)
        license = licensing.sign(everyone, asked["license"])
        yield Stage(house, staff, everyone, campaign, captured["id"], twin, license)
