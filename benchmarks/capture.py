"""Bring the 40 photos of a sample talent: one after another, and in parallel and in parts.

`make bench NAME=capture` runs both in turn on a house of its own, over the loopback and over a
line with a round trip of 40 ms; `--json` prints one object at the end.
"""

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from local.house import House, running_house
from local.lines import running_line
from story import beginnings, cast
from story.api import Api
from story.cast import Cast
from story.samples import Sample, load_talent
from uploads import File, Sender, open_client

ROOT = Path(__file__).resolve().parents[1]
DELAYS_S = {"loopback": 0.0, "40 ms there and back": 0.02}
GOAL = 1.0
"""Not slower anywhere; the cores that check the photos are the same."""


@dataclass(frozen=True)
class Way:
    """A way of bringing photos, and what it took each time, in seconds."""

    name: str
    bring: Callable[[str, str], Awaitable[None]]
    took_s: list[float]


class Stage:
    """A talent who consented, and a photographer with her photos."""

    def __init__(self, everyone: Cast, sample: Sample) -> None:
        self.photographer = everyone.crew["photographer"].api
        self._talent_id, self._sample = everyone.talent.id, sample

    def open_set(self) -> str:
        """Open a set without photos."""
        body = {"talent_id": self._talent_id, "marks": [dict(mark) for mark in self._sample.marks]}
        return str(self.photographer.post("/v1/capture-sets", body)["capture_set"]["id"])

    def count(self, set_id: str) -> int:
        """Return how many photos are in a set."""
        found = self.photographer.get(f"/v1/capture-sets/{set_id}")["capture_set"]
        return len(found["photos"])

    async def bring_whole(self, url: str, set_id: str) -> None:
        """Send each photo as one form, one after another, over one connection."""

        def send() -> None:
            with Api(url, self.photographer.key) as api:
                for one in self._sample.photos:
                    path = f"/v1/capture-sets/{set_id}/photos"
                    api.upload(path, one.name, one.content, one.facts)

        await asyncio.to_thread(send)

    async def bring_in_parts(self, url: str, set_id: str) -> None:
        """Send four photos at a time, in parts."""
        files = [File(one.name, one.content, one.facts) for one in self._sample.photos]
        async with open_client(url, self.photographer.key) as client:
            outcomes = await Sender(client, set_id).send_all(files)
        if not all(outcome.is_in for outcome in outcomes):
            raise RuntimeError(f"not taken: {outcomes}")


def main(argv: list[str]) -> int:
    """Bring them again and again, and print a table."""
    parser = argparse.ArgumentParser(prog="capture", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    parser.add_argument("--times", type=int, default=5, help="how often each way is gone")
    options = parser.parse_args(argv)
    sample = load_talent(ROOT / "samples/talents/alba")
    with tempfile.TemporaryDirectory(prefix="capture") as folder:
        Path(folder).chmod(0o711)
        with (
            running_house(Path(folder) / "house", bases=ROOT / "models") as house,
            Api(house.url, house.keys.staff_key) as staff,
        ):
            everyone = cast.enter(staff, sample.name)
            cast.represent(everyone)
            beginnings.consent(everyone)
            rows = asyncio.run(_measure(house, Stage(everyone, sample), options.times))
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}\n")
    print("| 40 photos | one after another, s | in parallel, in parts, s | ratio |")
    print("| :--- | ---: | ---: | ---: |")
    for row in rows:
        print("| {name} | {peer} ({peer_spread}) | {ours} ({spread}) | {ratio} |".format(**row))
    if options.json:
        print(json.dumps({"benchmark": "capture", "results": rows}))
    return 0


async def _measure(house: House, stage: Stage, times: int) -> list[dict[str, object]]:
    rows = []
    for name, delay_s in DELAYS_S.items():
        ways = [Way("whole", stage.bring_whole, []), Way("parts", stage.bring_in_parts, [])]
        async with running_line(house.port("gateway"), delay_s=delay_s) as line:
            for turn in range(times + 1):
                for way in ways:
                    took_s = await _time(stage, way, f"http://127.0.0.1:{line.port}")
                    if turn:  # the first warms everything up
                        way.took_s.append(took_s)
        rows.append(_row(name, ways))
    return rows


async def _time(stage: Stage, way: Way, url: str) -> float:
    set_id = stage.open_set()
    began = time.perf_counter()
    await way.bring(url, set_id)
    took_s = time.perf_counter() - began
    if stage.count(set_id) != 40:
        raise RuntimeError(f"{way.name}: {stage.count(set_id)} photos of 40 are in")
    return took_s


def _row(name: str, ways: list[Way]) -> dict[str, object]:
    peer_s, ours_s = (statistics.median(way.took_s) for way in ways)
    peer_spread, spread = (f"{min(way.took_s):.1f} to {max(way.took_s):.1f}" for way in ways)
    return {
        "name": name,
        "unit": "s",
        "ours": round(ours_s, 1),
        "spread": spread,
        "peer": round(peer_s, 1),
        "peer_spread": peer_spread,
        "peer_is": "AddPhoto, one after another",
        "ratio": round(peer_s / ours_s, 2),
        "better": "lower",
        "goal": GOAL,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
