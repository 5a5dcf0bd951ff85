"""The witness as a process: two paths over HTTP, on loopback unless told otherwise."""

import argparse
import asyncio
import hashlib
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from kit.ops import log, serve_asgi
from proofs import Malformed, VerifierKey
from proofs.notes import ED25519
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from identity.signing.cosignatures import Cosigner
from identity.witness import protocol
from identity.witness.memory import Memory, cosigned, only_one
from identity.witness.protocol import Behind, Refused

_MOST_BYTES = 2**16
_SIZE = "text/x.tlog.size"


class Witness:
    """Cosigns what follows from the last head it cosigned."""

    def __init__(
        self,
        log_key: VerifierKey,
        cosigner: Cosigner,
        memory: Memory,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log_key, self._cosigner, self._memory = log_key, cosigner, memory
        self._clock = clock

    def app(self) -> Starlette:
        """Return what answers: add-checkpoint, and the last head for whoever monitors."""
        origin = hashlib.sha256(self._log_key.name.encode()).hexdigest()
        return Starlette(
            routes=[
                Route("/add-checkpoint", self._add, methods=["POST"]),
                Route(f"/{origin}/checkpoint", self._last, methods=["GET"]),
            ]
        )

    def cosign(self, body: bytes) -> str:
        """Return the line that cosigns a submitted head, remembered before it is given away.

        Nothing else runs between the look at the last head and its replacement: two heads that
        both follow from it cannot both be signed.

        Raises:
            Refused: in the order and with the status of the specification.
            OSError: the head could not be remembered.
        """
        try:
            asked = protocol.parse(body.decode())
        except (Malformed, UnicodeDecodeError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
        protocol.check(asked, self._log_key, self._memory.head)
        at = int(self._clock())
        checkpoint, line = cosigned(asked.note, self._log_key, self._cosigner, at=at)
        self._memory.keep(asked.head, checkpoint)
        return line

    async def _add(self, request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > _MOST_BYTES:
                    return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
            return PlainTextResponse(self.cosign(bytes(body)))
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        except Behind as error:
            return Response(str(error), status_code=error.status, headers={"Content-Type": _SIZE})
        except Refused as error:
            if error.status is HTTPStatus.UNPROCESSABLE_ENTITY:  # it may prove that the log lies
                log.warning("head refused", why=str(error), body=body.decode(errors="replace"))
            return _plain(error.status, str(error))
        except OSError as error:
            log.error("head not remembered", error=repr(error))
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR, "the head could not be remembered")

    async def _last(self, _: Request) -> Response:
        if not self._memory.checkpoint:
            return _plain(HTTPStatus.NOT_FOUND, "no head was cosigned yet")
        headers = {"Cache-Control": "no-cache"}
        return PlainTextResponse(self._memory.checkpoint, headers=headers)


async def run(arguments: list[str]) -> int:
    """Witness until SIGTERM or SIGINT; return 2 where it cannot begin."""
    parser = argparse.ArgumentParser("python -m identity witness", description=__doc__)
    parser.add_argument("--log-key", required=True, help="the log's public key, name+id+base64")
    parser.add_argument("--key", type=Path, required=True, help="PEM file, Ed25519, its own")
    parser.add_argument("--state", type=Path, required=True, help="file of the last head cosigned")
    parser.add_argument("--name", default="sosia/witness", help="its name, which never changes")
    parser.add_argument("--address", default="127.0.0.1:7391", help="host:port it listens on")
    given = parser.parse_args(arguments)
    try:
        log_key = VerifierKey.parse(given.log_key, "log-key")
        if log_key.kind != ED25519:
            raise Malformed("log-key", "must be a key that signs heads, of type 1")
        cosigner = Cosigner.load(given.name, given.key)
        with only_one(given.state):
            memory = Memory(given.state, log_key, cosigner.verifier_key)
            witness = Witness(log_key, cosigner, memory)
            async with serve_asgi(witness.app(), given.address):
                print(cosigner.verifier_key, flush=True)
                log.info("witness ready", address=given.address, size=memory.head.size)
                await asyncio.get_running_loop().create_future()
    except (ValueError, TypeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _plain(status: HTTPStatus, message: str) -> Response:
    return PlainTextResponse(f"{message}\n", status_code=status)
