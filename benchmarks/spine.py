"""Time every step of the main job, and an empty request through gateway and service.

`make bench NAME=spine` runs it on a house of its own; `--json` prints one object at the end.
The set-up is timed on a fresh clone of what is committed, from the caches of this machine.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from local.house import House, running_house
from prometheus_client.parser import text_string_to_metric_families
from story import pictures
from story.api import Api
from story.chain import Script, Told, tell
from story.samples import load_campaign
from story.telling import Teller

ROOT = Path(__file__).resolve().parents[1]
GOALS_S = {
    "set-up": 240.0,
    "platform": 6.0,
    "training": 180.0,
    "all": 360.0,
    "one render, queue to draft": 3.0,
    "marking one picture": 0.3,
}
_REQUESTS = 300


def main(argv: list[str]) -> int:
    """Run the job once and print a table; the exit code says only whether the chain held."""
    parser = argparse.ArgumentParser(prog="spine", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    options = parser.parse_args(argv)
    set_up_s = _set_up()
    teller = Teller()
    with tempfile.TemporaryDirectory(prefix="spine") as folder:
        Path(folder).chmod(0o711)
        began = time.monotonic()
        with running_house(Path(folder) / "house", bases=ROOT / "models") as house:
            teller.seconds["platform"] = time.monotonic() - began
            staff = Api(house.url, house.keys.staff_key)
            told = tell(staff, _script(), teller)
            more = {**_one_render(told), **_marking(house)}
            requests = _requests(house, house.keys.staff_key, told.cast.talent.id)
    everything = {"all": sum(teller.seconds.values())}
    rows = _rows({"set-up": set_up_s, **teller.seconds, **everything, **more}) + requests
    print(f"\n{name_machine()}\n\n{_table(rows)}")
    if options.json:
        print(json.dumps({"benchmark": "spine", "machine": name_machine(), "results": rows}))
    return 0


def _script() -> Script:
    talents = ROOT / "samples/talents"
    return Script(
        talent=talents / "alba",
        stranger=talents / "cleo/photos/001.jpg",
        campaign=ROOT / "samples/campaigns/autumn.json",
    )


def _set_up() -> float:
    """Return how long `make setup` takes in a clone, in seconds."""
    with tempfile.TemporaryDirectory(prefix="spine-setup") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began = time.monotonic()
        subprocess.run(["make", "-C", str(clone), "setup"], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began


def _one_render(told: Told) -> dict[str, float]:
    """Time one picture alone: asked for, admitted, made, marked, sealed and noted."""
    campaign = load_campaign(_script().campaign)
    campaign["shots"] = campaign["shots"][:1]
    brief = pictures.brief(told.cast, told.licenses[0], told.twin, campaign)
    began = time.monotonic()
    pictures.shoot(told.cast, brief["id"], lambda _, __: None)
    return {"one render, queue to draft": time.monotonic() - began}


def _marking(house: House) -> dict[str, float]:
    """Return the mean of what the worker says marking took."""
    text = httpx.get(f"http://127.0.0.1:{house.port('render-worker.ops')}/metrics").text
    sums = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("render_marking_seconds_") and sample.labels["step"] == "all"
    }
    mean = sums["render_marking_seconds_sum"] / sums["render_marking_seconds_count"]
    return {"marking one picture": mean}


def _rows(seconds: dict[str, float]) -> list[dict[str, object]]:
    return [
        {"name": name, "unit": "s", "value": round(value, 2), "goal": GOALS_S.get(name)}
        for name, value in seconds.items()
    ]


def _requests(house: House, key: str, party_id: str) -> list[dict[str, object]]:
    """Time reads of one party, one after another, and a page that asks no service."""
    with httpx.Client(base_url=house.url, headers={"Authorization": f"Bearer {key}"}) as client:
        through = _median_ms(lambda: client.get(f"/v1/parties/{party_id}"))
        alone = _median_ms(lambda: client.get("/openapi.json"))
    return [
        {"name": "read through gateway and identity", "unit": "ms", "value": through, "goal": None},
        {"name": "gateway alone (/openapi.json)", "unit": "ms", "value": alone, "goal": None},
    ]


def _median_ms(ask: Callable[[], httpx.Response]) -> float:
    times = []
    for _ in range(_REQUESTS):
        began = time.perf_counter()
        ask().raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 2)


def _table(rows: list[dict[str, object]]) -> str:
    lines = ["| step | measured | goal |", "| --- | ---: | ---: |"]
    for row in rows:
        goal = f"{row['goal']:g} {row['unit']}" if row["goal"] is not None else ""
        lines.append(f"| {row['name']} | {row['value']} {row['unit']} | {goal} |")
    return "\n".join(lines)


def name_machine() -> str:
    """Name the machine by its processor and cores."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {len(models)} cores"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
