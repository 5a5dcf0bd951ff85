"""The witness goes to the log by itself, on an interval, and cosigns what follows."""

import asyncio
from enum import IntEnum
from http import HTTPStatus
from pathlib import Path

from kit.ops import log

from identity.witness import metrics
from identity.witness.fetch import Fetched, LogClient, Unreachable
from identity.witness.protocol import Refused, Submission
from identity.witness.server import Witness


class Seen(IntEnum):
    """What a look at the log showed; the number is the exit code of `--once`."""

    FOLLOWS = 0
    UNREACHED = 1
    SECOND_HISTORY = 3
    """What the log says now contradicts what it said before, both signed by it."""
    NOT_ITS_OWN = 4
    """It is another log's, or not signed by this one."""


class Watcher:
    """Looks at a log for a witness."""

    def __init__(self, witness: Witness, client: LogClient, evidence: Path) -> None:
        """`evidence` is where a head that contradicts an older one is kept."""
        self._witness, self._client, self._evidence = witness, client, evidence

    async def watch(self, interval_s: float) -> None:
        """Look every `interval_s` seconds until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(interval_s)

    async def look(self) -> Seen:
        """Fetch the newest head, cosign it if it follows, and say what was seen."""
        size = self._witness.head.size
        try:
            found = await asyncio.to_thread(self._client.fetch, size)
        except Unreachable as error:
            metrics.UNREACHED.inc()
            log.warning("log not reached", why=str(error))
            return Seen.UNREACHED
        asked = Submission(found.old_size, found.proof, found.note, found.head)
        try:
            self._witness.cosign_submission(asked)
        except Refused as error:
            return self._refuse(found, error)
        except OSError as error:
            log.error("head not remembered", error=repr(error))
            return Seen.UNREACHED
        return Seen.FOLLOWS

    def _refuse(self, found: Fetched, error: Refused) -> Seen:
        """Say loudly what is wrong; a head that is smaller than one before is no successor."""
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
            log.error("not a head of this log", why=str(error))
            return Seen.NOT_ITS_OWN
        if error.status is HTTPStatus.CONFLICT:  # somebody submitted one meanwhile
            log.info("head overtaken")
            return Seen.UNREACHED
        metrics.SECOND_HISTORIES.inc()
        head = found.head
        log.critical(
            "SECOND HISTORY: the log contradicts what it signed before",
            why=str(error),
            cosigned_size=self._witness.head.size,
            shown_size=head.size,
            shown_root=head.root.hex(),
            evidence=str(self._evidence),
        )
        lines = "".join(str(one) for one in found.note.signatures)
        self._evidence.write_text(f"{found.note.text}\n{lines}", encoding="utf-8")
        return Seen.SECOND_HISTORY
