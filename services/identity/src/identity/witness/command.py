"""The command of the witness: what it is told, and how it ends."""

import argparse
import asyncio
import sys
from pathlib import Path

from kit.ops import log, serve_asgi
from proofs import Malformed, VerifierKey
from proofs.notes import ED25519

from identity.signing.cosignatures import Cosigner
from identity.witness.fetch import LogClient
from identity.witness.memory import Memory, only_one
from identity.witness.server import Witness
from identity.witness.watcher import Watcher

_DESCRIPTION = """A witness of the log: it cosigns heads that follow from each other."""


async def run(arguments: list[str]) -> int:
    """Witness until SIGTERM or SIGINT; return 2 where it cannot begin.

    With --once it looks at the log once and returns: 0 where the head follows and is cosigned, 1
    where the log was not reached, 3 where it shows a second history, 4 where the head is not this
    log's.
    """
    given = _parser().parse_args(arguments)
    try:
        if given.once and not given.log_url:
            raise ValueError("--once needs a --log-url to look at")
        with only_one(given.state):
            return await _witness(given)
    except (ValueError, TypeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m identity witness", description=_DESCRIPTION)
    parser.add_argument("--log-key", required=True, help="the log's public key, or a file with it")
    parser.add_argument("--key", type=Path, required=True, help="PEM file, Ed25519, its own")
    parser.add_argument("--state", type=Path, required=True, help="file of the last head cosigned")
    parser.add_argument("--name", default="sosia/witness", help="its name, which never changes")
    parser.add_argument("--address", default="127.0.0.1:7391", help="host:port it listens on")
    parser.add_argument("--log-url", help="where the log says its head; it looks there by itself")
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between two looks")
    parser.add_argument("--once", action="store_true", help="look once and end")
    return parser


async def _witness(given: argparse.Namespace) -> int:
    log_key = _read_log_key(given.log_key)
    cosigner = Cosigner.load(given.name, given.key)
    memory = Memory(given.state, log_key, cosigner.verifier_key)
    witness = Witness(log_key, cosigner, memory)
    watcher = None
    if given.log_url:
        evidence = given.state.with_name(f"{given.state.name}.second-history")
        watcher = Watcher(witness, LogClient(given.log_url), evidence)
    if given.once and watcher is not None:
        return int(await watcher.look())
    if given.interval <= 0:
        raise ValueError("the interval must be above zero")
    async with serve_asgi(witness.app(), given.address):
        print(cosigner.verifier_key, flush=True)
        log.info("witness ready", address=given.address, size=memory.head.size)
        if watcher is not None:
            await watcher.watch(given.interval)
        await asyncio.get_running_loop().create_future()
    return 0


def _read_log_key(text: str) -> VerifierKey:
    """Read the log's key, or the file it lies in. Raises Malformed: no key that signs heads."""
    if "+" not in text and Path(text).is_file():
        text = Path(text).read_text(encoding="utf-8").strip()
    key = VerifierKey.parse(text, "log-key")
    if key.kind != ED25519:
        raise Malformed("log-key", "must be a key that signs heads, of type 1")
    return key
