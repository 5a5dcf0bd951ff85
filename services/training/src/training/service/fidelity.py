"""What twin versions are worth: told, judged by the house's bars, accepted by their talents."""

from collections.abc import Sequence
from dataclasses import dataclass

import rfc8785
from kit import db, once, outbox, trace
from kit.db import Database
from kit.errors import NotAllowed
from sosia.training.v1 import events_pb2

from training.clients import Identity
from training.domain import fidelity as domain
from training.domain.fidelity import Acceptance, Bars, FidelityNotFound, Report, State, Verdict
from training.domain.twins import Twin
from training.service.commands import Command
from training.service.twins import Twins
from training.store import fidelity as store


@dataclass(frozen=True, slots=True)
class Judged:
    """A version with its report, if it was measured, and what the bars say of it."""

    twin: Twin
    report: Report | None
    verdict: Verdict

    @property
    def statement(self) -> bytes:
        """Return what the talent signs to accept it, or signed; empty where it is neither."""
        if self.report is None:
            return b""
        if self.report.acceptance is not None:
            return self.report.acceptance.statement
        if self.verdict.state is not State.FAILED:
            return b""
        return rfc8785.dumps(domain.say_acceptance(self.report, self.verdict))


class Fidelity:
    """Reports of twin versions."""

    def __init__(self, database: Database, identity: Identity, twins: Twins, bars: Bars) -> None:
        self._db = database
        self._identity = identity
        self._twins = twins
        self._bars = bars

    async def judge(self, twins: Sequence[Twin]) -> list[Judged]:
        """Return versions the caller was given, with what the bars say of each now."""
        async with self._db.begin() as tx:
            reports = await store.find(tx, [twin.id for twin in twins])
        return [self._judge(twin, reports.get(twin.id)) for twin in twins]

    async def get(self, twin_version_id: str) -> Judged:
        """Return the report of a version of a talent the caller is near.

        Raises:
            TwinNotFound, FidelityNotFound: in this order.
        """
        (judged,) = await self.judge([await self._twins.get(twin_version_id)])
        if judged.report is None:
            raise FidelityNotFound("the version was never measured")
        return judged

    async def accept(self, command: Command, twin_version_id: str, signature: bytes) -> Judged:
        """Keep the talent's word that she accepts a version below the bar.

        Raises:
            TwinNotFound, FidelityNotFound, NotAllowed, FidelityPassed, FidelityAccepted: in this
                order, and SIGNATURE_INVALID as identity says it, at the end.
        """
        judged = await self.get(twin_version_id)
        _require_herself(judged.twin.talent_id)
        async with self._db.begin() as tx:
            if await once.find(tx, command.request_id, command.content) is not None:
                return judged
        domain.check_acceptable(judged.verdict)
        statement = judged.statement
        signer = await self._identity.find_signer(judged.twin.talent_id, statement, signature)
        await self._keep(command, judged, (statement, signature, signer))
        return await self.get(twin_version_id)

    async def _keep(
        self, command: Command, judged: Judged, signed: tuple[bytes, bytes, bytes]
    ) -> None:
        twin = judged.twin
        async with self._db.begin() as tx:
            report = (await store.find(tx, [twin.id], lock=True))[twin.id]
            if await once.claim(tx, command.request_id, command.content, twin.id) == twin.id:
                if report.acceptance is not None:
                    return  # a repeat, or another of her devices was faster
                await store.accept(tx, report, Acceptance(*signed, await db.now(tx)))
                statement, signature, signer = signed
                event = events_pb2.FidelityAccepted(
                    twin_version_id=twin.id,
                    talent_id=twin.talent_id,
                    statement=statement,
                    signature=signature,
                    public_key=signer,
                )
                await outbox.publish(tx, event)

    def _judge(self, twin: Twin, report: Report | None) -> Judged:
        return Judged(twin, report, domain.judge(report, self._bars.of(twin.base)))


def _require_herself(talent_id: str) -> None:
    """Let only the talent herself pass: neither her agency nor the house signs for her.

    Raises:
        NotAllowed: somebody else asks.
    """
    actor = trace.require_actor()
    if actor.kind != "talent" or actor.party_id != talent_id:
        raise NotAllowed("only the talent herself may accept a version below the bar")
