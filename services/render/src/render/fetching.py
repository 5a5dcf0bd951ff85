"""Pictures fetched from strangers' addresses, so that nobody reaches our own through us.

Every address is resolved once, checked, and connected to as it was checked: a name that answers
otherwise the next time (DNS rebinding) changes nothing. Redirects begin again from the start. No
cookies, no credentials, no proxy, no compression, a fixed header; what is learnt of a host that
answers wrongly or not at all is one word.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urljoin

import h11

from render.domain import addresses
from render.domain.addresses import AddressUnreachable, Target
from render.domain.photos import MOST_BYTES, PhotoTooLarge

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_MOST_REDIRECTS = 3
_TOTAL_S = 10.0
_AT_ONCE = 4
_CHUNK = 2**16
_AGENT = "Sosia-Verify/1"


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address a name stands for. Raises OSError where there is none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=1)  # 1 is SOCK_STREAM
    return [str(entry[4][0]).partition("%")[0] for entry in found]


class Fetcher:
    """Fetches one file a call, within limits."""

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolve: Resolve = resolve,
        total_s: float = _TOTAL_S,
    ) -> None:
        """Take in how names are resolved; loopback and other ports are for tests alone."""
        self._allow_loopback = allow_loopback
        self._resolve = resolve
        self._total_s = total_s
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tls = ssl.create_default_context()

    async def fetch(self, url: str) -> bytes:
        """Return what lies at an address, whatever it is: the reader of pictures says.

        Raises:
            AddressRefused: it is none we fetch from, or leads to one.
            AddressUnreachable: nothing came within 10 seconds, or no success.
            PhotoTooLarge: more than 12 MiB.
        """
        async with self._room:
            try:
                async with asyncio.timeout(self._total_s):
                    return await self._follow(url)
            except (OSError, ssl.SSLError, h11.ProtocolError, TimeoutError, UnicodeError) as error:
                raise AddressUnreachable("nothing could be fetched from there") from error

    async def _follow(self, url: str) -> bytes:
        for _ in range(_MOST_REDIRECTS + 1):
            target = addresses.parse(url, any_port=self._allow_loopback)
            found = await self._resolve(target.host, target.port)
            pinned = addresses.choose(found, allow_loopback=self._allow_loopback)
            onward, content = await self._get(target, pinned)
            if not onward:
                return content
            url = urljoin(url, onward)
        raise AddressUnreachable("nothing could be fetched from there")

    async def _get(self, target: Target, pinned: str) -> tuple[str, bytes]:
        """Ask the pinned address; return where it sends us, or what it has."""
        secure = target.scheme == "https"
        reader, writer = await asyncio.open_connection(
            pinned,
            target.port,
            ssl=self._tls if secure else None,
            server_hostname=target.host if secure else None,
        )
        try:
            return await _converse(reader, writer, target)
        finally:
            writer.close()


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Target
) -> tuple[str, bytes]:
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=2**15)
    headers = [
        ("Host", target.authority),
        ("Accept", "image/jpeg, image/png, image/webp"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", _AGENT),
        ("Connection", "close"),
    ]
    asked = h11.Request(method="GET", target=target.path, headers=headers)
    writer.write((talk.send(asked) or b"") + (talk.send(h11.EndOfMessage()) or b""))
    await writer.drain()
    content = bytearray()
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            onward = _read_head(event)
            if onward:
                return onward, b""
        elif isinstance(event, h11.Data):
            content += event.data
            _check_size(len(content))
        elif isinstance(event, h11.EndOfMessage):
            return "", bytes(content)
        elif not isinstance(event, h11.InformationalResponse):
            raise AddressUnreachable("nothing could be fetched from there")


def _check_size(size_bytes: int) -> None:
    if size_bytes > MOST_BYTES:
        raise PhotoTooLarge(f"the file has more than {MOST_BYTES} bytes")


def _read_head(head: h11.Response) -> str:
    """Return where an answer sends us, nothing where it brings the file.

    Raises:
        AddressUnreachable: it does neither.
        PhotoTooLarge: it says that the file has more than 12 MiB.
    """
    said = {bytes(name).decode("ascii"): bytes(value) for name, value in head.headers}
    if head.status_code in (301, 302, 303, 307, 308) and said.get("location"):
        return said["location"].decode("ascii")
    if head.status_code != 200 or said.get("content-encoding", b"identity") != b"identity":
        raise AddressUnreachable("nothing could be fetched from there")
    length = said.get("content-length", b"")
    _check_size(int(length) if length.isdigit() else 0)
    return ""
