"""Creative directors whom brands let open campaigns under their licenses."""

from kit import db, fields, once, outbox, trace
from kit.db import Database
from kit.errors import FieldInvalid, NotFound
from kit.ids import new_id
from sosia.render.v1 import events_pb2

from render.clients import Identity, Licensing
from render.domain.campaigns import Appointment
from render.domain.licenses import License
from render.service import access
from render.service.commands import Command
from render.store import appointments as store


class Appointments:
    """Who may open campaigns beside the licensed brand."""

    def __init__(self, database: Database, identity: Identity, licensing: Licensing) -> None:
        self._db = database
        self._identity = identity
        self._licensing = licensing

    async def appoint(
        self, command: Command, license_id: str, director_id: str
    ) -> tuple[Appointment, License]:
        """Let somebody open campaigns under a license; again is nothing new.

        Raises:
            FieldInvalid, NotAllowed: and LICENSE_NOT_FOUND as licensing says it.
        """
        license = await self._open(license_id)
        await self._check_crew(director_id)
        async with self._db.begin() as tx:
            token = new_id("apt")
            before = await store.find(tx, license_id, director_id)
            now = await db.now(tx)
            new = before or Appointment(
                license.id, license.brand_id, license.talent_id, director_id, now
            )
            is_new = await once.claim(tx, command.request_id, command.content, token) == token
            if is_new and before is None:
                await store.add(tx, new, stands=True, at=now)
                event = events_pb2.DirectorAppointed(
                    license_id=license.id, brand_id=license.brand_id, director_id=director_id
                )
                await outbox.publish(tx, event)
            return new, license

    async def dismiss(self, command: Command, license_id: str, director_id: str) -> None:
        """Take an appointment back; campaigns there are go on. Errors: as `appoint`."""
        license = await self._open(license_id)
        fields.check_id("pty", director_id, "director_id", what="a party")
        async with self._db.begin() as tx:
            token = new_id("apt")
            before = await store.find(tx, license_id, director_id)
            is_new = await once.claim(tx, command.request_id, command.content, token) == token
            if is_new and before is not None:
                await store.add(tx, before, stands=False, at=await db.now(tx))
                event = events_pb2.DirectorDismissed(
                    license_id=license.id, brand_id=license.brand_id, director_id=director_id
                )
                await outbox.publish(tx, event)

    async def find(self) -> list[tuple[Appointment, License]]:
        """Return those of the brand or the crew member that asks, each with its license."""
        actor = trace.require_actor()
        if actor.kind not in ("brand", "crew"):
            return []
        async with self._db.begin() as tx:
            found = await store.find_of(tx, actor.kind, actor.party_id)
        ids = dict.fromkeys(one.license_id for one in found)
        licenses = {one: await self._licensing.get_license(one) for one in ids}
        return [(one, licenses[one.license_id]) for one in found]

    async def _open(self, license_id: str) -> License:
        trace.require_actor()
        fields.check_id("lic", license_id, "license_id", what="a license")
        license = await self._licensing.find_license(license_id)
        access.require_brand(license.brand_id)
        return license

    async def _check_crew(self, director_id: str) -> None:
        fields.check_id("pty", director_id, "director_id", what="a party")
        try:
            party = (await self._identity.get_parties([director_id]))[director_id]
        except NotFound as error:
            raise FieldInvalid("director_id", "must be the id of a party") from error
        if party.kind != "crew":
            raise FieldInvalid("director_id", "must be of a party of kind crew")
