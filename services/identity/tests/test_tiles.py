"""Tiles: the whole log for bulk readers, from which anybody rebuilds its head."""

import hashlib
from collections.abc import Callable
from typing import Any

import proofs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity.app import App
from identity.domain import merkle, tiles
from identity.domain.tiles import Tile, TileNotFound
from identity.store import log as store
from kit.errors import FieldInvalid, NotFound
from sqlalchemy import insert, text


def mth(hashes: list[bytes]) -> bytes:
    """The Merkle Tree Hash of RFC 9162, section 2.1.1, over leaves that are hashed already."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = max(2**n for n in range(len(hashes).bit_length()) if 2**n < len(hashes))
    return hashlib.sha256(b"\1" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def pieces(size: int, level: int | None) -> list[Tile]:
    """Return the tiles of a level that a log of a size is made of, the partial one last."""
    full, rest = divmod(size >> 8 * (level or 0), tiles.WIDTH)
    found = [Tile(level, index, tiles.WIDTH) for index in range(full)]
    return found + ([Tile(level, full, rest)] if rest else [])


def hashes_in(content: bytes) -> list[bytes]:
    return [content[at : at + 32] for at in range(0, len(content), 32)]


def entries_in(content: bytes) -> list[bytes]:
    found = []
    while content:
        length = int.from_bytes(content[:2], "big")
        found.append(content[2 : 2 + length])
        content = content[2 + length :]
    return found


async def read(desk: Any, size: int, level: int | None) -> list[bytes]:
    """Return every hash of a level, or every entry, as anybody may read them."""
    split: Callable[[bytes], list[bytes]] = entries_in if level is None else hashes_in
    found: list[bytes] = []
    for tile in pieces(size, level):
        content = (await desk.ask("public", "GetTile", path=tile.path)).content
        assert len(split(content)) == tile.width
        found += split(content)
    return found


async def filled(app: App, size: int) -> None:
    """Grow the log to a size without receipts: only its nodes."""
    nodes: dict[merkle.Node, bytes] = {}
    for index in range(size):
        nodes |= merkle.append(index, merkle.leaf_hash(b"%d" % index), nodes)
    async with app.db.begin() as tx:
        rows = [{"level": n[0], "position": n[1], "hash": nodes[n]} for n in nodes]
        await tx.execute(insert(store.log_nodes), rows)
        await tx.execute(text("UPDATE log_head SET size = :size"), {"size": size})


async def head(desk: Any) -> proofs.Head:
    answer = await desk.ask("public", "GetCheckpoint")
    found = proofs.open_head(answer.checkpoint, proofs.VerifierKey.parse(answer.verifier_key))
    assert found is not None
    return found


async def test_entries_and_hashes_rebuild_the_head(desk: Any) -> None:
    talent = await desk.party("talent")
    consents = [await desk.consented(talent) for _ in range(5)]
    await desk.withdrawn(talent, consents[2])
    signed = await head(desk)
    entries, hashes = await read(desk, 6, None), await read(desk, 6, 0)
    assert [hashlib.sha256(b"\0" + entry).digest() for entry in entries] == hashes
    assert (signed.size, signed.root) == (6, mth(hashes))
    subjects = [consent.id for consent in consents]
    for receipt in (await desk.ask(talent, "ListReceipts", subject_ids=subjects)).receipts:
        parts = receipt.salt + receipt.statement + receipt.signature + receipt.public_key
        assert entries[receipt.leaf_index] == hashlib.sha256(parts).digest()


@pytest.mark.parametrize("size", [255, 256, 257, 700])
async def test_tiles_of_every_level_rebuild_the_head(size: int, app: App, desk: Any) -> None:
    await filled(app, size)
    signed = await head(desk)
    leaves = await read(desk, size, 0)
    assert (signed.size, signed.root) == (size, mth(leaves))
    above = await read(desk, size, 1)
    assert above == [mth(leaves[256 * n : 256 * (n + 1)]) for n in range(size // 256)]


async def test_a_tile_stays_what_it_was(desk: Any) -> None:
    talent = await desk.party("talent")
    seen = {}
    for size in range(1, 5):
        await desk.consented(talent)
        for level in (None, 0):
            path = Tile(level, 0, size).path
            seen[path] = (await desk.ask("public", "GetTile", path=path)).content
    for path, content in seen.items():
        assert (await desk.ask("public", "GetTile", path=path)).content == content


async def test_what_the_log_does_not_reach_is_not_there(desk: Any) -> None:
    talent = await desk.party("talent")
    for _ in range(2):
        await desk.consented(talent)
    far = f"0/{'x999/' * 5}999"
    for path in ("0/000", "0/000.p/3", "0/001.p/1", "1/000.p/1", "entries/000", "63/000.p/1", far):
        await desk.refused(desk.ask("public", "GetTile", path=path), "TILE_NOT_FOUND", NotFound)
    error = await desk.refused(desk.ask("public", "GetTile", path="0/0"), "FIELD_INVALID")
    assert error.metadata["field"] == "path"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/0",
        "0/00",
        "0/0000",
        "00/000",
        "-1/000",
        "64/000",
        "100/000",
        "0/x000/000",
        "0/000/000",
        "0/x001/x000",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/257",
        "0/000.p/",
        "0/000/",
        "data/000",
        "entries/x000/001",
        "0/\u0660\u0660\u0660",
        "0/000\n",
        f"0/{'x001/' * 20}000",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(path: str) -> None:
    with pytest.raises(FieldInvalid, match="path: "):
        tiles.parse(path)


@settings(deadline=None)
@given(
    st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**15), st.integers(1, tiles.WIDTH)
)
def test_a_path_reads_as_it_was_written(level: int | None, index: int, width: int) -> None:
    assert tiles.parse(Tile(level, index, width).path) == Tile(level, index, width)


def test_paths_are_those_of_the_specification() -> None:
    assert Tile(0, 1234067, 256).path == "0/x001/x234/067"
    assert Tile(None, 273, 112).path == "entries/273.p/112"
    sizes = {0: (273, 112), 1: (1, 17), 2: (0, 1)}
    for level, (full, rest) in sizes.items():  # the specification's example of 70,000 leaves
        assert pieces(70_000, level) == [
            *(Tile(level, index, 256) for index in range(full)),
            Tile(level, full, rest),
        ]
    tiles.check_there(Tile(1, 1, 17), 70_000)
    for beyond in (Tile(1, 1, 18), Tile(0, 273, 113), Tile(2, 0, 2)):
        with pytest.raises(TileNotFound):
            tiles.check_there(beyond, 70_000)
