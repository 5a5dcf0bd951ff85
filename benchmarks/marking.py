"""Mark pictures, attack them and read them again: our watermark beside those one can install.

`make bench NAME=marking`; `--json` prints one object at the end, `--quick` takes few pictures.
Peers and scikit-image's photographs are no part of the product: they are looked for in
`.cache/bench`, and said to be absent where they are not (README.md beside this file).
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from marks import codecs
from marks.attacks import ATTACKS
from marks.pictures import Picture, Pixels, choose

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / ".cache/bench"
COUNTS = {256: 30, 512: 24, 1024: 14, 2048: 4, 4096: 2}
QUICK = {256: 6, 512: 6, 1024: 4}
PHOTOGRAPHS = 26
PEER_SIDE, PEER_COUNT = 512, 12
GOALS = {
    "JPEG 50": 99.0,
    "resize 0.5": 99.0,
    "crop 80 %": 99.0,
    "screenshot": 99.0,
    "crop 50 % + JPEG 70": 90.0,
}
BESIDE = (
    *("none", "JPEG 70", "JPEG 50", "JPEG 30", "resize 0.5", "crop 80 %", "crop 50 % + JPEG 70"),
    *("rotate 5", "noise 10", "blur 1.5", "bright +30 %", "screenshot"),
)


@dataclass
class Tally:
    """What one codec did on one set of pictures; seconds are of one core."""

    found: dict[str, list[bool]] = field(default_factory=dict)
    psnr_db: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    embed_s: list[float] = field(default_factory=list)
    read_s: list[float] = field(default_factory=list)
    wrong: int = 0

    def percent(self, attack: str) -> str:
        """Return how many of the numbers came back, in percent, or nothing if none was tried."""
        return f"{100 * statistics.mean(hits):.0f}" if (hits := self.found.get(attack)) else ""


def main(argv: list[str]) -> int:
    """Measure and print; the exit code says only whether the measuring went through."""
    parser = argparse.ArgumentParser(prog="marking", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    parser.add_argument("--quick", action="store_true", help="few pictures, no peers")
    parser.add_argument("--photographs", action="store_true", help="these alone, no peers")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    counts: dict[int, int] = {} if options.photographs else QUICK if options.quick else COUNTS
    pictures = choose(PACKAGES, counts, 4 if options.quick else PHOTOGRAPHS)
    ours = codecs.ours()
    sizes = {_group(picture): Tally() for picture in pictures}
    for at, picture in enumerate(pictures):
        many = picture.kind == "talents" and picture.side <= 1024
        _try(ours, picture, at, sizes[_group(picture)], tuple(ATTACKS) if many else BESIDE)
        print(f"\r{at + 1} of {len(pictures)} pictures", end="", file=sys.stderr, flush=True)
    unmarked = _unmarked(ours, pictures)
    alone = options.quick or options.photographs
    others, absent = ([], ["no peers were asked for"]) if alone else codecs.peers(PACKAGES)
    beside = _beside([ours, *others]) if others else {}
    print(f"\n{_machine()}\n\n{_by_size(sizes)}\n\n{_quality(sizes)}\n")
    print(f"{unmarked['false']} false ids on {unmarked['reads']} reads without a mark of ours, ")
    print(f"{unmarked['median_s']:.2f} s each, at most {unmarked['worst_s']:.2f} s.\n")
    print("\n".join([_side_by_side(beside)] * bool(beside) + absent))
    if options.json:
        results = _results(sizes, unmarked)
        print(json.dumps({"benchmark": "marking", "machine": _machine(), "results": results}))
    return 0


def _group(picture: Picture) -> str:
    size = f"{picture.side} px"
    return size if picture.kind == "talents" else f"{picture.kind}, {size}"


def _try(
    codec: codecs.Subject, picture: Picture, seed: int, tally: Tally, attacks: tuple[str, ...]
) -> None:
    """Mark one picture and read it after every attack; the chance is the seed's alone."""
    plain = picture.pixels()
    number = int(np.random.default_rng(seed).integers(0, 1 << codec.bits))
    marked, seconds = _timed(lambda: codec.embed(plain, number))
    tally.embed_s.append(seconds)
    tally.psnr_db.append(_psnr(plain, marked))
    tally.ssim.append(_ssim(plain, marked))
    for name in attacks:
        attacked = ATTACKS[name](marked, np.random.default_rng(seed))
        read, seconds = _timed(lambda attacked=attacked: codec.read(attacked))
        tally.read_s.append(seconds)
        tally.found.setdefault(name, []).append(read == number)
        tally.wrong += read is not None and read != number


