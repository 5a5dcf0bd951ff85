"""The whole verifier, all layers: is the right picture found from a screenshot of a crop of it?

`make bench NAME=whole` marks 100 pictures, registers them, and shows the verifier a screenshot (a
crop of 40 % of the area, shown smaller between bars, saved as JPEG at 80) of each, a picture drawn
anew by img2img at five strengths of some, and as many strangers, whole and as such screenshots.
Goals: 95 % of the screenshots lead to their own record, and every stranger is unknown.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import cv2
import hamming
import numpy as np
from marks.attacks import chain, crop, screenshot
from marks.pictures import ROOT, Picture, Pixels
from marks.requests import make_request
from PIL import Image
from render.domain.verdicts import UNSURE_BITS, Candidate, find_cropped, verdict
from render.pipeline.marking.authority import make_credentials
from render.pipeline.marking.examine import Reader, decode, examine
from render.pipeline.marking.fingerprint import KeyedFingerprint
from render.pipeline.marking.mark import Keys, Marker, WatermarkLost
from render.pipeline.marking.outline import is_part
from render.pipeline.marking.request import System
from render.pipeline.marking.watermark import SpreadSpectrum
from spine import name_machine

KEY = b"a key that only the benchmark knows"
STRENGTHS = (0.1, 0.2, 0.3, 0.4, 0.5)
SIDES = (512, 1024)


class Verifier:
    """Marks, registers and recognises, as render does, its registry in memory."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            signing = make_credentials(Path(folder) / "k", organization="B", now=datetime.now(UTC))
        codec, keyed = SpreadSpectrum(KEY), KeyedFingerprint(KEY)
        self._marker = Marker(Keys(codec, keyed, signing), System("Sosia", "1"))
        self._reader = Reader((codec,), keyed, signing.anchors)
        self._registry: dict[int, Candidate] = {}

    def release(self, at: int, pixels: Pixels) -> Pixels:
        """Mark and register a picture; return how it leaves."""
        one = self._marker.mark(pixels, make_request(at))
        looks = (one.fingerprint, one.keyed_fingerprint, one.sha256, one.outline)
        self._registry[one.watermark] = Candidate(
            one.rights, *looks, watermark_by=SpreadSpectrum.name
        )
        return decode(one.data)

    def recognise(self, pixels: Pixels) -> tuple[str, int | None]:
        """Return the verdict on a picture saved as PNG, and the number of the record it names."""
        content = BytesIO()
        Image.fromarray(pixels).save(content, "PNG", compress_level=1)
        layers = examine(content.getvalue(), self._reader).layers
        codes = hamming.pack(b"".join(one.fingerprint for one in self._registry.values()))
        found = hamming.scan(codes, layers.fingerprint, UNSURE_BITS)
        near = {code.tobytes() for code in found.codes}
        candidates = [
            one
            for number, one in self._registry.items()
            if number == layers.watermark or one.fingerprint in near
        ]
        cropped = find_cropped(layers, candidates)
        if cropped is not None and not is_part(pixels, cropped.outline):
            cropped = None
        judged = verdict(layers, candidates, cropped)
        record = judged.record.rights.asset_number if judged.record else None
        return str(judged.outcome), record


def main(argv: list[str]) -> int:
    """Measure and print what was missed, too."""
    parser = argparse.ArgumentParser(prog="whole", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--talents", type=Path, default=ROOT / "samples/talents")
    parser.add_argument("--redrawn", type=int, default=20)
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    ours, strangers = _pictures(options.talents, options.count)
    verifier = Verifier()
    leaves = {}
    for at, picture in enumerate(ours):
        try:
            leaves[at] = verifier.release(at, picture.pixels())
        except WatermarkLost:
            print(f"picture {at} holds no mark and is not released", file=sys.stderr)
        _say(f"{at + 1} of {len(ours)} marked")
    tallies = {"screenshot of a 40 % crop": _ours(verifier, leaves)}
    shots = [_shot(picture.pixels(), at) for at, picture in enumerate(strangers)]
    tallies["strangers, such screenshots"] = _of_strangers(verifier, shots)
    whole = [picture.pixels() for picture in strangers]
    tallies["strangers, whole"] = _of_strangers(verifier, whole)
    for strength in STRENGTHS if options.redrawn else ():
        some = dict(list(leaves.items())[: options.redrawn])
        tallies[f"drawn anew, strength {strength:g}"] = _redrawn(verifier, some, strength)
    print(f"\n{name_machine()}\n\n{_table(tallies)}")
    if options.json:
        print(json.dumps({"benchmark": "whole", "results": tallies}))
    return 0


def _pictures(talents: Path, count: int) -> tuple[list[Picture], list[Picture]]:
    """Return pictures to mark, and others of the same people that are never marked.

    Where there are fewer photos than that, half of them are marked.
    """
    paths = sorted(talents.glob("*/photos/*.jpg"))
    count = min(count, len(paths) // 2)
    spread = [path for at in range(9) for path in paths[at::9]]
    chosen = [
        Picture(path, SIDES[at % 2], "talents", tall=at % 4 > 1)
        for at, path in enumerate(spread[: 2 * count])
    ]
    return chosen[:count], chosen[count:]


def _shot(pixels: Pixels, seed: int) -> Pixels:
    def part(now: Pixels, chance: np.random.Generator) -> Pixels:
        return crop(now, chance, area=0.4)

    return chain(pixels, np.random.default_rng(seed), steps=(part, screenshot))


def _ours(verifier: Verifier, leaves: dict[int, Pixels]) -> dict[str, int]:
    told: Counter[str] = Counter()
    for at, pixels in leaves.items():
        told[_judge(at, verifier.recognise(_shot(pixels, at)))] += 1
        _say(f"{sum(told.values())} screenshots")
    return dict(told)


def _redrawn(verifier: Verifier, leaves: dict[int, Pixels], strength: float) -> dict[str, int]:
    from marks.pipeline import small  # noqa: PLC0415 -- loads torch

    told: Counter[str] = Counter()
    for at, pixels in leaves.items():
        told[_judge(at, verifier.recognise(small.redraw(pixels, at, strength=strength)))] += 1
    return dict(told)


def _of_strangers(verifier: Verifier, pictures: list[Pixels]) -> dict[str, int]:
    told: Counter[str] = Counter()
    for pixels in pictures:
        told[verifier.recognise(pixels)[0]] += 1
        _say(f"{sum(told.values())} strangers")
    return dict(told)


def _judge(at: int, answer: tuple[str, int | None]) -> str:
    outcome, number = answer
    if number is None:
        return outcome
    return "the right record" if number == 1_000_000 + at else "a wrong record"


def _say(text: str) -> None:
    print(f"\r{text}   ", end="", file=sys.stderr, flush=True)


def _table(tallies: dict[str, dict[str, int]]) -> str:
    heads = ("the right record", "a wrong record", "unknown", "suspect")
    lines = ["| shown | pictures | " + " | ".join(heads) + " |", "| :--- |" + " ---: |" * 5]
    for name, told in tallies.items():
        cells = (str(told.get(head, 0)) for head in heads)
        lines.append(f"| {name} | {sum(told.values())} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
