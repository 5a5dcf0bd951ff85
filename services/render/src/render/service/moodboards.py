"""Moodboards: reference pictures of briefs, sealed for the talent of their campaign.

Nobody can tell by looking at a file whom it shows, so each lies sealed with the key of the talent
it is said to show, and of the campaign's where nobody is named: what goes when she is erased.
"""

from typing import Protocol

from kit import db, once, outbox, trace
from kit.db import Database
from kit.errors import DomainError
from kit.ids import new_id
from kit.objects import Objects, sha256
from sosia.identity.v1 import consent_pb2
from sosia.render.v1 import events_pb2
from vault import Vault

from render.domain import moodboards as domain
from render.domain.campaigns import BriefNotFound, Campaign
from render.domain.moodboards import Facts, Prepared, Reference, ReferenceNotFound
from render.service import access
from render.service.campaigns import Briefs
from render.service.commands import Command
from render.store import moodboards as store


class Preparer(Protocol):
    """Reads files; raises what is wrong with one."""

    async def prepare(self, content: bytes) -> Prepared:
        """Return a picture as it is kept."""


class Moodboards:
    """What briefs refer to."""

    def __init__(
        self,
        database: Database,
        briefs: Briefs,
        objects: Objects,
        vault: Vault,
        preparer: Preparer,
    ) -> None:
        self._db = database
        self._briefs = briefs
        self._objects = objects
        self._vault = vault
        self._preparer = preparer

    async def add(self, command: Command, brief_id: str, facts: Facts, content: bytes) -> Reference:
        """Put a picture on a brief's moodboard; the brand and the campaign's crew may.

        The sealed file is stored before the row that names it, and deleted again if the row is
        refused.

        Raises:
            BriefNotFound, NotAllowed, FieldInvalid, MoodboardFull, PhotoTooLarge,
                PhotoUnreadable: in this order, then CONSENT_MISSING as identity says it.
        """
        brief, campaign = await self._briefs.open(brief_id)
        access.require_maker(campaign)
        facts = domain.check_facts(facts, len(brief.products))
        if facts.shows:
            await self._briefs.check_talent(facts.shows, "facts.shows")
        async with self._db.begin() as tx:
            repeat = await once.find(tx, command.request_id, command.content)
            if repeat is not None:
                return await store.get(tx, repeat, removed=True)
            domain.check_room(len(await store.find(tx, brief_id)))
        prepared = await self._preparer.prepare(content)
        reference = await self._seal(brief_id, facts, prepared, campaign.talent_id)
        try:
            kept = await self._keep(command, reference)
        except DomainError:
            await self._vault.delete(reference.object_key)
            raise
        if kept.id != reference.id:
            await self._vault.delete(reference.object_key)
        return kept

    async def _seal(
        self, brief_id: str, facts: Facts, prepared: Prepared, talent_id: str
    ) -> Reference:
        """Store a picture, sealed for the talent it shows, else for the campaign's."""
        talent_id = facts.shows or talent_id
        reference_id = new_id("ref")
        object_key = f"pictures/{talent_id}/references/{brief_id}/{reference_id}.jpg"
        step = consent_pb2.STEP_RENDERING
        sealed = await self._vault.put(object_key, prepared.content, talent_id=talent_id, step=step)
        async with self._db.begin() as tx:
            now = await db.now(tx)
        return Reference(
            reference_id,
            brief_id,
            facts.title,
            facts.credit,
            facts.rights,
            object_key,
            sha256(prepared.content),
            prepared.width,
            prepared.height,
            trace.actor().party_id,
            now,
            talent_id,
            sealed,
            facts.product,
        )

    async def _keep(self, command: Command, reference: Reference) -> Reference:
        async with self._db.begin() as tx:
            await store.hold(tx, reference.brief_id)
            result = await once.claim(tx, command.request_id, command.content, reference.id)
            if result == reference.id:
                domain.check_room(len(await store.find(tx, reference.brief_id)))
                await store.add(tx, reference)
                event = events_pb2.ReferenceAdded(
                    reference_id=reference.id, brief_id=reference.brief_id, sha256=reference.sha256
                )
                await outbox.publish(tx, event)
            return await store.get(tx, result, removed=True)

    async def remove(self, command: Command, reference_id: str) -> None:
        """Take a picture off and delete its file; that it was there stays noted.

        Raises:
            ReferenceNotFound, NotAllowed: in this order.
        """
        async with self._db.begin() as tx:
            reference = await store.get(tx, reference_id, removed=True)
        access.require_maker(await self._open(reference))
        async with self._db.begin() as tx:
            await store.hold(tx, reference.brief_id)
            token = new_id("ref")
            if await once.claim(tx, command.request_id, command.content, token) == token:
                await store.get(tx, reference_id)
                await store.remove(tx, reference_id, removed_by=trace.actor().party_id)
                event = events_pb2.ReferenceRemoved(
                    reference_id=reference.id, brief_id=reference.brief_id
                )
                await outbox.publish(tx, event)
        await self._vault.delete(reference.object_key)

    async def find(self, brief_id: str) -> list[Reference]:
        """Return what is on the moodboard of a brief the caller may know of."""
        await self._briefs.open(brief_id)
        async with self._db.begin() as tx:
            return await store.find(tx, brief_id)

    async def get_picture(self, reference_id: str) -> tuple[bytes, str]:
        """Return a JPEG and its SHA-256, hex.

        Raises:
            ReferenceNotFound: there is none, none for the caller, or none any more.
            FailedPrecondition: CONSENT_MISSING, the talent it is sealed for allows no more.
        """
        trace.require_actor()
        async with self._db.begin() as tx:
            reference = await store.get(tx, reference_id)
        await self._open(reference)
        try:
            content = await self._read(reference)
        except FileNotFoundError as error:
            raise ReferenceNotFound("there is no such reference picture any more") from error
        return content, reference.sha256

    async def _read(self, reference: Reference) -> bytes:
        key = reference.object_key
        if not reference.object_sha256:
            return await self._objects.get(key, expect_sha256=reference.sha256)
        step = consent_pb2.STEP_RENDERING
        return await self._vault.get(key, sha256=reference.object_sha256, step=step)

    async def _open(self, reference: Reference) -> Campaign:
        try:
            _, campaign = await self._briefs.open(reference.brief_id)
        except BriefNotFound as error:
            raise ReferenceNotFound("there is no such reference picture") from error
        return campaign
