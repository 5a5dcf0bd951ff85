"""upload: brings a capture folder to the platform, over its public API.

Ctrl-C stops it; the same command goes on where it stopped.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
from uploads import File, FolderMalformed, Outcome, Progress, Sender, open_client, read_folder
from uploads.files import Folder

_STOPPED = 130
_BAR = 24


async def run(arguments: list[str]) -> int:
    """Upload a folder; return 0 when all of it is in, 1 when some is not, 2 when nothing could
    begin, 130 when it was stopped."""
    given = _parser().parse_args(arguments)
    try:
        folder = read_folder(given.captures)
        key = read_api_key(given.key_file)
    except (FolderMalformed, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    async with open_client(given.url, key) as client:
        try:
            capture_set_id = given.capture_set or await _open_set(client, given.talent, folder)
        except (httpx.HTTPError, ValueError) as error:
            print(f"no capture set: {error}", file=sys.stderr)
            return 2
        print(f"{len(folder.photos)} photos into {capture_set_id}")
        if folder.clips:
            print(f"{folder.clips} clips are left out: a capture set takes none yet")
        return await _send(client, capture_set_id, folder.photos, given.at_once)


async def _send(
    client: httpx.AsyncClient, capture_set_id: str, photos: Sequence[File], at_once: int
) -> int:
    board = Board(len(photos))
    sender = Sender(client, capture_set_id, at_once=at_once, tell=board.take)
    try:
        outcomes = await sender.send_all(photos)
    except asyncio.CancelledError:
        board.end()
        print(f"stopped; {board.ended} of {len(photos)} were through. Run it again to go on.")
        return _STOPPED
    board.end()
    return _sum_up(outcomes)


def _sum_up(outcomes: Sequence[Outcome]) -> int:
    failed = [outcome for outcome in outcomes if not outcome.is_in]
    print(f"{len(outcomes) - len(failed)} of {len(outcomes)} photos are in")
    for outcome in failed:
        print(f"  {outcome.name}: {outcome.rule} ({outcome.reason})")
    return 1 if failed else 0


class Board:
    """Shows how far all of it is: a line that moves on a terminal, else a line for each file."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._moves = sys.stderr.isatty()
        self._partly: dict[str, float] = {}
        self.ended = 0

    def take(self, progress: Progress) -> None:
        """Show how far one file has come."""
        self._partly[progress.name] = progress.sent / max(progress.length, 1)
        if progress.outcome is not None:
            self.ended += 1
            del self._partly[progress.name]
        if self._moves:
            self._draw()
        elif progress.outcome is not None:
            said = "in" if progress.outcome.is_in else progress.outcome.reason
            print(f"{self.ended}/{self._files} {progress.name}: {said}", file=sys.stderr)

    def end(self) -> None:
        """Leave the line."""
        if self._moves:
            print(file=sys.stderr)

    def _draw(self) -> None:
        share = (self.ended + sum(self._partly.values())) / self._files
        bar = "█" * round(share * _BAR)
        line = f"\r{bar:<{_BAR}} {share:4.0%}  {self.ended} of {self._files}"
        print(line, end="", file=sys.stderr, flush=True)


async def _open_set(client: httpx.AsyncClient, talent_id: str, folder: Folder) -> str:
    """Open a set for the folder; the same folder again is the same set.

    Raises:
        HTTPError: the platform does not answer.
        ValueError: it refuses.
    """
    names = "\n".join(photo.name for photo in folder.photos)
    said = f"{talent_id}\n{folder.marks}\n{names}"
    headers = {"Idempotency-Key": f"upload-{hashlib.sha256(said.encode()).hexdigest()}"}
    body = {"talent_id": talent_id, "marks": folder.marks}
    answer = await client.post("/v1/capture-sets", json=body, headers=headers)
    if not answer.is_success:
        raise ValueError(answer.text[:500])
    return str(answer.json()["capture_set"]["id"])


def read_api_key(path: Path | None) -> str:
    """Return the API key. Raises OSError: there is none."""
    key = path.read_text() if path else os.environ.get("SOSIA_API_KEY", "")
    if not key.strip():
        raise OSError("no API key: give --key-file, or SOSIA_API_KEY in the environment")
    return key.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m identity upload", description="Upload a capture folder; again to go on."
    )
    parser.add_argument("--captures", required=True, type=Path, help="folder with photos.jsonl")
    parser.add_argument("--url", required=True, help="where the gateway answers, http://host:port")
    into = parser.add_mutually_exclusive_group(required=True)
    into.add_argument("--capture-set", help="id of an open capture set")
    into.add_argument("--talent", help="id of the talent for whom a set is opened")
    parser.add_argument("--key-file", type=Path, help="API key; else SOSIA_API_KEY has it")
    parser.add_argument("--at-once", type=int, choices=range(1, 17), default=4, metavar="1..16")
    return parser
