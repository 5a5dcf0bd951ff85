"""Asks witnesses for the heads they cosigned, on an interval."""

import asyncio
import hashlib
import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from kit.bus import stopping
from kit.db import GONE
from kit.ops import log
from proofs import Malformed, VerifierKey
from proofs.notes import COSIGNATURE

from identity.service.heads import Heads

_MOST_BYTES = 2**16
_TIMEOUT_S = 5.0


def read_witnesses(said: Mapping[str, str]) -> dict[VerifierKey, str]:
    """Read verifier keys and URLs of witnesses.

    Raises:
        ValueError: a key is none that cosigns, a URL none of http or https, or a name is twice.
    """
    found: dict[VerifierKey, str] = {}
    for key, url in said.items():
        witness = VerifierKey.parse(key, "witnesses")
        if witness.kind != COSIGNATURE:
            raise Malformed("witnesses", "must be keys that cosign, of type 4")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("witnesses: a URL must be of http or https")
        found[witness] = url.rstrip("/")
    if len({witness.name for witness in found}) != len(found):
        raise ValueError("witnesses: each must have a name of its own")
    return found


async def collect(
    heads: Heads, urls: Mapping[VerifierKey, str], origin: str, every_s: float
) -> None:
    """Ask every witness, again and again, until cancelled; none of them makes another wait."""
    while not stopping():
        asking = (_ask(heads, witness, url, origin) for witness, url in urls.items())
        await asyncio.gather(*asking)
        await asyncio.sleep(every_s)


async def _ask(heads: Heads, witness: VerifierKey, url: str, origin: str) -> None:
    try:
        text = await asyncio.to_thread(fetch, url, origin)
        if text:
            await heads.take(witness, text)
    except (*GONE, OSError, http.client.HTTPException, ValueError) as error:
        log.warning("witness not reached", witness=witness.name, error=repr(error))


def fetch(url: str, origin: str) -> str:
    """Return the last head a witness cosigned, nothing where it has none; blocks.

    Raises:
        OSError, HTTPException, ValueError: it does not answer, or not with text.
    """
    parts = urlsplit(url)
    path = f"{parts.path}/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
        if answer.status == 404:
            return ""
        if answer.status != 200:
            raise OSError(f"it answered {answer.status}")
        return body.decode()
    finally:
        connection.close()
