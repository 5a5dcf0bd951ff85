"""Releasing a picture: decided under the license's row lock, paid in the same transaction."""

from dataclasses import dataclass

from kit import db, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid, NotAllowed
from kit.fields import check_id, check_sha256
from kit.ids import new_id
from sosia.licensing.v1 import events_pb2

from licensing.clients import Identity
from licensing.domain import releases as domain
from licensing.domain.ledger import Credit, Kind, Payees, Payment, check_credits
from licensing.domain.licenses import License, LicenseNotFound, check_live
from licensing.service import access, posting
from licensing.service.commands import Command, claim, find_repeat
from licensing.service.licenses import is_visible
from licensing.service.lives import keep
from licensing.store import acting as acting_store
from licensing.store import approvals as approvals_store
from licensing.store import ledger as store
from licensing.store import licenses as licenses_store
from licensing.store.ledger import Release


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture somebody wants to have."""

    license_id: str
    render_id: str
    picture_sha256: str
    credits: tuple[Credit, ...]
    """Crew of the campaign."""


class Releases:
    """Pictures leaving the house."""

    def __init__(self, database: Database, identity: Identity) -> None:
        self._db = database
        self._identity = identity

    async def release(self, command: Command, picture: Picture) -> tuple[License, str]:
        """Draw one picture and post its royalty; return the license and the transaction.

        A picture that was released before draws nothing, whoever asks again with whatever id.

        Raises:
            FieldInvalid, LicenseNotFound, NotAllowed, LicenseNotActive, LicenseExpired,
                ConsentMissing, ApprovalMissing, LicenseSpent: in this order.
        """
        trace.require_actor()
        _check(picture)
        license = await self._get(picture.license_id)
        before = await find_repeat(self._db, command)
        async with self._db.begin() as tx:
            released = await _find_released(tx, picture)
            if before is not None and released is not None:
                return license, released.transaction_id
            if released is None:
                check_live(license, now=await db.now(tx))
        payees = None if released else await self._get_payees(license, picture)
        token = new_id("txn")
        async with self._db.begin() as tx:
            license = await licenses_store.get(tx, picture.license_id, lock=True)
            released = await _find_released(tx, picture)
            transaction_id = released.transaction_id if released else token
            result = await claim(tx, command, transaction_id)
            if released is None and payees is not None:
                license = await _release(tx, license, picture, payees, transaction_id)
            return license, result

    async def _get(self, license_id: str) -> License:
        """Return a license to its brand and to the house."""
        async with self._db.begin() as tx:
            license = await licenses_store.get(tx, license_id)
        if not access.is_brand(license.terms.brand_id):
            if await is_visible(self._identity, license):
                raise NotAllowed("only the licensed brand and staff may do this")
            raise LicenseNotFound("there is no such license")
        return license

    async def _get_payees(self, license: License, picture: Picture) -> Payees:
        """Return among whom the royalty is shared; see first that the consent stands.

        Raises:
            ConsentMissing: it does not.
            FieldInvalid: somebody credited is nobody.
        """
        await self._identity.check_standing(license)
        known: dict[str, str] = {}
        for index, credit in enumerate(picture.credits):
            if credit.party_id not in known:
                known[credit.party_id] = await self._identity.find_kind(credit.party_id)
            if not known[credit.party_id]:
                raise FieldInvalid(f"credits[{index}].party_id", "must be a party")
        return await self._identity.get_payees(license, picture.credits)


def _check(picture: Picture) -> None:
    check_id("ren", picture.render_id, "render_id", what="a render")
    check_sha256(picture.picture_sha256, "picture_sha256")
    check_credits(picture.credits)


async def _find_released(tx: Tx, picture: Picture) -> Release | None:
    """Return the release of this picture, if it was released.

    Raises:
        FieldInvalid: the render was released under another license, or as another picture.
    """
    released = await store.find_release(tx, picture.render_id)
    if released is None:
        return None
    if released.license_id != picture.license_id:
        raise FieldInvalid("render_id", "must be a render of this license")
    if released.picture_sha256 != picture.picture_sha256:
        raise FieldInvalid("picture_sha256", "must be the picture that was released")
    return released


async def _release(
    tx: Tx, license: License, picture: Picture, payees: Payees, transaction_id: str
) -> License:
    """Draw, pay and tell, in the transaction that holds the license."""
    key = (license.id, picture.render_id, picture.picture_sha256)
    approved = await approvals_store.is_approved(tx, *key)
    withdrawal = await licenses_store.find_withdrawal(tx, license.consent_id)
    frozen = await acting_store.is_frozen(tx, license.terms.talent_id)
    now = await db.now(tx)
    license = domain.release(
        license, withdrawal=withdrawal, approved=approved, now=now, frozen=frozen
    )
    await keep(tx, license, picture.render_id)
    payment = Payment(
        transaction_id,
        Kind.PICTURE_RELEASE,
        picture.render_id,
        license.terms.brand_id,
        license.per_image,
    )
    await posting.post(tx, payment, payees, now=now)
    released = Release(picture.render_id, license.id, picture.picture_sha256, transaction_id)
    await store.add_release(tx, released, now=now)
    await outbox.publish(tx, _released(license, released))
    return license


def _released(license: License, released: Release) -> events_pb2.PictureReleased:
    return events_pb2.PictureReleased(
        render_id=released.render_id,
        license_id=license.id,
        picture_sha256=released.picture_sha256,
        images_used=license.images_used,
        transaction_id=released.transaction_id,
    )
