"""The search misses nothing and finds nothing else: against comparing with every code."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hamming
import numpy as np
import pytest
from hamming import index, native
from hypothesis import given, settings
from hypothesis import strategies as st


def made(seed: int, count: int, *, crowded: bool = False) -> hamming.Codes:
    """Return codes: random, or crowded about a few, as looks of one shoot are."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 1 << 64, (count, 4), dtype=np.uint64)
    if crowded:
        for row in range(3, count):
            codes[row] = turned(codes[row % 3], random.integers(0, 50), seed + row)
    return codes


def turned(code: Any, bits: Any, seed: int) -> Any:
    """Return a code of which that many bits are turned."""
    turned = np.array(code, np.uint64)
    for at in np.random.default_rng(seed).choice(256, int(bits), replace=False):
        turned[at // 64] ^= np.uint64(1) << np.uint64(at % 64)
    return turned


def told(found: hamming.Found) -> list[tuple[bytes, int]]:
    """Return what was found in one order; a code that is there twice is found twice."""
    return sorted(zip(map(bytes, found.codes), map(int, found.distances), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    count=st.integers(0, 3_000),
    shape=st.sampled_from([(9, 0), (9, 12), (8, 10), (11, 16), (16, 8), (5, 14)]),
    radius=st.integers(0, 60),
    turn=st.integers(0, 70),
    crowded=st.booleans(),
)
def test_tables_find_what_comparing_with_every_code_finds(
    seed: int, count: int, shape: tuple[int, int], radius: int, turn: int, crowded: bool
) -> None:
    tables, bits = shape
    codes = made(seed, count, crowded=crowded and count < 500)
    near = turned(codes[seed % count] if count else np.zeros(4), turn, seed).tobytes()
    built = hamming.build(codes, tables=tables, bits=bits)
    expected = told(index.compare(codes, near, radius))
    assert told(built.search(near, radius, dear=True)) == expected
    assert told(built.search(near, radius)) == expected
    assert told(hamming.scan(codes, near, radius)) == expected


@pytest.mark.parametrize("radius", [0, 8, 9, 31, 39])
def test_neighbours_at_every_distance_are_found_up_to_the_radius_and_no_further(
    radius: int,
) -> None:
    query = made(1, 1)[0]
    planted = np.stack([turned(query, distance, distance) for distance in range(61)])
    codes = np.concatenate([made(2, 20_000), planted])
    built = hamming.build(codes, bits=14)
    found = built.search(query.tobytes(), radius, dear=True)
    assert sorted(found.distances) == list(range(radius + 1))


def test_the_worst_neighbours_are_found() -> None:
    """Differences spread so that every segment but one is just beyond its tolerance."""
    query = made(3, 1)[0]
    for spared in range(9):
        units = index.tolerances(31, 9)
        assert units.sum() == 32
        bits = [28 * t + at for t in range(9) for at in range(int(units[t]) - (t == spared))]
        code = np.array(query)
        for at in bits:
            code[at // 64] ^= np.uint64(1) << np.uint64(at % 64)
        codes = np.concatenate([made(4, 5_000), code[None]])
        found = hamming.build(codes, bits=13).search(query.tobytes(), 31, dear=True)
        assert list(found.distances) == [31]


def test_more_hits_than_there_is_room_for_all_come_back() -> None:
    code = made(5, 1)[0]
    codes = np.stack([turned(code, 5, seed) for seed in range(2_000)])
    found = hamming.build(codes).search(code.tobytes(), 10, dear=True)
    assert len(found.codes) == len(hamming.scan(codes, bytes(32), 256).codes) == 2_000


def test_an_index_lies_in_a_file_and_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "looks"
    codes = made(6, 3_000)
    first = hamming.build(codes[:1_000], path, note=b"one")
    second = hamming.build(codes, path, note=b"two")
    assert (first.note, second.note) == (b"one", b"two")
    assert [one.name for one in tmp_path.iterdir()] == ["looks"]
    again = hamming.Index.open(path)
    query = codes[2_500].tobytes()
    assert told(again.search(query, 31)) == told(index.compare(codes, query, 31))
    assert not len(first.search(query, 31).codes)  # who read the old one keeps it


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "looks"
    hamming.build(made(7, 100), path)
    whole = path.read_bytes()
    for broken in (b"", b"junk", b"junk" * 5_000, whole[:-1], whole[:8_000], b"X" + whole[1:]):
        path.write_bytes(broken)
        with pytest.raises(index.Broken):
            hamming.Index.open(path)
    with pytest.raises(ValueError, match="32 bytes"):
        hamming.build(made(7, 100)).search(b"short", 3)
    with pytest.raises(ValueError, match="do not fit"):
        hamming.build(made(7, 10), note=bytes(300))


def test_a_small_index_and_a_wide_radius_are_scanned() -> None:
    codes = made(8, 500)
    built = hamming.build(codes)
    for radius in (31, 120, 256):
        query = made(9, 1)[0].tobytes()
        assert told(built.search(query, radius)) == told(index.compare(codes, query, radius))


def test_without_a_compiler_numpy_does_the_same(tmp_path: Path) -> None:
    codes = made(10, 2_000)
    query = turned(codes[7], 20, 1)
    built = hamming.build(codes, tmp_path / "looks")
    np.save(tmp_path / "query.npy", query)
    package = tmp_path / "hamming"
    shutil.copytree(Path(hamming.__file__).parent, package, ignore=shutil.ignore_patterns("*.so"))
    asked = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import hamming, numpy, pathlib
assert not hamming.native.is_compiled()
query = numpy.load("query.npy").tobytes()
index = hamming.Index.open(pathlib.Path("looks"))
for found in (index.search(query, 31), hamming.scan(index.codes, query, 31)):
    print(found.codes.tobytes().hex(), found.distances.tolist())
"""
    said = subprocess.check_output([sys.executable, "-c", asked], cwd=tmp_path, text=True)
    found = built.search(query.tobytes(), 31, dear=True)
    line = f"{found.codes.tobytes().hex()} {found.distances.tolist()}\n"
    assert (said, found.distances.tolist()) == (line * 2, [20])


def test_ten_million_codes_take_sixty_bytes_each() -> None:
    plan = index._Plan(10_000_000, (10_000_000).bit_length(), index.TABLES)
    assert plan.size <= 60 * 10_000_000
    assert ctypes.sizeof(native.CIndex) == 16 + 8 + 3 * 16 * 8
