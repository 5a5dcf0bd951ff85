"""What looks alike is found: at once, exactly, and by an index that outlives the process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import hamming
import numpy as np
import pytest_asyncio
from kit.db import Database, open_database
from render.domain.verdicts import SAME_PICTURE_BITS, UNSURE_BITS
from render.looks import Looks
from sqlalchemy import text

SETS = """
    INSERT INTO campaigns VALUES ('c', 'b', 'l', 't', 'Autumn', '[]', now());
    INSERT INTO briefs VALUES ('f', 'c', 'v', '[1]', '[1]', repeat('0', 64), 'b', now())
"""
RENDER = """
    INSERT INTO renders (id, state, start_id, brief_id, campaign_id, license_id, talent_id,
        brand_id, twin_version_id, shot, seed, grant_token, consent_id, consent_receipt_id,
        twin_consent_id, credits)
    VALUES (:id, 'draft', :id, 'f', 'c', 'l', 't', 'b', 'v', 0, 0, '', 'o', 'r', 'o', '[]')
"""
PICTURE = """
    INSERT INTO pictures (render_id, object_key, object_sha256, sha256, fingerprint, rights_digest,
        watermark, width, height, made_at)
    VALUES (:id, :id, repeat('0', 64), repeat('0', 64), :looks, repeat('0', 64), 'w', 1, 1, now())
"""


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        async with opened.begin() as tx:
            for statement in SETS.split(";"):
                await tx.execute(text(statement))
        yield opened


async def note(tx: Any, looks: Sequence[bytes]) -> None:
    rows = [{"id": one.hex(), "looks": one} for one in looks]
    await tx.execute(text(RENDER), rows)
    await tx.execute(text(PICTURE), rows)


async def near(looks: Looks, database: Database, asked: bytes) -> list[bytes]:
    async with database.begin() as tx:
        return await looks.near(tx, asked)


def some(seed: int, count: int) -> list[bytes]:
    random = np.random.default_rng(seed)
    return [random.bytes(32) for _ in range(count)]


def turned(looks: bytes, bits: int) -> bytes:
    return (int.from_bytes(looks, "big") ^ (1 << bits) - 1).to_bytes(32, "big")


def expected(registered: Sequence[bytes], asked: bytes) -> list[bytes]:
    """Return what counts, compared one by one and with no array at all."""
    whole = int.from_bytes(asked, "big")
    gaps = {one: (int.from_bytes(one, "big") ^ whole).bit_count() for one in registered}
    if min(gaps.values(), default=256) > SAME_PICTURE_BITS:
        return []
    return sorted(one for one, gap in gaps.items() if gap <= UNSURE_BITS)


async def test_a_picture_is_found_the_moment_it_is_noted_before_and_after_an_index_is_built(
    database: Database, tmp_path: Path
) -> None:
    looks, (first, second, third) = Looks(tmp_path / "looks"), some(1, 3)
    assert await near(looks, database, first) == []
    async with database.begin() as tx:
        await note(tx, [first])
    assert await near(looks, database, turned(first, 31)) == [first]
    assert await near(looks, database, turned(first, 32)) == []
    await looks.rebuild(database)
    assert looks.indexed == 1
    async with database.begin() as tx:
        await note(tx, [second])
    for one in (first, second):
        assert await near(looks, database, turned(one, 20)) == [one]
    assert await near(looks, database, third) == []


async def test_a_second_that_makes_the_first_uncertain_is_found_a_little_further_away(
    database: Database,
) -> None:
    (one,) = some(2, 1)
    async with database.begin() as tx:
        await note(tx, [one, turned(one, UNSURE_BITS), turned(one, UNSURE_BITS + 1)])
    looks = Looks()
    for _ in range(2):
        assert await near(looks, database, one) == sorted([one, turned(one, UNSURE_BITS)])
        await looks.rebuild(database)


async def test_a_transaction_that_commits_late_is_not_skipped(
    database: Database, tmp_path: Path
) -> None:
    """It took its place before others that committed first, were read, and are in the index."""
    looks, (late, early) = Looks(tmp_path / "looks"), some(3, 2)
    async with database.begin() as slow:
        await note(slow, [late])
        async with database.begin() as tx:
            await note(tx, [early])
        assert await near(looks, database, early) == [early]
        await looks.rebuild(database)
        assert await near(looks, database, late) == []
    assert await near(looks, database, late) == [late]
    again = Looks(tmp_path / "looks")
    await again.open(database)
    assert again.indexed == 1
    assert await near(again, database, late) == [late]


async def test_an_index_is_used_again_only_for_the_registry_it_was_built_from(
    database: Database, tmp_path: Path
) -> None:
    path, noted = tmp_path / "looks", some(4, 50)
    async with database.begin() as tx:
        await note(tx, noted)
    await Looks(path).rebuild(database)
    good = path.read_bytes()
    strange = b'{"since": 5, "sum": "1:2"}'
    hamming.build(hamming.pack(noted[0]), path, note=strange)
    other = path.read_bytes()
    ahead = b'{"since": 4000000000, "sum": "50:0"}'
    hamming.build(hamming.pack(noted[0]), path, note=ahead)
    for content in (other, path.read_bytes(), good[:5_000], b"", b"junk" * 100, other[:24]):
        path.write_bytes(content)
        looks = Looks(path)
        await looks.open(database)
        assert looks.indexed == 0
        assert await near(looks, database, noted[7]) == [noted[7]]
    path.write_bytes(good)
    looks = Looks(path)
    await looks.open(database)
    assert looks.indexed == 50
    assert await near(looks, database, noted[7]) == [noted[7]]


class Crowd:
    """Pictures that are noted while others ask, and what must then be found."""

    def __init__(self, looks: Looks, database: Database) -> None:
        self.looks, self.database = looks, database
        self.random = np.random.default_rng(5)
        near = [turned(one, int(self.random.integers(60))) for one in some(6, 6) for _ in range(4)]
        self.stock = list(dict.fromkeys([*some(5, 60), *near]))
        self.noted: list[bytes] = []

    @property
    def open(self) -> bool:
        return len(self.noted) < len(self.stock)

    async def write(self) -> None:
        for at in range(0, len(self.stock), 6):
            async with self.database.begin() as tx:
                await note(tx, self.stock[at : at + 6])
            self.noted.extend(self.stock[at : at + 6])

    async def ask(self) -> None:
        while self.open:
            known = list(self.noted)
            whom = self.stock[int(self.random.integers(max(1, len(known))))]
            asked = turned(whom, int(self.random.integers(45)))
            found = set(await near(self.looks, self.database, asked))
            assert set(expected(known, asked)) <= found <= set(expected(self.stock, asked))
            await asyncio.sleep(0)

    async def build(self) -> None:
        while self.open:
            await self.looks.rebuild(self.database)


async def test_many_at_once_find_what_comparing_one_by_one_finds(
    database: Database, tmp_path: Path
) -> None:
    """Searches, new pictures and new indexes, all mixed: what was noted before is always found."""
    crowd = Crowd(Looks(tmp_path / "looks"), database)
    async with asyncio.TaskGroup() as tasks:
        for work in (crowd.write(), crowd.ask(), crowd.ask(), crowd.build()):
            tasks.create_task(work)
    for one in crowd.stock:
        for bits in (0, 31, 32, 40):
            asked = turned(one, bits)
            assert await near(crowd.looks, database, asked) == expected(crowd.stock, asked)
