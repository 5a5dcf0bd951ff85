"""Fetches heads of a log over HTTP, with the proof that they follow from an older one."""

import http.client
import json
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import proofs
from proofs import Head, Malformed, Note
from proofs.encoding import decode

_MOST_BYTES = 2**18
_MOST_STEPS = 63
_TIMEOUT_S = 10.0


class Unreachable(Exception):
    """The log did not answer, or not with a head; nothing is said about its history."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A head of the log, and the proof that it follows from one of `old_size` leaves."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    head: Head


class LogClient:
    """What GET /v1/log/checkpoint answers, at a URL of http or https."""

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Raises ValueError: no such URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError("the log's URL must be of http or https, and have no query")
        self._parts, self._timeout_s = parts, timeout_s

    def fetch(self, old_size: int) -> Fetched:
        """Return the newest head; blocks until it is there or the time is over.

        A log that is smaller than `old_size` cannot prove anything: its head is fetched alone.

        Raises:
            Unreachable: it is not there, or not a head.
        """
        status, body = self._get(old_size)
        if status == HTTPStatus.BAD_REQUEST and old_size:
            status, body = self._get(0)
        if status != HTTPStatus.OK:
            raise Unreachable(f"the log answered {status}")
        try:
            return _read(body, old_size)
        except (ValueError, RecursionError) as error:
            raise Unreachable(f"the log answered with no head: {error}") from error

    def _get(self, old_size: int) -> tuple[int, bytes]:
        parts = self._parts
        kind = http.client.HTTPSConnection
        if parts.scheme == "http":
            kind = http.client.HTTPConnection  # type: ignore[assignment]
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=self._timeout_s)
            try:
                path = f"{parts.path or '/'}?{urlencode({'from_size': old_size})}"
                connection.request("GET", path, headers={"Accept": "application/json"})
                answer = connection.getresponse()
                return answer.status, answer.read(_MOST_BYTES)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(repr(error)) from error


def _read(body: bytes, old_size: int) -> Fetched:
    answer = json.loads(body.decode())
    if not isinstance(answer, dict) or not isinstance(answer.get("checkpoint"), str):
        raise Malformed("checkpoint", "must be a text")
    steps = answer.get("consistency_proof", [])
    if not isinstance(steps, list) or len(steps) > _MOST_STEPS:
        raise Malformed("consistency_proof", f"must be a list of at most {_MOST_STEPS}")
    names = [f"consistency_proof[{number}]" for number in range(len(steps))]
    proof = [decode(str(one), name, lengths=(32,)) for one, name in zip(steps, names, strict=True)]
    note = proofs.parse_note(answer["checkpoint"])
    return Fetched(old_size, tuple(proof), note, proofs.parse_head(note))
