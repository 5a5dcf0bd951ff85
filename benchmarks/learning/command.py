"""The command: measure, print tables, and with `--json` one object."""

import argparse
import json
import os
from pathlib import Path

from imaging.faces import Faces
from spine import name_machine
from training import making
from training.pipeline.adapter import use_threads

from learning.pipeline import race

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str]) -> int:
    """Measure on one thread."""
    options = _options(argv)
    use_threads(1)
    base, busy = ROOT / "models" / "mini", os.getloadavg()[0]
    judge = race.Judge(Faces(), making.load_cohort())
    first, second = race.race(options.talent, base, judge, steps=options.steps, every=options.every)
    results = race.rows(first, second, options.score)
    print(f"\n{name_machine()}, load {busy:.1f} before and {os.getloadavg()[0]:.1f} after\n")
    print(race.table(first, second))
    for row in results:
        print(f"\n{row['name']}: ours {row['ours']}, {row['peer_is']} {row['peer']}")
    if options.json:
        print(json.dumps({"benchmark": "training", "machine": name_machine(), "results": results}))
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="training", description=__doc__)
    samples = ROOT / "samples" / "talents"
    parser.add_argument("--talent", type=Path, default=samples / "alba")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--every", type=int, default=100, help="steps between looks")
    parser.add_argument("--score", type=float, default=0.6, help="distance to be reached")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    return parser.parse_args(argv)
