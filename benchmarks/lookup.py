"""Look-ups of fingerprints, ours beside faiss: every code within 31 bits of a query, and no other.

`make bench NAME=lookup`: 10 million random codes of 256 bits, among them, for each of 200 queries,
one neighbour at every distance from 0 to 40; and 200 queries that have none. One thread. The same
queries go to ours, to IndexBinaryMultiHash (exact too: its hashes and flips are chosen so) and, a
few of them, to IndexBinaryFlat, in turn. Seconds are the thread's own processor seconds, for other
work interrupts; what the wall's clock said stands beside them. Fails where an answer is wrong.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import faiss
import hamming
import numpy as np
from hamming import native
from numpy.typing import NDArray
from spine import name_machine

PATH = Path(__file__).resolve().parents[1] / ".cache/bench/looks"
RADIUS, FARTHEST = 31, 40
WITH, WITHOUT = 200, 200
SCANNED = 20  # of them also by the flat index
WARM = 10
SHAPES = ((11, 23, 2),)  # hashes, bits, flips: hashes * (flips + 1) > RADIUS
GOAL_RATIO, GOAL_BYTES = 3.0, 60.0
BESIDE = 20_000  # codes that wait for the next index

Answer = list[bytes]


@dataclass
class Subject:
    """One index: what it cost, how long it took, what it missed."""

    name: str
    ask: Callable[[bytes], Answer]
    build_s: float
    bytes_each: float
    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    missed: int = 0
    wrong: int = 0
    expected: int = 0

    @property
    def recall(self) -> float:
        """Return the share of what is near that was found."""
        return 1 - self.missed / max(1, self.expected)


def main(argv: list[str]) -> int:
    """Build, ask, compare and print."""
    parser = argparse.ArgumentParser(prog="lookup", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    parser.add_argument("--count", type=int, default=10_000_000)
    options = parser.parse_args(argv)
    faiss.omp_set_num_threads(1)
    chance = np.random.default_rng(7)
    codes, queries = _plant(chance, options.count)
    subjects = [_ours(codes), *(_multi(codes, *shape) for shape in SHAPES), _flat(codes)]
    _compare(subjects, queries)
    busy = os.getloadavg()[0]
    print(
        f"\n{name_machine()}, one thread; load {busy:.1f} in the last minute\n\n{_table(subjects)}"
    )
    print(f"\n{BESIDE:,} codes beside the index, scanned: {_scan(codes, queries):.0f} us\n")
    best = min(subjects[1:-1], key=lambda one: statistics.median(one.cpu_s))
    ratio = statistics.median(best.cpu_s) / statistics.median(subjects[0].cpu_s)
    print(f"ours to {best.name}, medians: {ratio:.1f} x (goal {GOAL_RATIO:g} x)")
    if options.json:
        print(json.dumps(_result(subjects, best, ratio)))
    return int(any(one.missed or one.wrong for one in subjects))


def _plant(
    chance: np.random.Generator, count: int
) -> tuple[hamming.Codes, list[tuple[bytes, set[bytes]]]]:
    """Return the codes, and the queries with what is near them."""
    codes = chance.integers(0, 1 << 64, (count, 4), dtype=np.uint64)
    asked = chance.integers(0, 1 << 64, (WITH + WITHOUT, 4), dtype=np.uint64)
    places = iter(chance.permutation(count))
    queries = []
    for at, query in enumerate(asked):
        near = set()
        for distance in range(FARTHEST + 1) if at < WITH else ():
            code = _turn(chance, query, distance)
            codes[next(places)] = code
            if distance <= RADIUS:
                near.add(code.tobytes())
        queries.append((query.tobytes(), near))
    return codes, [queries[at] for at in chance.permutation(len(queries))]


def _turn(chance: np.random.Generator, code: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    flat = np.unpackbits(code.view(np.uint8))
    flat[chance.choice(256, bits, replace=False)] ^= 1
    return np.packbits(flat).view(np.uint64)


def _ours(codes: hamming.Codes) -> Subject:
    PATH.parent.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    index = hamming.build(codes, PATH)
    took = time.process_time() - began
    size = index.size_bytes / len(codes)

    def ask(query: bytes) -> Answer:
        return [code.tobytes() for code in index.search(query, RADIUS).codes]

    return Subject(f"ours, {index.tables} tables", ask, took, size)


def _multi(codes: hamming.Codes, hashes: int, bits: int, flips: int) -> Subject:
    def make() -> Any:
        index = faiss.IndexBinaryMultiHash(256, hashes, bits)
        index.nflip = flips
        return index

    return _faiss(f"IndexBinaryMultiHash {hashes} x {bits} bits, {flips} flips", codes, make)


def _flat(codes: hamming.Codes) -> Subject:
    return _faiss("IndexBinaryFlat", codes, lambda: faiss.IndexBinaryFlat(256))


def _faiss(name: str, codes: hamming.Codes, make: Callable[[], Any]) -> Subject:
    gc.collect()
    before, began = _resident_bytes(), time.process_time()
    index, rows = make(), codes.view(np.uint8).reshape(-1, 32)
    index.add(rows)
    took, size = time.process_time() - began, (_resident_bytes() - before) / len(codes)
    print(f"{name}: built in {took:.0f} s", file=sys.stderr, flush=True)

    def ask(query: bytes) -> Answer:
        row = np.frombuffer(query, np.uint8).reshape(1, 32)
        _, _, at = index.range_search(row, RADIUS + 1)  # nearer than, not as near as
        return [rows[one].tobytes() for one in at]

    return Subject(name, ask, took, size)


def _resident_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def _compare(subjects: list[Subject], queries: list[tuple[bytes, set[bytes]]]) -> None:
    """Ask every query of each in turn; the first ones only warm the caches."""
    for at, (query, near) in enumerate(_warmed(queries)):
        for subject in subjects:
            if subject is subjects[-1] and at >= WARM + SCANNED:
                continue
            cpu, wall = time.thread_time(), time.perf_counter()
            found = subject.ask(query)
            cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
            if at >= WARM:
                subject.cpu_s.append(cpu)
                subject.wall_s.append(wall)
                subject.expected += len(near)
                subject.missed += len(near - set(found))
                subject.wrong += len(found) - len(near & set(found))


def _warmed(queries: list[tuple[bytes, set[bytes]]]) -> Iterator[tuple[bytes, set[bytes]]]:
    yield from queries[-WARM:]
    yield from queries


def _scan(codes: hamming.Codes, queries: list[tuple[bytes, set[bytes]]]) -> float:
    """Return the median microseconds of comparing with codes that no index holds yet."""
    beside = np.ascontiguousarray(codes[:BESIDE])
    took = []
    for query, _ in queries[:100]:
        began = time.thread_time()
        hamming.scan(beside, query, RADIUS)
        took.append(time.thread_time() - began)
    return 1e6 * statistics.median(took)


def _table(subjects: list[Subject]) -> str:
    heads = ("index", "build s", "bytes a code", "p50 ms", "p99 ms", "p50, p99 by the wall, ms")
    lines = [_row(*heads, "queries", "recall", "wrong"), _row(":---", *["---:"] * 8)]
    for one in subjects:
        cpu, wall = (np.percentile(np.array(t) * 1e3, (50, 99)) for t in (one.cpu_s, one.wall_s))
        times = (f"{cpu[0]:.2f}", f"{cpu[1]:.2f}", f"{wall[0]:.2f}, {wall[1]:.2f}")
        counts = (str(len(one.cpu_s)), f"{one.recall:.4f}", str(one.wrong))
        lines.append(_row(one.name, f"{one.build_s:.1f}", f"{one.bytes_each:.1f}", *times, *counts))
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _result(subjects: list[Subject], best: Subject, ratio: float) -> dict[str, object]:
    ours = subjects[0]
    rows: list[dict[str, object]] = [
        {
            "name": "look-up, 10 million codes, median",
            "unit": "ms",
            "ours": round(1e3 * statistics.median(ours.cpu_s), 3),
            "peer": round(1e3 * statistics.median(best.cpu_s), 3),
            "peer_is": f"faiss-cpu {version('faiss-cpu')}, {best.name}",
            "ratio": round(ratio, 1),
            "better": "lower",
            "goal": GOAL_RATIO,
        },
        {
            "name": "bytes a code",
            "unit": "B",
            "ours": round(ours.bytes_each, 1),
            "peer": round(best.bytes_each, 1),
            "better": "lower",
            "goal": GOAL_BYTES,
        },
        {"name": "recall", "unit": "", "ours": ours.recall, "peer": best.recall, "goal": 1.0},
    ]
    compiled = native.is_compiled()
    return {"benchmark": "lookup", "compiled": compiled, "results": rows}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
