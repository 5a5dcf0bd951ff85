"""Which addresses of strangers may be fetched from. Pure: names are resolved elsewhere."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kit.errors import InvalidArgument

MOST_CHARACTERS = 2_000
PORTS = {"http": 80, "https": 443}
_METADATA = frozenset({"168.63.129.16"})
"""Metadata services on addresses that count as public; the others are link-local or private."""
_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "fec0::/10")
)
"""What IANA's registries of special addresses hold and older Pythons take for global."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(InvalidArgument):
    """Nothing is fetched from there; the message is the rule."""

    reason = "ADDRESS_REFUSED"
    field = "url"


class AddressUnreachable(InvalidArgument):
    """Nothing came from there in time, whatever the cause."""

    reason = "ADDRESS_UNREACHABLE"
    field = "url"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: a host by name or number, and what is asked of it."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query, percent-encoded ASCII."""

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str, *, any_port: bool = False) -> Target:
    """Read a URL.

    Raises:
        AddressRefused: it is no http or https URL, is too long, holds a user, password, blank or
            control character, or names a port other than the scheme's own.
    """
    if not 0 < len(url) <= MOST_CHARACTERS:
        raise AddressRefused(f"must have 1 to {MOST_CHARACTERS:,} characters")
    if not url.isascii() or any(ord(letter) <= 32 or letter in "\\\x7f" for letter in url):
        raise AddressRefused("must be percent-encoded, without blanks and backslashes")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise AddressRefused("must be a URL") from error
    if parts.scheme not in PORTS:
        raise AddressRefused("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise AddressRefused("must hold no user and no password")
    if not _HOST.fullmatch(host):
        raise AddressRefused("must name a host")
    if port not in (None, PORTS[parts.scheme]) and not any_port:
        raise AddressRefused("must lead to port 80 of http or 443 of https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, path)


def is_public(address: Address) -> bool:
    """Tell whether an address is somebody's on the public Internet.

    An IPv6 address that stands for an IPv4 address is as public as that one.
    """
    inner = _within(address)
    if inner is not None:
        return is_public(inner)
    if str(address) in _METADATA or any(address in network for network in _SPECIAL):
        return False
    if address.is_multicast:
        return False
    return address.is_global and not address.is_reserved


def choose(found: Sequence[str], *, allow_loopback: bool) -> str:
    """Return the address to connect to, out of all that a name stands for.

    Raises:
        AddressRefused: one of them is not public: then none is taken.
        AddressUnreachable: there is none.
    """
    if not found:
        raise AddressUnreachable("nothing could be fetched from there")
    for text in found:
        address = ipaddress.ip_address(text)
        if not (is_public(address) or (allow_loopback and address.is_loopback)):
            raise AddressRefused("must lead to a public address")
    return found[0]


def _within(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address an IPv6 address carries, if any."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
