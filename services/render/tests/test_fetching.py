"""What is fetched from strangers' addresses, and what never is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from kit.errors import DomainError
from render.domain import addresses
from render.domain.addresses import AddressRefused, AddressUnreachable
from render.domain.photos import MOST_BYTES, PhotoTooLarge
from render.fetching import Fetcher

PRIVATE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "fe80::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1", "2002:a9fe:a9fe::1",
)  # fmt: skip
PUBLIC = ("93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


def answering(*found: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A DNS that gives the same answer to everything."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return found

    return resolve


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    fetcher = Fetcher(resolve=answering("1.1.1.1", address))
    with pytest.raises(AddressRefused, match="public"):
        await fetcher.fetch("https://pictures.example/a.jpg")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    assert addresses.choose([address], allow_loopback=False) == address


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "localhost"]
)
async def test_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises((AddressRefused, AddressUnreachable)):
        await Fetcher().fetch(f"http://{host}/a.jpg")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://pictures.example/a.jpg",
        "file:///etc/passwd",
        "gopher://pictures.example/",
        "http://user:secret@pictures.example/",
        "http://pictures.example:22/",
        "https://pictures.example:80/",
        "http:///a.jpg",
        "http://pictures.example\\@127.0.0.1/",
        "http://pictures.example/a b",
        "http://pictures.example/a\r\nHost: x",
        "http://pictures.exämple/",
        "http://[::1/",
        "http://pictures.example:port/",
        "http://pictures.example/" + "a" * 2_000,
    ],
)
async def test_a_url_we_would_not_ask_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        await Fetcher(resolve=answering("1.1.1.1")).fetch(url)
    assert refused.value.metadata["field"] == "url"


@dataclass
class Stranger:
    """Somebody's web server; remembers what it was asked."""

    url: str = ""
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)
    slow: bool = False

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        writer.write(self.answers[head.split(b" ")[1].decode()])
        await writer.drain()
        if self.slow:
            await reader.read()
        writer.close()


@asynccontextmanager
async def listening(stranger: Stranger) -> AsyncIterator[Stranger]:
    server = await asyncio.start_server(stranger.speak, "127.0.0.1", 0)
    stranger.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield stranger


@pytest_asyncio.fixture
async def stranger() -> AsyncIterator[Stranger]:
    async with listening(Stranger()) as found:
        yield found


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


def moved(to: str) -> bytes:
    lines = ("HTTP/1.1 302 Found", f"Location: {to}", "Set-Cookie: a=b", "Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_a_file_is_fetched_without_cookies_or_credentials(stranger: Stranger) -> None:
    stranger.answers = {"/a.jpg?x=1": moved("/b.jpg"), "/b.jpg": ok(b"a file")}
    fetcher = Fetcher(allow_loopback=True)
    assert await fetcher.fetch(f"{stranger.url}/a.jpg?x=1#there") == b"a file"
    for head in stranger.asked:
        names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line}
        assert names == {b"host", b"accept", b"accept-encoding", b"user-agent", b"connection"}


async def test_loopback_is_refused_unless_a_test_allows_it(stranger: Stranger) -> None:
    stranger.answers = {"/": ok(b"secret")}
    port = stranger.url.rpartition(":")[2]
    for url in (stranger.url, f"http://localhost:{port}/"):
        with pytest.raises(AddressRefused):
            await Fetcher().fetch(url)
    assert stranger.asked == []


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "ftp://x.example/"]
)
async def test_a_redirect_is_checked_like_the_first_address(stranger: Stranger, to: str) -> None:
    stranger.answers = {"/": moved(to)}
    with pytest.raises(AddressRefused):
        await Fetcher(allow_loopback=True).fetch(stranger.url)


async def test_a_name_that_changes_its_mind_is_asked_once(stranger: Stranger) -> None:
    """DNS rebinding: public when it is checked, ours when it is connected to."""
    stranger.answers = {"/": ok(b"a file")}
    said: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        said.append("127.0.0.1" if not said else "10.0.0.1")
        return [said[-1]]

    port = stranger.url.rpartition(":")[2]
    fetcher = Fetcher(allow_loopback=True, resolve=rebinding)
    assert await fetcher.fetch(f"http://pictures.example:{port}/") == b"a file"
    assert said == ["127.0.0.1"]
    assert f"Host: pictures.example:{port}".encode() in stranger.asked[0]


async def test_redirects_have_an_end(stranger: Stranger) -> None:
    stranger.answers = {"/": moved("/")}
    with pytest.raises(AddressUnreachable):
        await Fetcher(allow_loopback=True).fetch(stranger.url)
    assert len(stranger.asked) == 4


async def test_a_large_file_is_not_read_to_its_end(stranger: Stranger) -> None:
    stranger.answers = {
        "/said": ok(b"", f"Content-Length: {MOST_BYTES + 1}"),
        "/unsaid": ok(bytes(MOST_BYTES + 1)),
    }
    for path in stranger.answers:
        with pytest.raises(PhotoTooLarge):
            await Fetcher(allow_loopback=True).fetch(stranger.url + path)


async def test_what_goes_wrong_is_one_word(stranger: Stranger) -> None:
    """Whoever asks learns nothing of a host but that it gave no file."""
    stranger.answers = {
        "/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "/locked": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "/packed": ok(b"x", "Content-Encoding: gzip"),
        "/ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
        "/torn": ok(b"x", "Content-Length: 5"),
        "/nothing": b"",
    }
    fetcher = Fetcher(allow_loopback=True)
    told: set[tuple[str, Any]] = set()
    for url in (*(stranger.url + path for path in stranger.answers), "http://127.0.0.1:1/"):
        with pytest.raises(DomainError) as error:
            await fetcher.fetch(url)
        told.add((error.value.reason, str(error.value)))
    assert told == {("ADDRESS_UNREACHABLE", "nothing could be fetched from there")}


async def test_a_slow_host_is_left(stranger: Stranger) -> None:
    stranger.answers, stranger.slow = {"/": ok(b"x", "Content-Length: 5")}, True
    with pytest.raises(AddressUnreachable):
        await Fetcher(allow_loopback=True, total_s=0.2).fetch(stranger.url)
