"""The command: measure, print tables, and with `--json` one object."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from imaging.faces import Faces
from imaging.pipeline.processor import use_threads
from spine import name_machine
from training import making

from learning.pipeline import many, race

ROOT = Path(__file__).resolve().parents[2]
_STEPS = 700
"""A run of the platform."""


def main(argv: list[str]) -> int:
    """Measure on one thread."""
    options = _options(argv)
    use_threads(1)
    base, busy = ROOT / "models" / "mini", os.getloadavg()[0]
    results = [*_race(options, base), *_many(options, base)]
    print(f"\n{name_machine()}, load {busy:.1f} before and {os.getloadavg()[0]:.1f} after")
    if options.json:
        print(json.dumps({"benchmark": "training", "machine": name_machine(), "results": results}))
    return 0


def _race(options: argparse.Namespace, base: Path) -> list[dict[str, Any]]:
    """Train one talent both ways, unless no steps are asked for."""
    if not options.steps:
        return []
    judge = race.Judge(Faces(), making.load_cohort())
    first, second = race.race(
        options.talent,
        base,
        judge,
        steps=(options.steps, options.recipe_steps),
        every=options.every,
        rate=options.rate,
    )
    results = race.rows(first, second, options.score)
    print(f"\n{race.table(first, second)}")
    for row in results:
        print(f"\n{row['name']}: ours {row['ours']}, {row['peer_is']} {row['peer']}")
    return results


def _many(options: argparse.Namespace, base: Path) -> list[dict[str, Any]]:
    """Train several talents one after another and at once, unless there are to be none."""
    if not options.people:
        return []
    folders = sorted(path.parent for path in options.talents.glob("*/photos.jsonl"))
    people = many.people_of(folders, options.people)
    apart = many.alone(base, people, options.few)
    joint = many.at_once(base, people, options.few)
    print(f"\n| {len(people)} talents | one after another, s | at once, s |\n| --- | ---: | ---: |")
    print(f"| set-up | {apart.set_up_s:.1f} | {joint.set_up_s:.1f} |")
    print(f"| one step of all | {apart.step_s:.2f} | {joint.step_s:.2f} |")
    print(f"| {_STEPS} steps, by these | {apart.of(_STEPS):.0f} | {joint.of(_STEPS):.0f} |")
    return [
        {
            "name": f"{len(people)} talents at once, {_STEPS} steps, by set-up and step",
            "unit": "s",
            "ours": joint.of(_STEPS),
            "peer": apart.of(_STEPS),
            "peer_is": "ours, one after another",
            "ratio": apart.of(_STEPS) / joint.of(_STEPS),
            "better": "lower",
        }
    ]


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="training", description=__doc__)
    samples = ROOT / "samples" / "talents"
    parser.add_argument("--talent", type=Path, default=samples / "alba", help="who is raced for")
    parser.add_argument("--steps", type=int, default=700, help="of the race; 0: none")
    parser.add_argument("--rate", type=float, default=5e-4, help="at which the recipe learns")
    parser.add_argument("--recipe-steps", type=int, default=2400, help="the recipe may take")
    parser.add_argument("--every", type=int, default=100, help="steps between looks")
    parser.add_argument("--score", type=float, default=0.45, help="distance to be reached")
    parser.add_argument("--talents", type=Path, default=samples, help="folder of several talents")
    parser.add_argument("--people", type=int, default=8, help="trained at once; 0: none")
    parser.add_argument("--few", type=int, default=8, help="steps they are timed for")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    return parser.parse_args(argv)
