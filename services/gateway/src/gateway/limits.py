"""What one request or one client may take."""

import time
from collections import OrderedDict, deque
from http import HTTPStatus

from kit import trace
from kit.errors import ResourceExhausted
from starlette.exceptions import HTTPException
from starlette.requests import Request

_MINUTE_S = 60.0
_MOST_CLIENTS = 10_000


class QuotaSpent(ResourceExhausted):
    """Too many requests in a minute."""

    reason = "QUOTA_SPENT"


class Quota:
    """So many requests a minute for each client; what is remembered is bounded."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def draw(self, client: str) -> None:
        """Count a request.

        Raises:
            QuotaSpent: the client has had all it may in the last minute.
        """
        times = self._seen.setdefault(client, deque())
        self._seen.move_to_end(client)
        while len(self._seen) > _MOST_CLIENTS:
            self._seen.popitem(last=False)
        now = time.monotonic()
        while times and times[0] <= now - _MINUTE_S:
            times.popleft()
        if len(times) >= self._a_minute:
            raise QuotaSpent(
                f"{self._a_minute} requests a minute are allowed", aMinute=self._a_minute
            )
        times.append(now)


class Quotas:
    """What may be asked about pictures in a minute: by an address without a key, and by a key.

    Whoever could ask without end would learn from the answers how to make a better forgery.
    """

    def __init__(self, *, an_address: int, a_key: int) -> None:
        self._addresses, self._keys = Quota(an_address), Quota(a_key)

    def draw(self, actor: trace.Actor, address: str) -> None:
        """Count a request. Raises QuotaSpent: as `Quota.draw`."""
        if actor == trace.PUBLIC:
            self._addresses.draw(address)
        else:
            self._keys.draw(actor.party_id)


async def read_body(request: Request, most: int) -> bytes:
    """Read the body of a request, which may then also be read as a form.

    Raises:
        HTTPException: 413, it has more than `most` bytes; no more than that is read.
    """
    too_large = HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {most:,} bytes")
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    request._body = bytes(body)  # where Starlette keeps a body that was read
    return request._body
