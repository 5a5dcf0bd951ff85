"""What a witness answers over HTTP: two paths of its own, and what every process of ours says."""

import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus

from kit.ops import log
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from proofs import Head, Malformed, VerifierKey
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from identity.signing.cosignatures import Cosigner
from identity.witness import metrics, protocol
from identity.witness.memory import Memory, cosigned
from identity.witness.protocol import Behind, Refused, Submission

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
                Route("/livez", _alive),
                Route("/readyz", _alive),
                Route("/metrics", _metrics),
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
        return self.cosign_submission(asked)

    def cosign_submission(self, asked: Submission) -> str:
        """Return the line that cosigns a head. Raises Refused, OSError: as `cosign`."""
        protocol.check(asked, self._log_key, self._memory.head)
        at = int(self._clock())
        checkpoint, line = cosigned(asked.note, self._log_key, self._cosigner, at=at)
        self._memory.keep(asked.head, checkpoint)
        metrics.COSIGNED.inc()
        metrics.SIZE.set(asked.head.size)
        metrics.COSIGNED_AT.set(at)
        return line

    @property
    def head(self) -> Head:
        """The last head cosigned; an empty one before the first."""
        return self._memory.head

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
                metrics.SECOND_HISTORIES.inc()
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


def _plain(status: HTTPStatus, message: str) -> Response:
    return PlainTextResponse(f"{message}\n", status_code=status)


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
