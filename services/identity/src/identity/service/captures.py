"""Capture sets: opened under a consent, filled with photos, judged."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from imaging.pictures import hash_distance
from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import DomainError, FieldInvalid, Unavailable
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2, events_pb2
from vault import Vault

from identity.domain import captures as domain
from identity.domain import reports
from identity.domain.captures import (
    CaptureSet,
    CaptureSetClosed,
    CaptureSetNotFound,
    Credit,
    Facts,
    Mark,
    Photo,
    PhotoDuplicate,
    PhotoNotFound,
    Sealed,
    State,
)
from identity.domain.consents import Step
from identity.domain.parties import Kind, PartyNotFound
from identity.domain.quality import Vector
from identity.domain.reports import CaptureReport
from identity.photos import Looked, Photographs
from identity.service import access
from identity.service.commands import Command
from identity.service.consents import find_covering
from identity.store import captures as store
from identity.store import parties as parties_store

Filled = tuple[CaptureSet, list[Photo]]


class CaptureSetChanged(Unavailable):
    """Photos came while the set was judged."""

    reason = "CAPTURE_SET_CHANGED"


class Captures:
    """Photos of talents, taken with their consent."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def open(
        self, command: Command, talent_id: str, marks: list[Mark], credits: list[Credit]
    ) -> Filled:
        """Open a set for a talent; the talent, her agency, crew and staff may."""
        trace.require_actor()
        capture_set_id = new_id("cap")
        async with self._db.begin() as tx:
            now = await db.now(tx)
            tidy_marks = domain.check_marks(marks)
            credited = await _check_credits(tx, credits)
            talent = await parties_store.get(tx, talent_id)
            if talent.kind is not Kind.TALENT:
                raise FieldInvalid("talent_id", "must be a talent")
            if trace.actor().kind != "crew":
                await access.require_near(tx, talent_id, now=now)
            result = await once.claim(tx, command.request_id, command.content, capture_set_id)
            if result == capture_set_id:
                await find_covering(tx, talent_id, Step.CAPTURE)
                opener = trace.actor().party_id
                made = (talent_id, State.OPEN, tidy_marks, credited, opener, now)
                await store.add(tx, CaptureSet(capture_set_id, *made))
                event = events_pb2.CaptureSetOpened(
                    capture_set_id=capture_set_id, talent_id=talent_id
                )
                await outbox.publish(tx, event)
            return await _filled(tx, await store.get(tx, result))

    async def get(self, capture_set_id: str) -> Filled:
        """Return a set the caller may know of, and its photos."""
        async with self._db.begin() as tx:
            return await _filled(tx, await get_visible(tx, capture_set_id))

    async def admit(self, command: Command, new: "NewPhoto") -> tuple[CaptureSet, Photo | None]:
        """Return the set a photo may be added to, and the photo if this is a repeat.

        Nothing is written and nothing promised: `keep` decides.
        """
        async with self._db.begin() as tx:
            capture_set = await get_visible(tx, new.capture_set_id)
            probe_id = new_id("pho")
            async with tx.begin_nested() as probe:
                result = await once.claim(tx, command.request_id, command.content, probe_id)
                await probe.rollback()
            if result != probe_id:
                return capture_set, await store.get_photo(tx, result)
            check_open(capture_set)
            await find_covering(tx, capture_set.talent_id, Step.CAPTURE)
            return capture_set, None

    async def keep(self, command: Command, photo: Photo) -> Photo:
        """Note a photo that is stored already; on a repeat, return what was noted then.

        Raises:
            CaptureSetClosed, ConsentMissing: since it was admitted.
            PhotoDuplicate: the set has it.
            FieldInvalid: the set is full.
        """
        async with self._db.begin() as tx:
            capture_set = await store.get(tx, photo.capture_set_id, lock=True)
            result = await once.claim(tx, command.request_id, command.content, photo.id)
            if result != photo.id:
                return await store.get_photo(tx, result)
            await find_covering(tx, capture_set.talent_id, Step.CAPTURE)
            check_open(capture_set)
            _check_new(photo, await store.find_photos(tx, capture_set.id))
            await store.add_photo(tx, replace(photo, added_at=await db.now(tx)))
            event = events_pb2.PhotoAccepted(
                photo_id=photo.id,
                capture_set_id=capture_set.id,
                object_key=photo.object_key,
                sha256=photo.sha256,
            )
            await outbox.publish(tx, event)
            return await store.get_photo(tx, photo.id)

    async def remove(
        self, command: Command, capture_set_id: str, photo_id: str
    ) -> tuple[Filled, Photo | None]:
        """Take a photo out of an open set; return the set, and the photo unless a repeat.

        No consent is asked for: what is taken out is kept no longer.

        Raises:
            CaptureSetNotFound, CaptureSetClosed, PhotoNotFound: in this order.
        """
        async with self._db.begin() as tx:
            await get_visible(tx, capture_set_id)
            capture_set = await store.get(tx, capture_set_id, lock=True)
            token, removed = new_id("cap"), None
            if await once.claim(tx, command.request_id, command.content, token) == token:
                check_open(capture_set)
                photos = await store.find_photos(tx, capture_set_id)
                removed = next((one for one in photos if one.id == photo_id), None)
                if removed is None:
                    raise PhotoNotFound("the set has no such photo", photoId=photo_id)
                await store.remove_photo(tx, photo_id)
                event = events_pb2.PhotoRemoved(photo_id=photo_id, capture_set_id=capture_set_id)
                await outbox.publish(tx, event)
            return await _filled(tx, capture_set), removed

    async def read(self, capture_set_id: str) -> tuple[Filled, CaptureReport | None]:
        """Return a set and the report it was closed with.

        Raises:
            ConsentMissing: there is no report yet, and faces are compared only under a consent.
        """
        async with self._db.begin() as tx:
            capture_set = await get_visible(tx, capture_set_id)
            report = await store.find_report(tx, capture_set_id)
            if report is None:
                await find_covering(tx, capture_set.talent_id, Step.CAPTURE)
            return await _filled(tx, capture_set), report

    async def close(
        self, command: Command, capture_set_id: str, vectors: Mapping[str, Vector]
    ) -> Filled:
        """Judge a set by its faces, `vectors` by photo id; a good one takes no more photos.

        Raises:
            CaptureSetClosed, ConsentMissing, CaptureSetInsufficient: in this order.
            CaptureSetChanged: a photo came whose vector is not among them.
        """
        async with self._db.begin() as tx:
            await get_visible(tx, capture_set_id)
            capture_set = await store.get(tx, capture_set_id, lock=True)
            token = new_id("cap")
            if await once.claim(tx, command.request_id, command.content, token) == token:
                check_open(capture_set)
                await find_covering(tx, capture_set.talent_id, Step.CAPTURE)
                photos = await store.find_photos(tx, capture_set_id)
                if any(one.face.object_key and one.id not in vectors for one in photos):
                    raise CaptureSetChanged("photos were added meanwhile; close it again")
                report = await asyncio.to_thread(reports.judge, capture_set.marks, photos, vectors)
                reports.require_sufficient(report)
                await store.mark_ready(tx, capture_set_id, report)
                event = events_pb2.CaptureSetReady(
                    capture_set_id=capture_set_id,
                    talent_id=capture_set.talent_id,
                    photos=len(photos),
                )
                await outbox.publish(tx, event)
            return await _filled(tx, await store.get(tx, capture_set_id))

    async def credits(self, talent_id: str) -> list[Credit]:
        """Return the crew of the talent's ready sets. Credits are made to be seen."""
        async with self._db.begin() as tx:
            await parties_store.get(tx, talent_id)
            return domain.crew(await store.find_ready(tx, talent_id))


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo as it came."""

    capture_set_id: str
    filename: str
    content: bytes
    facts: Facts


class Intake:
    """The way of one photo: admitted, looked at, sealed and stored, then noted."""

    def __init__(self, captures: Captures, photographs: Photographs, vault: Vault) -> None:
        self._captures = captures
        self._photographs = photographs
        self._vault = vault

    async def add(self, command: Command, new: NewPhoto) -> Photo:
        """Check, re-encode, strip, encrypt and keep a photo.

        The encrypted files are stored before the row that names them. If that row is refused,
        or was written before, they are deleted again; after a crash in between encrypted files
        are left that nothing names.
        """
        facts = domain.check_facts(new.facts)
        filename = domain.check_filename(new.filename)
        capture_set, kept_before = await self._captures.admit(command, new)
        if kept_before is not None:
            return kept_before
        domain.check_named(facts, capture_set.marks)
        looked = await self._photographs.look(new.content, facts)
        photo = await self._seal(
            capture_set,
            Photo(
                new_id("pho"),
                capture_set.id,
                filename,
                facts,
                looked.measures,
                looked.perceptual_hash,
                "",
                "",
                capture_set.created_at,
            ),
            looked,
        )
        try:
            kept = await self._captures.keep(command, photo)
        except DomainError:
            await self._delete(photo)
            raise
        if kept.id != photo.id:
            await self._delete(photo)
        return kept

    async def remove(self, command: Command, capture_set_id: str, photo_id: str) -> Filled:
        """Take a photo out of an open set, then delete its files. Errors: as `Captures.remove`.

        After a crash in between encrypted files are left that nothing names.
        """
        filled, removed = await self._captures.remove(command, capture_set_id, photo_id)
        if removed is not None:
            await self._delete(removed)
        return filled

    async def _seal(self, capture_set: CaptureSet, photo: Photo, looked: Looked) -> Photo:
        """Store the photo and the vector of its face, each sealed with the person's key."""
        place = f"captures/{capture_set.talent_id}/{capture_set.id}/{photo.id}"
        stored = []
        for key, data in ((f"{place}.jpg", looked.jpeg), (f"{place}.face", looked.vector)):
            sha256 = data and await self._vault.put(
                key, data, talent_id=capture_set.talent_id, step=consent_pb2.STEP_CAPTURE
            )
            stored.append(Sealed(key, sha256) if sha256 else Sealed())
        file, face = stored
        return replace(photo, object_key=file.object_key, sha256=file.sha256, face=face)

    async def _delete(self, photo: Photo) -> None:
        await self._vault.delete(photo.object_key)
        if photo.face.object_key:
            await self._vault.delete(photo.face.object_key)