def _unmarked(codec: codecs.Subject, pictures: list[Picture]) -> dict[str, float]:
    """Read pictures that carry nothing: whole, attacked, or marked under another key."""
    stranger = codecs.SpreadSpectrum(b"a key of somebody else's house")
    seconds, false = [], 0
    attacks = ("none", "JPEG 50", "crop 50 %", "rotate 5", "screenshot", "noise 10", "text")
    for at, picture in enumerate(pictures):
        plain = picture.pixels()
        chance = np.random.default_rng(at)
        tried = [
            ATTACKS[name](plain, chance) for name in attacks[: 7 if picture.side < 2048 else 2]
        ]
        for attacked in (*tried, stranger.embed(plain, at)):
            read, took = _timed(lambda attacked=attacked: codec.read(attacked))
            seconds.append(took)
            false += read is not None
    median, worst = statistics.median(seconds), max(seconds)
    return {"reads": len(seconds), "false": false, "median_s": median, "worst_s": worst}


def _beside(subjects: list[codecs.Subject]) -> dict[str, Tally]:
    """Let each codec do the same pictures and attacks, one picture after the other."""
    tallies = {subject.name: Tally() for subject in subjects}
    for at, picture in enumerate(choose(PACKAGES, {PEER_SIDE: PEER_COUNT}, 0)):
        for subject in subjects:
            _try(subject, picture, at, tallies[subject.name], BESIDE)
        print(f"\r{at + 1} of {PEER_COUNT} beside peers", end="", file=sys.stderr, flush=True)
    return tallies


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    done = work()
    return done, time.process_time() - began


def _psnr(one: Pixels, other: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float64) - other) ** 2)))


def _ssim(one: Pixels, other: Pixels) -> float:
    """Return SSIM of the luma: Wang et al. 2004, Gaussian window of deviation 1.5."""

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    x, y = (
        cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (one, other)
    )
    mx, my = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    light = (2 * mx * my + 6.5025) / (mx * mx + my * my + 6.5025)
    return float(np.mean(light * (2 * xy + 58.5225) / (xx + yy + 58.5225)))


def _by_size(sizes: dict[str, Tally]) -> str:
    heads = [f"{side} ({len(tally.psnr_db)})" for side, tally in sizes.items()]
    lines = [
        _row("id recovered, %", *heads, "all but photographs", "goal"),
        _row(*["---:"] * (len(heads) + 3)),
    ]
    for attack in ATTACKS:
        each = [tally.percent(attack) for tally in sizes.values()]
        if not any(each):
            continue
        talents = [tally for side, tally in sizes.items() if not side.startswith("photographs")]
        every = [hit for tally in talents for hit in tally.found.get(attack, [])]
        goal = f"{GOALS[attack]:g}" if attack in GOALS else ""
        whole = f"{100 * statistics.mean(every):.1f}" if every else ""
        lines.append(_row(attack, *each, whole, goal))
    return "\n".join(lines)


def _quality(sizes: dict[str, Tally]) -> str:
    lines = [
        _row(
            "size", "PSNR mean / worst, dB", "SSIM mean / worst", "embed s", "read s", "wrong ids"
        ),
        _row(*["---:"] * 6),
    ]
    for side, tally in sizes.items():
        lines.append(_row(side, *_figures(tally), str(tally.wrong)))
    return "\n".join(lines)


def _figures(tally: Tally) -> list[str]:
    return [
        f"{statistics.mean(tally.psnr_db):.1f} / {min(tally.psnr_db):.1f}",
        f"{statistics.mean(tally.ssim):.4f} / {min(tally.ssim):.4f}",
        f"{statistics.median(tally.embed_s):.3f}",
        f"{statistics.median(tally.read_s):.3f}",
    ]


def _side_by_side(tallies: dict[str, Tally]) -> str:
    lines = [_row(f"{PEER_COUNT} pictures of {PEER_SIDE} px", *tallies)]
    lines.append(_row(*["---:"] * (len(tallies) + 1)))
    for attack in BESIDE:
        lines.append(_row(attack, *(tally.percent(attack) for tally in tallies.values())))
    heads = ("PSNR mean / worst, dB", "SSIM mean / worst", "embed s", "read s")
    for at, head in enumerate(heads):
        lines.append(_row(head, *(_figures(tally)[at] for tally in tallies.values())))
    wrong = (f"{tally.wrong} of {len(tally.read_s)}" for tally in tallies.values())
    lines.append(_row("wrong ids read", *wrong))
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _results(sizes: dict[str, Tally], unmarked: dict[str, float]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            "name": f"{attack}, {side}",
            "unit": "%",
            "value": round(100 * statistics.mean(tally.found[attack]), 1),
            "goal": GOALS.get(attack),
        }
        for side, tally in sizes.items()
        for attack in tally.found
    ]
    rows.append({"name": "false ids", "unit": "", "value": unmarked["false"], "goal": 0})
    rows.append({"name": "reads without a mark", "unit": "", "value": unmarked["reads"]})
    return rows


def _machine() -> str:
    """Name the machine by its processor and cores."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {len(models)} cores"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
