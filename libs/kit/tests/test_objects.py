"""What is cleared from an object store is gone from where it lay."""

from pathlib import Path

from kit.objects import Objects


async def test_clearing_a_place_takes_what_a_killed_put_left_half_written(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    for key in ("a/one/x", "a/one/deep/y", "a/one-more/z"):
        await objects.put(key, b"content")
    staged = tmp_path / "a/one/deep/w#1"  # as a put names it before it is whole
    staged.write_bytes(b"cont")
    assert await objects.find("a") == ["a/one-more/z", "a/one/deep/y", "a/one/x"]
    await objects.clear("a/one")
    await objects.clear("a/nothing")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "a/one-more/z"]
