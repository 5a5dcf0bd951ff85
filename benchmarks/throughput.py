"""The whole marking pass of a finished picture beside what one can install for the same work.

`make bench NAME=throughput`: pictures of 1,024 x 1,024 pixels, one core. Ours draws the label,
hides the number, encodes with the metadata, reads back what it wrote, takes both fingerprints and
signs. The peer hides 32 bits with invisible-watermark (dwtDctSvd), encodes with Pillow at the same
quality and signs the same manifest with c2pa-python as it comes, its thumbnail and its check
afterwards included; it draws no label, writes no metadata, takes no fingerprint and reads nothing
back. Seconds are processor seconds, in turn A B A B.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import c2pa
import cv2
from marks import codecs
from marks.pictures import Pixels, choose
from marks.requests import make_request
from PIL import Image
from render.pipeline.marking import credentials
from render.pipeline.marking.authority import SigningCredentials, make_credentials
from render.pipeline.marking.fingerprint import KeyedFingerprint
from render.pipeline.marking.mark import Keys, Marked, Marker
from render.pipeline.marking.request import Credit, System
from render.pipeline.marking.watermark import SpreadSpectrum
from spine import name_machine

PACKAGES = Path(__file__).resolve().parents[1] / ".cache/bench"
KEY = b"a key that only the benchmark knows"
SIDE, COUNT, GOAL = 1024, 20, 3.0
QUALITY = 95


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="throughput", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    others, absent = codecs.peers(PACKAGES)
    print("\n".join(absent), file=sys.stderr)
    peer = next(one for one in others if one.name.startswith("dwtDctSvd"))
    with tempfile.TemporaryDirectory() as folder:
        signing = make_credentials(
            Path(folder) / "keys", organization="Bench", now=datetime.now(UTC)
        )
    keys = Keys(SpreadSpectrum(KEY), KeyedFingerprint(KEY), signing)
    marker = Marker(keys, System("Sosia", "1"))
    ours_s, peer_s, steps = [], [], {}
    for at, picture in enumerate(choose(PACKAGES, {SIDE: options.count + 1}, 0)):
        pixels = picture.pixels()[:SIDE, :SIDE]
        marked, ours = _timed(lambda pixels=pixels, at=at: marker.mark(pixels, make_request(at)))
        _, theirs = _timed(
            lambda pixels=pixels, marked=marked: _peer(peer, signing, pixels, marked)
        )
        if at:  # the first one loads what is loaded once
            ours_s.append(ours)
            peer_s.append(theirs)
            for name, seconds in marked.seconds.items():
                steps.setdefault(name, []).append(seconds)
        print(f"\r{at + 1} of {options.count + 1}", end="", file=sys.stderr, flush=True)
    ratio = statistics.median(peer_s) / statistics.median(ours_s)
    print(f"\n{name_machine()}\n\n{_table(ours_s, peer_s, ratio, peer.name)}\n\n{_steps(steps)}")
    if options.json:
        _print_json(ours_s, peer_s, peer.name)
    return 0


def _print_json(ours: list[float], theirs: list[float], name: str) -> None:
    row = {
        "name": f"marking, {SIDE} px",
        "unit": "s",
        "ours": round(statistics.median(ours), 4),
        "peer": round(statistics.median(theirs), 4),
        "peer_is": f"{name}, Pillow, c2pa-python {version('c2pa-python')}",
        "ratio": round(statistics.median(theirs) / statistics.median(ours), 2),
        "better": "lower",
        "goal": GOAL,
    }
    print(json.dumps({"benchmark": "throughput", "results": [row]}))


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    done = work()
    return done, time.process_time() - began


def _peer(
    subject: codecs.Subject, signing: SigningCredentials, pixels: Pixels, marked: Marked
) -> bytes:
    """Hide, encode and sign with others' defaults."""
    hidden = subject.embed(pixels, marked.watermark)
    jpeg = io.BytesIO()
    Image.fromarray(hidden).save(jpeg, "JPEG", quality=QUALITY, subsampling=0)
    jpeg.seek(0)
    info = c2pa.C2paSignerInfo(
        alg=b"es256", sign_cert=signing.chain, private_key=signing.key, ta_url=None
    )
    claim = credentials.Claim(
        asset_number=marked.watermark,
        render_id="ren_1",
        license_id="lic_1",
        twin_version_id="twn_1",
        consent_receipt_id="rcp_1",
        credits=(Credit("A", "photographer"),),
        title="Title",
        created_at=datetime.now(UTC),
        system=System("Sosia", "1"),
        watermark="dwtDctSvd",
        watermark_value=bytes(12),
        fingerprint_name="pdq.1",
        fingerprint=marked.fingerprint,
    )
    signed = io.BytesIO()
    with (
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder(credentials._manifest(claim)) as builder,
    ):
        builder.sign(signer, "image/jpeg", jpeg, signed)
    return signed.getvalue()


def _table(ours: list[float], theirs: list[float], ratio: float, name: str) -> str:
    lines = [_row("marking a picture of 1,024 px, ms", "median", "best", "worst")]
    lines.append(_row(":---", "---:", "---:", "---:"))
    for who, seconds in (("ours, the whole pass", ours), (f"{name}, Pillow, c2pa-python", theirs)):
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        lines.append(_row(who, *(f"{1e3 * one:.0f}" for one in figures)))
    lines.append(_row("ratio of the medians", f"{ratio:.1f} x (goal {GOAL:g} x)", "", ""))
    return "\n".join(lines)


def _steps(steps: dict[str, list[float]]) -> str:
    told = (f"{name} {1e3 * min(seconds):.0f}" for name, seconds in steps.items())
    return f"Ours by steps, best, ms: {', '.join(told)}."


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
