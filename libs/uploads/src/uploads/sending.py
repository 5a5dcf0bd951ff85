"""Sends files in parts, several at a time, and goes on after whatever comes in between."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from uploads.files import File

PART_BYTES = 2**20
TIMEOUT_S = 60.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 5.0
_CHECKSUM_MISMATCH = 460
_TUS = {"Tus-Resumable": "1.0.0"}
_PART = {**_TUS, "Content-Type": "application/offset+octet-stream"}


class Interrupted(Exception):
    """It did not work this time; nothing speaks against the next."""


class Refused(Exception):
    """The platform will not take the file."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("rule") or problem.get("detail") or "refused"))
        self.reason = str(problem.get("reason", "UNKNOWN"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: a photo, or else the rule it broke."""

    name: str
    photo_id: str = ""
    reason: str = ""
    rule: str = ""

    @property
    def is_in(self) -> bool:
        """Tell whether it is in the capture set."""
        return bool(self.photo_id)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file has come: `sent` of `length` bytes are there; `outcome` once it ended."""

    name: str
    sent: int
    length: int
    outcome: Outcome | None = None


Teller = Callable[[Progress], None]


@dataclass(slots=True)
class _Way:
    """A file on its way; `place` is where its parts go, once that is known."""

    file: File
    content: bytes
    sha256: str
    place: str = ""
    offset: int = 0
    photo_id: str = ""

    def note(self, headers: Mapping[str, str]) -> None:
        self.offset = int(headers["upload-offset"])
        self.photo_id = headers.get("sosia-photo", "")

    @property
    def part(self) -> bytes:
        return self.content[self.offset : self.offset + PART_BYTES]


def open_client(url: str, api_key: str) -> httpx.AsyncClient:
    """Return a client of the gateway on behalf of whoever the key belongs to."""
    headers = {"Authorization": f"Bearer {api_key}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S)


class Sender:
    """Sends to one capture set, `at_once` files at a time.

    `patience_s` is how long a file may come no further before it is given up.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        capture_set_id: str,
        *,
        at_once: int = 4,
        patience_s: float = 60.0,
        tell: Teller | None = None,
    ) -> None:
        self._client = client
        self._path = f"/v1/capture-sets/{capture_set_id}/uploads"
        self._at_once = at_once
        self._patience_s = patience_s
        self._told = tell

    async def send_all(self, files: Sequence[File]) -> list[Outcome]:
        """Send files; return what became of each, in their order. One that is broken stops none."""
        outcomes: dict[int, Outcome] = {}
        waiting = iter(enumerate(files))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(self._at_once, len(files))):
                tasks.create_task(self._send_some(waiting, outcomes))
        return [outcomes[number] for number in range(len(files))]

    def _tell(self, progress: Progress) -> None:
        if self._told is not None:
            self._told(progress)

    async def _send_some(
        self, waiting: Iterator[tuple[int, File]], outcomes: dict[int, Outcome]
    ) -> None:
        for number, file in waiting:
            outcomes[number] = await self._send(file)

    async def _send(self, file: File) -> Outcome:
        try:
            content = await asyncio.to_thread(file.read)
        except OSError as error:
            outcome = Outcome(file.name, reason="FILE_UNREADABLE", rule=error.strerror or "")
            self._tell(Progress(file.name, 0, 0, outcome))
            return outcome
        way = _Way(file, content, hashlib.sha256(content).hexdigest())
        try:
            outcome = await self._insist(way)
        except Refused as error:
            outcome = Outcome(file.name, reason=error.reason, rule=str(error))
        self._tell(Progress(file.name, way.offset, len(content), outcome))
        return outcome

    async def _insist(self, way: _Way) -> Outcome:
        """Send a file, again and again where the line breaks.

        Raises:
            Refused: it will not be taken.
        """
        wait_s, end = _FIRST_WAIT_S, time.monotonic() + self._patience_s
        while True:
            before = way.offset
            try:
                await self._go_on(way)
                return Outcome(way.file.name, way.photo_id)
            except Interrupted as error:
                if way.offset > before:
                    wait_s, end = _FIRST_WAIT_S, time.monotonic() + self._patience_s
                if time.monotonic() > end:
                    return Outcome(way.file.name, reason="UNREACHABLE", rule=str(error))
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _go_on(self, way: _Way) -> None:
        """Begin or look how far it has come, then send what is left."""
        await (self._look(way) if way.place else self._begin(way))
        while not way.photo_id:
            self._tell(Progress(way.file.name, way.offset, len(way.content)))
            headers = {**_PART, **_checksum(way.part), "Upload-Offset": str(way.offset)}
            answer = await self._ask("PATCH", way.place, headers=headers, content=way.part)
            way.note(answer.headers)

    async def _begin(self, way: _Way) -> None:
        """Announce a file; one that fits into a single part comes along."""
        said = {
            "filename": way.file.name,
            "sha256": way.sha256,
            "facts": json.dumps(dict(way.file.facts)),
        }
        headers = {"Upload-Length": str(len(way.content)), "Upload-Metadata": _metadata(said)}
        if len(way.content) <= PART_BYTES:
            headers |= {**_PART, **_checksum(way.content)}
        content = way.content if len(way.content) <= PART_BYTES else b""
        answer = await self._ask("POST", self._path, headers={**_TUS, **headers}, content=content)
        way.place = answer.headers["location"]
        way.note(answer.headers)

    async def _look(self, way: _Way) -> None:
        """Ask how far a file has come, and whether it ended while nobody heard the answer."""
        try:
            upload = (await self._ask("GET", way.place)).json()["upload"]
        except Refused as error:
            if error.reason != "UPLOAD_NOT_FOUND":
                raise
            way.place = ""
            raise Interrupted("the upload was forgotten") from error
        if upload["state"] == "UPLOAD_STATE_FAILED":
            raise Refused(upload["fault"])
        way.offset, way.photo_id = int(upload["offset"]), upload["photo_id"]

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise Interrupted(f"no answer: {type(error).__name__}") from error
        if answer.is_success:
            return answer
        problem = _problem(answer)
        passing = answer.status_code in (_CHECKSUM_MISMATCH, HTTPStatus.TOO_MANY_REQUESTS)
        elsewhere = problem.get("reason") == "UPLOAD_OFFSET_WRONG"
        if passing or elsewhere or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Interrupted(str(problem.get("detail", answer.status_code)))
        raise Refused(problem)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": answer.text[:200]}


def _metadata(said: Mapping[str, str]) -> str:
    pairs = ((key, base64.b64encode(text.encode()).decode()) for key, text in said.items())
    return ",".join(f"{key} {value}" for key, value in pairs)


def _checksum(part: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
    return {"Upload-Checksum": f"sha256 {digest}"}
