"""A caller of the public API: one key, one address, and a new Idempotency-Key a command."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

TIMEOUT_S = 60.0
_TRIES = 3


class Refused(Exception):
    """The API said no; its problem document says why."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('reason', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = dict(problem)

    @property
    def reason(self) -> str:
        """Return the constant that names the rule."""
        return str(self.problem.get("reason", ""))


class Api:
    """The API on behalf of whoever `key` belongs to; without one, of nobody in particular."""

    def __init__(
        self, url: str, key: str = "", *, family: list[httpx.Client] | None = None
    ) -> None:
        self.url, self.key = url, key
        self._family = [] if family is None else family
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S)
        self._family.append(self._client)

    def as_(self, key: str) -> Api:
        """Return the same API on somebody else's behalf."""
        return Api(self.url, key, family=self._family)

    def close(self) -> None:
        """Close the connections, those of everybody `as_` returned as well."""
        for client in self._family:
            client.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, **query: Any) -> Any:
        """Read a resource."""
        return _json(self._client.get(path, params=query))

    def get_bytes(self, path: str) -> bytes:
        """Read a file."""
        return _checked(self._client.get(path)).content

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, once: str = "") -> Any:
        """Give a command; `once` names it, so that saying it again changes nothing."""
        headers = {"Idempotency-Key": once or uuid.uuid4().hex}
        return _json(self._send("POST", path, headers=headers, json=dict(body or {})))

    def upload(self, path: str, name: str, content: bytes, facts: Mapping[str, Any] | None) -> Any:
        """Send a file, with what is said of it."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        data = {"facts": json.dumps(facts)} if facts is not None else {}
        return _json(
            self._send("POST", path, headers=headers, files={"file": (name, content)}, data=data)
        )

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send, again where the house was away for a moment: the key makes that safe."""
        for _ in range(_TRIES - 1):
            try:
                answer = self._client.request(method, path, **arguments)
            except httpx.TransportError:
                continue
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
        return self._client.request(method, path, **arguments)


def to_text(data: bytes) -> str:
    """Write bytes as the API takes them."""
    return base64.b64encode(data).decode()


def to_bytes(text: str) -> bytes:
    """Read bytes as the API gives them."""
    return base64.b64decode(text)


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    raise Refused(answer.status_code, problem)


def _json(answer: httpx.Response) -> Any:
    return _checked(answer).json()
