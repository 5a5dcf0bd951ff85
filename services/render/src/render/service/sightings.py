"""Pictures found in use: verified, weighed against their license, noted for good."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from google.protobuf.message import Message
from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FailedPrecondition, NotAllowed
from kit.ids import new_id
from kit.objects import sha256
from sosia.identity.v1 import consent_pb2
from sosia.render.v1 import events_pb2
from vault import PICTURES, Vault

from render.clients import Licensing
from render.domain import answers, licenses
from render.domain import sightings as domain
from render.domain.answers import Registered
from render.domain.licenses import License, Signed
from render.domain.sightings import Claim, Facts, Fate, Sighting, State, Step
from render.service.commands import Command
from render.service.verification import Verifier
from render.store import claims as store


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a claim rests on: the picture, its license now, and what the talent had signed."""

    record: Registered
    license: License
    signed: Signed


class Sightings:
    """Reports of pictures found in use."""

    def __init__(
        self, database: Database, verifier: Verifier, licensing: Licensing, vault: Vault
    ) -> None:
        self._db = database
        self._verifier = verifier
        self._licensing = licensing
        self._vault = vault

    async def report(self, command: Command, content: bytes, facts: Facts) -> Sighting:
        """Verify a picture found in use and note what came of it; the house's crawlers may.

        A use its license did not cover when it was seen opens a claim, or joins the open one.
        Whether license and consent stand is judged as of now, the term as of the sighting.

        Raises:
            Unauthenticated, NotAllowed, FieldInvalid, PhotoTooLarge, PhotoUnreadable: in this
                order, and what licensing says.
        """
        if trace.require_actor().kind not in ("staff", "service"):
            raise NotAllowed("only the house may report what it saw")
        async with self._db.begin() as tx:
            repeat = await once.find(tx, command.request_id, command.content)
            if repeat is not None:
                return await store.get_sighting(tx, repeat)
            now = await db.now(tx)
        facts = domain.check(facts, now=now)
        judged, record = await self._verifier.recognise(content)
        basis = None if record is None else await self._get_basis(record)
        reasons = () if basis is None else await self._find_reasons(basis, facts)
        found = Sighting(
            id=new_id("sgt"),
            source=facts.source,
            url=facts.url,
            seen_at=facts.seen_at or now,
            media=facts.media,
            territory=facts.territory,
            picture_sha256=sha256(content),
            verdict=str(judged.outcome),
            layers=tuple(answers.describe(judged).items()),
            render_id=None if record is None else record.candidate.rights.render_id,
            reasons=reasons,
            claim_id=None,
            object_key="",
            object_sha256="",
            noted_at=now,
        )
        if basis is not None and reasons:
            found = await self._keep(found, content, basis.record.talent_id)
        return await self._note(command, found, basis, domain.place_of(facts, sha256(content)))

    async def _get_basis(self, record: Registered) -> _Basis:
        license_id = record.candidate.rights.license_id
        license = await self._licensing.get_license(license_id)
        return _Basis(record, license, await self._licensing.get_signed(license_id))

    async def _find_reasons(self, basis: _Basis, facts: Facts) -> tuple[str, ...]:
        uses = domain.questions(facts, basis.signed.uses)
        assert facts.seen_at is not None  # noqa: S101 -- `check` fills it in
        return domain.weigh(
            await self._licensing.find_refusals_of(basis.license, uses, facts.seen_at)
        )

    async def _keep(self, found: Sighting, content: bytes, talent_id: str) -> Sighting:
        """Seal the file with her key, so that it goes when she is erased.

        Without a consent that covers it nothing that shows her is kept, only what was seen.
        """
        object_key = f"{PICTURES}/{talent_id}/{found.id}"
        try:
            sealed = await self._vault.put(
                object_key, content, talent_id=talent_id, step=consent_pb2.STEP_DELIVERY
            )
        except FailedPrecondition:
            return found
        return replace(found, object_key=object_key, object_sha256=sealed)

    async def _note(
        self, command: Command, found: Sighting, basis: _Basis | None, place: str
    ) -> Sighting:
        async with self._db.begin() as tx:
            noted = await once.claim(tx, command.request_id, command.content, found.id)
            if noted == found.id:
                told = found
                if basis is not None and found.reasons:
                    told = await self._claim(tx, found, basis, place)
                await store.add_sighting(tx, told)
            else:
                told = await store.get_sighting(tx, noted)  # another call noted it meanwhile
        if found.object_key not in ("", told.object_key):
            await self._vault.delete(found.object_key)
        return told

    async def _claim(self, tx: Tx, found: Sighting, basis: _Basis, place: str) -> Sighting:
        """Open a claim or join the one there is; return the sighting with its claim."""
        render_id = basis.record.candidate.rights.render_id
        await store.lock_place(tx, render_id, place)
        last = await store.find_last(tx, render_id, place)
        fate = domain.decide(found.reasons, last)
        now = await db.now(tx)
        found = replace(found, noted_at=now)
        if last is None or fate is Fate.OPENS:
            number = 1 if last is None else last.number + 1
            new = _open(found, basis, place, number, now)
            await store.add(tx, new)
            await outbox.publish(tx, _opened(new, found))
            return replace(found, claim_id=new.id)
        found = await store.share_file(tx, last.id, found)
        if fate is Fate.JOINS:
            event = events_pb2.ClaimRepeated(claim_id=last.id, sighting_id=found.id)
            await outbox.publish(tx, event)
        return replace(found, claim_id=last.id)


def _open(found: Sighting, basis: _Basis, place: str, number: int, now: datetime) -> Claim:
    record, license = basis.record, basis.license
    return Claim(
        id=new_id("clm"),
        render_id=record.candidate.rights.render_id,
        license_id=license.id,
        talent_id=record.talent_id,
        brand_id=record.brand_id,
        place=place,
        number=number,
        reasons=found.reasons,
        license_statement=basis.signed.statement,
        license_state=licenses.describe(license, now=now),
        opened_at=now,
        steps=(Step(State.OPEN, now, "", ""),),
    )


def _opened(new: Claim, found: Sighting) -> Message:
    names: Sequence[str] = ("render_id", "license_id", "talent_id", "brand_id", "reasons")
    same = {name: getattr(new, name) for name in names}
    return events_pb2.ClaimOpened(claim_id=new.id, sighting_id=found.id, **same)
