"""Codes of 256 bits in one file, found again within any Hamming distance.

A file is never changed: whoever has new codes keeps them beside it, scans them linearly, and
builds another file in time. It is read into memory and not mapped: NumPy asks for huge pages there,
and a search that looks at ten thousand places is a third slower where each has a page of its own.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamming import native

Codes = NDArray[np.uint64]
"""(n, 4): 256 bits each, as `pack` reads them out of 32 bytes."""

MOST = (1 << 24) - 1
"""Codes in one index: positions have three bytes."""
TABLES = 9
"""Segments. Ten would be faster and take 63 bytes a code, eight slower and take 56."""
_WIDTH = 256
_BLOCK = 7  # as in search.c
_HEAD = struct.Struct("<8sIIQ256s")
_MAGIC = b"HAMMING1"
_ALIGNED = 4096
_ROOM = 256  # hits a first call has room for
_WEIGHT = 5  # most bits of a segment that are turned: beyond it everything is compared


class Broken(ValueError):
    """A file is no index, or only part of one."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is near, in no order.

    Attributes:
        codes: (k, 4).
        distances: (k,) uint32, each at most the radius.
    """

    codes: Codes
    distances: NDArray[np.uint32]


def pack(codes: bytes) -> Codes:
    """Return codes of 32 bytes each, one behind the other, as rows.

    Raises:
        ValueError: not a multiple of 32 bytes.
    """
    return np.frombuffer(codes, "<u8").astype(np.uint64, copy=False).reshape(-1, 4)


def scan(codes: Codes, query: bytes, radius: int) -> Found:
    """Compare a query of 32 bytes with every one of (n, 4) codes."""
    if not native.is_compiled():
        return compare(codes, query, radius)
    asked, room = _asked(query), _ROOM
    while True:
        at, distance = np.empty(room, np.uint64), np.empty(room, np.uint32)
        count = native.load().hamming_scan(
            *(_u64(codes), len(codes), _u64(asked), radius, _u64(at), _u32(distance), room)
        )
        if count <= room:
            return Found(codes[at[:count]], distance[:count])
        room = count


def compare(codes: Codes, query: bytes, radius: int) -> Found:
    """Do what `scan` does in NumPy alone: where nothing was compiled, and to check the rest by."""
    distances = np.bitwise_count(codes ^ _asked(query)).sum(axis=1, dtype=np.uint32)
    near = distances <= radius
    return Found(codes[near], distances[near])


class Index:
    """Codes with the tables that lead to them; see search.c for how.

    Measured for 10 million codes: benchmarks/README.md, "lookup".
    """

    def __init__(self, data: NDArray[np.uint8]) -> None:
        """Take the bytes of a file that `build` wrote.

        Raises:
            Broken: they are not, or not all of them.
        """
        if data.size < _HEAD.size:
            raise Broken("the file is too short for an index")
        head: tuple[bytes, int, int, int, bytes] = _HEAD.unpack(data[: _HEAD.size].tobytes())
        magic, self.bits, self.tables, self.count, note = head
        if magic != _MAGIC or not 0 < self.tables <= 16 or self.bits > _WIDTH // self.tables:
            raise Broken("the file is no index")
        self.note: bytes = note.rstrip(b"\0")
        plan = _Plan(self.count, self.bits, self.tables)
        if data.size != plan.size:
            raise Broken(f"the index has {data.size} bytes, must have {plan.size}")
        self._data = data
        self._parts = plan.cut(data)
        self.codes: Codes = self._parts["codes"].view(np.uint64).reshape(-1, 4)
        self._native = self._point()
        self._masks, self._counts = _masks(self.bits)

    @classmethod
    def open(cls, path: Path) -> Index:
        """Read a file that `build` wrote.

        Raises:
            FileNotFoundError: there is none.
            Broken: it is no index, or only part of one.
        """
        return cls(np.fromfile(path, np.uint8))

    @property
    def size_bytes(self) -> int:
        """Return what the index takes, on disk and in memory."""
        return int(self._data.size)

    def search(self, query: bytes, radius: int, *, dear: bool = False) -> Found:
        """Return every code within `radius` of a query of 32 bytes; none is missed.

        With `dear`, tables are looked into even where comparing with every code costs less.
        """
        units = tolerances(radius, self.tables)
        beyond = bool(units.max() >= len(self._counts))
        if beyond or not (dear or self._is_cheap(units)) or not native.is_compiled():
            return scan(self.codes, query, radius)
        asked, room = _asked(query), _ROOM
        while True:
            at, distance = np.empty(room, np.uint64), np.empty(room, np.uint32)
            count = native.load().hamming_search(
                *(ctypes.byref(self._native), _u64(asked), radius),
                *(_u32(self._masks), _u64(self._counts), _u32(units)),
                *(self.count // 8, _u64(at), _u32(distance), room),
            )
            if count < 0:  # the codes lie too close together for tables
                return scan(self.codes, query, radius)
            if count <= room:
                return Found(self.codes[at[:count]], distance[:count])
            room = count

    def _is_cheap(self, units: NDArray[np.uint32]) -> bool:
        """Tell whether looking into the tables costs less than comparing with every code."""
        looks = int(self._counts[units].sum())
        return bool(looks + 2 * looks * self.count // (1 << self.bits) <= self.count // 4)

    def _point(self) -> native.CIndex:
        index = native.CIndex(n=self.count, bits=self.bits, tables=self.tables)
        index.codes = _u64(self.codes)
        for table in range(self.tables):
            index.before[table] = _u32(self._parts[f"before{table}"].view(np.uint32))
            index.ones[table] = _u64(self._parts[f"ones{table}"].view(np.uint64))
            if table:
                index.places[table] = _u8(self._parts[f"places{table}"])
        return index


def build(
    codes: Codes,
    path: Path | None = None,
    *,
    note: bytes = b"",
    tables: int = TABLES,
    bits: int = 0,
) -> Index:
    """Build an index of (n, 4) codes, and write it to a file, which appears whole or not at all.

    Args:
        codes: at most `MOST`.
        path: an index that lies there is replaced; who has read it keeps what he has.
        note: at most 256 bytes that come back with the index.
        tables: segments, at most 16.
        bits: of a segment that lead to a bucket; 0 chooses by the count.

    Raises:
        ValueError: too many codes, or a note too long.
    """
    if len(codes) > MOST or len(note) > 256:
        raise ValueError(f"{len(codes)} codes and a note of {len(note)} bytes do not fit an index")
    bits = bits or min(max(len(codes).bit_length(), 8), _WIDTH // tables)
    plan = _Plan(len(codes), bits, tables)
    data = np.zeros(plan.size, np.uint8)
    _fill(data, codes, plan, note)
    if path is not None:
        _write(data, path)
    return Index(data)


def _write(data: NDArray[np.uint8], path: Path) -> None:
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with made.open("wb") as file:
            data.tofile(file)
            os.fsync(file.fileno())
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def tolerances(radius: int, tables: int) -> NDArray[np.uint32]:
    """Return, for each table, one more than the bits its segment may differ in; 0 leaves it out.

    They sum to radius + 1: were every segment's difference beyond its own, the whole difference
    would be beyond the radius.
    """
    each, more = divmod(radius + 1, tables)
    return np.array([each + (table < more) for table in range(tables)], np.uint32)


def _fill(data: NDArray[np.uint8], codes: Codes, plan: _Plan, note: bytes) -> None:
    parts = plan.cut(data)
    laid = parts["codes"].view(np.uint64).reshape(-1, 4)
    given: Codes = np.ascontiguousarray(codes)
    for table in range(plan.tables):
        counts = np.zeros((1 << plan.bits) + 1, np.uint32)
        failed = native.load().hamming_build(
            *(_u64(laid if table else given), plan.count),
            *(table * (_WIDTH // plan.tables), plan.bits, _u32(counts)),
            _u32(parts[f"before{table}"].view(np.uint32)),
            _u64(parts[f"ones{table}"].view(np.uint64)),
            _u8(parts[f"places{table}"]) if table else None,
            None if table else _u64(laid),
        )
        if failed:
            raise ValueError(f"{plan.count} codes, {plan.bits} bits: search.c takes no such index")
    data[: _HEAD.size] = np.frombuffer(
        _HEAD.pack(_MAGIC, plan.bits, plan.tables, plan.count, note), np.uint8
    )


@dataclass(frozen=True)
class _Plan:
    """What lies where in a file."""

    count: int
    bits: int
    tables: int

    @property
    def size(self) -> int:
        """Return the bytes of the file."""
        return max(end for _, _, end in self._places())

    def cut(self, data: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        """Return every part of a file by name."""
        return {name: data[begin:end] for name, begin, end in self._places()}

    def _places(self) -> Iterator[tuple[str, int, int]]:
        buckets = 1 << self.bits
        sizes = [("head", _HEAD.size), ("codes", 32 * self.count)]
        for table in range(self.tables):
            sizes.append((f"before{table}", 4 * ((buckets >> _BLOCK) + 1)))
            sizes.append((f"ones{table}", 8 * ((self.count + buckets) // 64 + 2)))
            if table:
                sizes.append((f"places{table}", 3 * self.count))
        begin = 0
        for name, size in sizes:
            yield name, begin, begin + size
            begin += -(-size // _ALIGNED) * _ALIGNED


def _masks(bits: int) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    """Return the values of `bits` bits, fewest ones first, and how many have fewer than w ones."""
    by_weight = [
        np.sort(np.array([sum(1 << at for at in ones) for ones in combinations(range(bits), w)]))
        for w in range(min(_WEIGHT, bits + 1))
    ]
    counts = np.cumsum([0, *(len(masks) for masks in by_weight)])
    return np.concatenate(by_weight).astype(np.uint32), counts.astype(np.uint64)


def _asked(query: bytes) -> Codes:
    if len(query) != _WIDTH // 8:
        raise ValueError(f"a code has {_WIDTH // 8} bytes, not {len(query)}")
    return pack(query)


def _u8(values: NDArray[Any]) -> Any:
    return values.ctypes.data_as(native.U8)


def _u32(values: NDArray[Any]) -> Any:
    return values.ctypes.data_as(native.U32)


def _u64(values: NDArray[Any]) -> Any:
    return values.ctypes.data_as(native.U64)
