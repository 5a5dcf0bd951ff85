"""The client of uploads before the real gateway: lines that break, files that are broken."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from house.people import SAMPLES, photos
from local.lines import Line, running_line
from uploads import File, Progress, Sender, open_client


@pytest.fixture
async def line(web: Any) -> AsyncIterator[Line]:
    """A line to the gateway."""
    async with running_line(int(web.url.rpartition(":")[2])) as laid:
        yield laid


@pytest.fixture
async def opened(web: Any) -> tuple[str, str, str]:
    """Return a key, the talent it belongs to, and a set of hers."""
    talent = await web.desk.party("talent", public_name="Alba")
    await web.desk.consented(talent)
    key = await web.key_of(talent)
    made = await web.post("/v1/capture-sets", {"talent_id": talent.id}, key)
    return key, talent.id, made.json()["capture_set"]["id"]


def files(numbers: Any, *, longer: int = 0) -> list[File]:
    """Return sample photos, each with so many bytes behind its picture."""
    taken = photos("alba")
    return [
        File(taken[at]["filename"], taken[at]["content"] + bytes(longer), taken[at]["facts"])
        for at in numbers
    ]


async def kept(web: Any, set_id: str, key: str) -> list[str]:
    found = (await web.get(f"/v1/capture-sets/{set_id}", key)).json()["capture_set"]["photos"]
    return sorted(photo["filename"] for photo in found)


async def test_broken_files_cost_only_themselves(
    web: Any, opened: tuple[str, str, str], tmp_path: Path
) -> None:
    key, _, set_id = opened
    good = files(range(6))
    bad = [
        File("cut.jpg", good[0].read()[:20_000], good[0].facts),
        File("letter.jpg", b"Dear Alba", good[0].facts),
        File("framed.jpg", good[1].read(), {**good[1].facts, "framing": "close"}),
        File("gone.jpg", tmp_path / "gone.jpg", good[1].facts),
        File("huge.jpg", good[2].read() + bytes(12 * 2**20), good[2].facts),
        File("again.jpg", good[3].read() + b"\0", good[3].facts),
    ]
    told: list[Progress] = []
    async with open_client(web.url, key) as client:
        outcomes = await Sender(client, set_id, tell=told.append).send_all([*good, *bad])
    assert [one.name for one in outcomes if one.is_in] == [file.name for file in good]
    assert [(one.name, one.reason) for one in outcomes[6:]] == [
        ("cut.jpg", "PHOTO_UNREADABLE"),
        ("letter.jpg", "PHOTO_UNREADABLE"),
        ("framed.jpg", "FIELD_INVALID"),
        ("gone.jpg", "FILE_UNREADABLE"),
        ("huge.jpg", "UPLOAD_TOO_LONG"),
        ("again.jpg", "PHOTO_DUPLICATE"),
    ]
    assert all(one.rule for one in outcomes[6:])
    assert sorted(one.name for one in told if one.outcome) == sorted(f.name for f in [*good, *bad])
    assert await kept(web, set_id, key) == [file.name for file in good]


async def test_what_a_broken_line_carried_is_not_sent_again(
    web: Any, line: Line, opened: tuple[str, str, str]
) -> None:
    key, _, set_id = opened
    three = files(range(3, 6), longer=5 * 2**20)
    size = sum(len(file.read()) for file in three)
    line.cut_after = 8 * 2**20
    async with open_client(f"http://127.0.0.1:{line.port}", key) as client:
        outcomes = await Sender(client, set_id, at_once=3).send_all(three)
    assert all(one.is_in for one in outcomes), outcomes
    assert line.cuts == 1
    assert size < line.sent < size + 4 * 2**20  # at most the part in flight of each came twice


async def test_a_platform_that_stays_away_is_told_file_by_file(
    web: Any, opened: tuple[str, str, str]
) -> None:
    key, _, set_id = opened
    async with running_line(1) as nowhere:
        url = f"http://127.0.0.1:{nowhere.port}"
        async with open_client(url, key) as client:
            sender = Sender(client, set_id, patience_s=0.5)
            outcomes = await sender.send_all(files(range(2)))
    assert {one.reason for one in outcomes} == {"UNREACHABLE"}


class Command:
    """python -m identity upload, as somebody types it."""

    def __init__(self, key: str, url: str, into: Mapping[str, str]) -> None:
        self.environment = {**os.environ, "SOSIA_API_KEY": key}
        self.options = ["--url", url, *(part for pair in into.items() for part in pair)]

    async def start(self, folder: Path) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "identity", "upload", "--captures", str(folder)),
            *self.options,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, folder: Path) -> tuple[int | None, str, str]:
        process = await self.start(folder)
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


def copied(tmp_path: Path, most: int) -> Path:
    """Return a capture folder with so many photos of a sample talent."""
    folder = tmp_path / "captures"
    shutil.copytree(SAMPLES / "alba", folder)
    lines = (folder / "photos.jsonl").read_text().splitlines()[:most]
    (folder / "photos.jsonl").write_text("\n".join(lines))
    return folder


async def test_a_folder_is_brought_by_one_command_and_its_faults_are_summed_up(
    web: Any, opened: tuple[str, str, str], tmp_path: Path
) -> None:
    key, talent_id, _ = opened
    folder = copied(tmp_path, 8)
    path = folder / "photos" / "002.jpg"
    path.write_bytes(path.read_bytes()[:9_000])
    (folder / "photos" / "005.jpg").unlink()
    command = Command(key, web.url, {"--talent": talent_id, "--at-once": "3"})
    code, out, err = await command.run(folder)
    lines = out.splitlines()
    assert code == 1, out + err
    assert lines[0].startswith("8 photos into cap_")
    assert lines[1] == "3 clips are left out: a capture set takes none yet"
    assert lines[2] == "6 of 8 photos are in"
    assert lines[3] == "  002.jpg: photo is not a whole JPEG, PNG or WebP (PHOTO_UNREADABLE)"
    assert lines[4] == "  005.jpg: No such file or directory (FILE_UNREADABLE)"
    assert len(err.splitlines()) == 8
    shutil.copy(SAMPLES / "alba" / "photos" / "002.jpg", path)
    shutil.copy(SAMPLES / "alba" / "photos" / "005.jpg", path.with_name("005.jpg"))
    code, out, _ = await command.run(folder)
    assert (code, out.splitlines()[0], out.splitlines()[2]) == (0, lines[0], "8 of 8 photos are in")
    set_id = lines[0].split()[-1]
    assert await kept(web, set_id, key) == [f"{number:03d}.jpg" for number in range(8)]
    held = (await web.get(f"/v1/capture-sets/{set_id}", key)).json()["capture_set"]
    marks = json.loads((SAMPLES / "alba" / "talent.json").read_text())["marks"]
    assert held["marks"] == marks


async def test_stopped_by_ctrl_c_it_goes_on_where_it_was(
    web: Any, line: Line, opened: tuple[str, str, str], tmp_path: Path
) -> None:
    key, _, set_id = opened
    folder = copied(tmp_path, 12)
    for photo in sorted((folder / "photos").iterdir())[:12]:
        photo.write_bytes(photo.read_bytes() + bytes(2 * 2**20))
    line.delay_s = 0.02
    command = Command(key, f"http://127.0.0.1:{line.port}", {"--capture-set": set_id})
    process = await command.start(folder)
    async with asyncio.timeout(60):
        while line.sent < 7 * 2**20:
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = await process.communicate()
    assert (process.returncode, "Run it again to go on." in out.decode()) == (130, True)
    line.delay_s = 0.0
    code, out_again, err = await command.run(folder)
    assert code == 0, err
    assert "12 of 12 photos are in" in out_again
    assert line.sent < 12 * 2.2 * 2**20 + 4 * 2**20 + 2**19


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"key": ""}, "no API key"),
        ({"folder": "nowhere"}, "photos.jsonl: cannot be read"),
        ({"talent": "pty_nobody"}, "no capture set"),
        ({"url": "http://127.0.0.1:1"}, "no capture set"),
    ],
)
async def test_what_cannot_begin_says_why(
    web: Any, opened: tuple[str, str, str], tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    key, talent_id, _ = opened
    command = Command(
        changed.get("key", key),
        changed.get("url", web.url),
        {"--talent": changed.get("talent", talent_id)},
    )
    code, _, err = await command.run(Path(changed.get("folder", copied(tmp_path, 1))))
    assert code == 2
    assert said in err
