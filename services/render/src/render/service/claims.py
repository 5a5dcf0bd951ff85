"""Claims about uses that no license covers: the brand answers, the talent's side closes."""

from dataclasses import dataclass

from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import NotAllowed
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2
from sosia.render.v1 import events_pb2
from vault import Vault

from render.clients import Identity
from render.domain import sightings as domain
from render.domain.sightings import (
    Claim,
    ClaimNotFound,
    Sighting,
    SightingNotFound,
    State,
    Step,
)
from render.service import access
from render.service.commands import Command
from render.store import claims as store

_HOUSE = ("staff", "service")


@dataclass(frozen=True, slots=True)
class Told:
    """A claim, what was seen, and how often; a list of claims has none of the sightings."""

    claim: Claim
    sightings: tuple[Sighting, ...]
    count: int


class Claims:
    """The queues of brands and talents."""

    def __init__(self, database: Database, identity: Identity, vault: Vault) -> None:
        self._db = database
        self._identity = identity
        self._vault = vault

    async def find(self, state: State | None) -> list[Told]:
        """Return the caller's claims, newest first."""
        actor = trace.require_actor()
        found: list[Claim] = []
        for which in await self._queues(actor):
            async with self._db.begin() as tx:
                found += await store.find(tx, state=state, which=which)
        found.sort(key=lambda claim: claim.opened_at, reverse=True)
        async with self._db.begin() as tx:
            counts = await store.count_sightings(tx, [claim.id for claim in found])
        return [Told(claim, (), counts.get(claim.id, 0)) for claim in found]

    async def get(self, claim_id: str) -> Told:
        """Return a claim with what was seen.

        Raises:
            ClaimNotFound: there is none, or none the caller may know of.
        """
        await self._open(claim_id)
        return await self._tell(claim_id)

    async def open_picture(self, sighting_id: str) -> tuple[bytes, str]:
        """Return the file that was found and its SHA-256, hex.

        Raises:
            SightingNotFound: there is none, none for the caller, or its file was not kept.
            FailedPrecondition: CONSENT_MISSING, the talent withdrew.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            found = await store.get_sighting(tx, sighting_id)
        if found.claim_id is None or not found.object_key:
            raise SightingNotFound("there is no such picture")
        try:
            await self._open(found.claim_id)
            content = await self._vault.get(
                found.object_key, sha256=found.object_sha256, step=consent_pb2.STEP_DELIVERY
            )
        except ClaimNotFound as error:
            raise SightingNotFound("there is no such sighting") from error
        except FileNotFoundError as error:
            raise SightingNotFound("there is no such picture any more") from error
        return content, found.picture_sha256

    async def answer(self, command: Command, claim_id: str, note: str) -> Told:
        """Note the brand's answer.

        Raises:
            ClaimNotFound, NotAllowed, FieldInvalid, ClaimNotOpen: in this order.
        """
        claim = await self._open(claim_id)
        access.require_brand(claim.brand_id)
        async with self._db.begin() as tx:
            if await self._is_new(tx, command):
                claim = await store.get(tx, claim_id, lock=True)
                await _step(tx, claim, *domain.answer(claim, note))
                party_id = trace.actor().party_id
                event = events_pb2.ClaimAnswered(claim_id=claim_id, party_id=party_id)
                await outbox.publish(tx, event)
        return await self._tell(claim_id)

    async def close(self, command: Command, claim_id: str, note: str, *, settle: bool) -> Told:
        """Settle or dismiss a claim, for the talent's side or the house.

        Raises:
            ClaimNotFound, NotAllowed, FieldInvalid, ClaimNotOpen, ClaimNotAnswered: in this order.
        """
        claim = await self._open(claim_id)
        if trace.actor().kind == "brand":
            raise NotAllowed("only the talent's side and the house may close a claim")
        async with self._db.begin() as tx:
            if await self._is_new(tx, command):
                claim = await store.get(tx, claim_id, lock=True)
                await _step(tx, claim, *domain.close(claim, note, settle=settle))
                party_id = trace.actor().party_id
                event = events_pb2.ClaimClosed(claim_id=claim_id, party_id=party_id, settled=settle)
                await outbox.publish(tx, event)
        return await self._tell(claim_id)

    async def _is_new(self, tx: Tx, command: Command) -> bool:
        token = new_id("stp")
        return await once.claim(tx, command.request_id, command.content, token) == token

    async def _tell(self, claim_id: str) -> Told:
        async with self._db.begin() as tx:
            claim = await store.get(tx, claim_id)
            seen = await store.find_sightings(tx, claim_id)
            count = (await store.count_sightings(tx, [claim_id])).get(claim_id, 0)
        return Told(claim, tuple(seen), count)

    async def _open(self, claim_id: str) -> Claim:
        """Return a claim the caller may know of: brand, talent, her agency, the house."""
        trace.require_actor()
        async with self._db.begin() as tx:
            claim = await store.get(tx, claim_id)
        near = await access.is_near(
            self._identity, brand_id=claim.brand_id, talent_id=claim.talent_id, crew=()
        )
        if not near:
            raise ClaimNotFound("there is no such claim")
        return claim

    async def _queues(self, actor: trace.Actor) -> list[dict[str, str]]:
        """Return which claims are the caller's."""
        if actor.kind in _HOUSE:
            return [{}]
        if actor.kind in ("brand", "talent"):
            return [{f"{actor.kind}_id": actor.party_id}]
        if actor.kind != "agency":
            return []
        async with self._db.begin() as tx:
            talents = await store.find_talents(tx)
        return [
            {"talent_id": one}
            for one in talents
            if await self._identity.get_agency(one) == actor.party_id
        ]


async def _step(tx: Tx, claim: Claim, state: State, note: str) -> None:
    step = Step(state, await db.now(tx), trace.actor().party_id, note)
    await store.add_step(tx, claim, step)
