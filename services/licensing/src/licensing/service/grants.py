"""Grants to render, for the licensed brand and the house."""

from datetime import datetime, timedelta

from kit import db, outbox, trace
from kit.db import Database, Tx
from kit.errors import NotAllowed
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2
from sosia.licensing.v1 import events_pb2

from licensing.clients import Identity
from licensing.domain.grants import Grant, Work, check_grantable, check_work, make_grant
from licensing.domain.licenses import License, LicenseNotFound
from licensing.service import access
from licensing.service.commands import Command, claim
from licensing.service.licenses import is_visible
from licensing.service.stamps import to_stamp
from licensing.signing.grants import GrantSigner
from licensing.store import grants as store
from licensing.store import licenses as licenses_store


class Grants:
    """Short permissions to make pictures."""

    def __init__(
        self, database: Database, identity: Identity, signer: GrantSigner, lasts: timedelta
    ) -> None:
        self._db = database
        self._identity = identity
        self._signer = signer
        self._lasts = lasts

    async def issue(self, command: Command, work: Work) -> tuple[str, datetime]:
        """Issue a grant; return its token and when it ends.

        A repeat is checked as the first request was. Its token has the same id: it is the very
        same token while that holds, and one with new times after.

        Raises:
            FieldInvalid, LicenseNotFound, NotAllowed, LicenseNotActive, LicenseExpired,
                LicenseSpent: in this order, and CONSENT_MISSING as identity says it before
                LicenseSpent.
        """
        trace.require_actor()
        check_work(work)
        license = await self._get(work.license_id)
        async with self._db.begin() as tx:
            check_grantable(license, now=await db.now(tx))
        await self._identity.check_consent(license.terms.talent_id, consent_pb2.STEP_RENDERING)
        grant_id = new_id("grt")
        async with self._db.begin() as tx:
            license = await licenses_store.get(tx, work.license_id, lock=True)
            result = await claim(tx, command, grant_id)
            now = await db.now(tx)
            check_grantable(license, now=now)
            grant = make_grant(result, work, now=now, lasts=self._lasts)
            if result == grant_id:
                await store.add(tx, grant, issued_by=trace.actor().party_id)
                await outbox.publish(tx, _issued(grant))
            else:
                grant = await _issue_again(tx, grant, now=now)
        return self._signer.write(grant), grant.expires_at

    async def _get(self, license_id: str) -> License:
        """Return a license to its brand and to the house."""
        async with self._db.begin() as tx:
            license = await licenses_store.get(tx, license_id)
        if not access.is_brand(license.terms.brand_id):
            if await is_visible(self._identity, license):
                raise NotAllowed("only the licensed brand and staff may do this")
            raise LicenseNotFound("there is no such license")
        return license


async def _issue_again(tx: Tx, fresh: Grant, *, now: datetime) -> Grant:
    """Return the grant as it was issued; if that has ended, give it the fresh one's times."""
    before = await store.get(tx, fresh.id)
    if now < before.expires_at:
        return before
    await store.renew(tx, fresh)
    await outbox.publish(tx, _issued(fresh))
    return fresh


def _issued(grant: Grant) -> events_pb2.GrantIssued:
    return events_pb2.GrantIssued(
        grant_id=grant.id,
        license_id=grant.work.license_id,
        twin_version_id=grant.work.twin_version_id,
        count=grant.work.count,
        expires_at=to_stamp(grant.expires_at),
    )