async def _check_credits(tx: Tx, credits: list[Credit]) -> tuple[Credit, ...]:
    """Return the credits with the names their parties bear in public."""
    if len(credits) > 100:
        raise FieldInvalid("credits", "must be at most 100")
    named = []
    for index, credit in enumerate(credits):
        if credit.role not in domain.ROLES:
            rule = f"must be one of {', '.join(domain.ROLES)}"
            raise FieldInvalid(f"credits[{index}].role", rule)
        try:
            party = await parties_store.get(tx, credit.party_id)
        except PartyNotFound as error:
            raise FieldInvalid(f"credits[{index}].party_id", "must be a party") from error
        named.append(Credit(party.id, party.public_name, credit.role))
    return tuple(named)


async def get_visible(tx: Tx, capture_set_id: str) -> CaptureSet:
    """Return a set to those near the talent, who opened it, and its credited crew."""
    capture_set = await store.get(tx, capture_set_id)
    actor = trace.actor()
    took_part = {capture_set.opened_by, *(credit.party_id for credit in capture_set.credits)}
    near = await access.is_near(tx, capture_set.talent_id, now=await db.now(tx))
    if not near and not (actor.party_id and actor.party_id in took_part):
        raise CaptureSetNotFound("there is no such capture set")
    return capture_set


def check_open(capture_set: CaptureSet) -> None:
    """Refuse what would be new in a set that was judged. Raises CaptureSetClosed."""
    if capture_set.state is not State.OPEN:
        raise CaptureSetClosed(
            f"capture set {capture_set.id} is closed", captureSetId=capture_set.id
        )


def _check_new(photo: Photo, others: list[Photo]) -> None:
    if len(others) >= domain.MOST_PHOTOS:
        raise FieldInvalid("capture_set_id", f"the set has {domain.MOST_PHOTOS} photos already")
    for other in others:
        bits = hash_distance(photo.perceptual_hash, other.perceptual_hash)
        if bits <= domain.SAME_PHOTO_BITS:
            raise PhotoDuplicate(f"the set has this photo as {other.id}", photoId=other.id)


async def _filled(tx: Tx, capture_set: CaptureSet) -> Filled:
    return capture_set, await store.find_photos(tx, capture_set.id)
