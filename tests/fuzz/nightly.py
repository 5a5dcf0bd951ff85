"""Fuzz what strangers send for some minutes: `make fuzz MINUTES=10`.

Two forms take turns, each in a process of its own, for a decoder in C may end one: files mutated by
what is known of their structure, and, where atheris is installed, files that libFuzzer grows
towards Python code nobody has run yet. Minutes are processor minutes. What escapes, hangs or ends
the process is written to .cache/fuzz/found; put it under tests/fuzz/found with the fix.
"""

import argparse
import hashlib
import importlib.util
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

KEPT = ROOT / ".cache" / "fuzz"
FOUND, CORPUS, LAST = KEPT / "found", KEPT / "corpus", KEPT / "last"
TURN_S = 120
SLOW_S = 20


def main(argv: list[str]) -> int:
    """Fuzz until the minutes are used; fails where something was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--turn", choices=("blind", "guided"), help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--seconds", type=int, default=TURN_S, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    for folder in (FOUND, CORPUS):
        folder.mkdir(parents=True, exist_ok=True)
    if options.turn == "blind":
        return blind(options.seed, options.seconds)
    if options.turn == "guided":
        return guided(options.seed, options.seconds)
    return supervise(options.minutes, options.seed)


def supervise(minutes: float, seed: int) -> int:
    """Run turns; a turn that dies leaves the file it died of."""
    has_guide = importlib.util.find_spec("atheris") is not None
    forms = ("blind", "guided") if has_guide else ("blind",)
    print(f"forms: {', '.join(forms)}; first seed {seed}", flush=True)
    turn = 0
    while (left := 60 * minutes - _children_s()) > 0:
        form = forms[turn % len(forms)]
        seconds = max(5, min(TURN_S, int(left)))
        command = [sys.executable, __file__, "--turn", form, "--seconds", str(seconds)]
        done = subprocess.run([*command, "--seed", str(seed + turn)], check=False)
        if done.returncode < 0 and LAST.exists():
            _keep(LAST.read_bytes(), f"signal {-done.returncode}")
        turn += 1
    found = sorted(path.name for path in FOUND.iterdir())
    print(f"{_children_s() / 60:.1f} processor minutes, {turn} turns; found: {found or 'nothing'}")
    return int(bool(found))


def blind(seed: int, seconds: int) -> int:
    """Mutate files by chance."""
    from fuzz.uploads import Uploads, mutate  # noqa: PLC0415 -- the other form watches its import

    chance, tries = random.Random(seed), 0
    ends: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        uploads = Uploads(Path(folder))
        while time.process_time() < seconds:
            content = mutate(chance.choice(uploads.seeds), chance, uploads.seeds)
            end = _try(uploads, content)
            ends[end] = ends.get(end, 0) + 1
            tries += 1
    print(f"blind, seed {seed}: {tries} files, {dict(sorted(ends.items()))}", flush=True)
    return 0


def guided(seed: int, seconds: int) -> int:
    """Let libFuzzer grow files; the Python of decoders, XML and render is watched."""
    import atheris  # noqa: PLC0415 -- only the long form has it

    with atheris.instrument_imports(include=["PIL", "defusedxml", "render"]):
        from fuzz.uploads import Uploads  # noqa: PLC0415
    with tempfile.TemporaryDirectory() as folder:
        uploads = Uploads(Path(folder))
        for content in uploads.seeds:
            (CORPUS / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
        limits = [f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=65536"]
        limits += ["-rss_limit_mb=4096", f"-timeout={SLOW_S}", f"-artifact_prefix={FOUND}/"]
        atheris.Setup([__file__, *limits, str(CORPUS)], lambda data: _try(uploads, data) and None)
        atheris.Fuzz()
    return 0


def _try(uploads: Any, content: bytes) -> str:
    """Read one file; note what escapes and go on."""
    LAST.write_bytes(content)
    began = time.process_time()
    try:
        end: str = uploads.check(content)
    except Exception:
        _keep(content, traceback.format_exc())
        return "ESCAPED"
    if time.process_time() - began > SLOW_S:
        _keep(content, f"took more than {SLOW_S} s")
    return end


def _keep(content: bytes, why: str) -> None:
    """Write a file that was found, once for each place something escaped from."""
    where = why.strip().splitlines()[-3:]
    name = hashlib.sha256("\n".join(where[:2]).encode()).hexdigest()[:12]
    if not (FOUND / name).exists():
        (FOUND / name).write_bytes(content)
        print(f"found {name}:\n{why}", flush=True)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
