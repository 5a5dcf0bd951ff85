"""The whole platform, each service its own process, and the story told on it once."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from local.house import ROOT, House, running_house
from rich.console import Console
from story.api import Api
from story.chain import Script, Told, tell
from story.telling import Teller

SCRIPT = Script(
    talent=ROOT / "samples/talents/alba",
    stranger=ROOT / "samples/talents/cleo/photos/001.jpg",
    campaign=ROOT / "samples/campaigns/autumn.json",
    settings={"steps": 12, "rank": 4},  # the chain is tested here, likeness is not
)


FIRST = {"TRIES": "1"}
"""Of every picture the first is taken: a twin of twelve steps is never like her."""


@dataclass(frozen=True)
class Stage:
    """A house and what came of the story in it."""

    house: House
    staff: Api
    told: Told
    spoken: str


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The story, told to its end."""
    folder = tmp_path_factory.mktemp("house")
    spoken = io.StringIO()
    with (
        running_house(folder, bases=ROOT / "models", durable=False, settings=FIRST) as house,
        Api(house.url, house.keys.staff_key) as staff,
    ):
        told = tell(staff, SCRIPT, Teller(Console(file=spoken, width=120)))
        yield Stage(house, staff, told, spoken.getvalue())
