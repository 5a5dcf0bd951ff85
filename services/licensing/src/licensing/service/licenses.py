"""Licenses: proposed by a brand, granted and ended by the talent alone.

identity is asked before a transaction opens, never within.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from kit import db, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.fields import check_id
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2
from sosia.licensing.v1 import events_pb2

from licensing.clients import Identity
from licensing.domain import delegations
from licensing.domain import licenses as domain
from licensing.domain.delegations import Act, Delegation
from licensing.domain.ledger import Kind, Payees, Payment
from licensing.domain.licenses import (
    ConsentMissing,
    ExclusivityConflict,
    License,
    LicenseNotFound,
    State,
)
from licensing.domain.quotes import Quote, QuoteNotFound, check_valid
from licensing.service import access, posting, words
from licensing.service.commands import Command, claim, find_repeat
from licensing.service.lives import begin, keep
from licensing.service.stamps import to_stamp
from licensing.signing.statements import canonical
from licensing.store import licenses as store
from licensing.store import prices as prices_store

BY_TALENT = "talent"
EXCLUSIVITY = "exclusivity"


class Licenses:
    """Permissions to use twins."""

    def __init__(self, database: Database, identity: Identity, paths: Mapping[str, str]) -> None:
        self._db = database
        self._identity = identity
        self._paths = paths

    async def propose(self, command: Command, quote_id: str, renews: str = "") -> License:
        """Ask the talent for a quoted license. A quote leads to one license, however often asked.

        A license that renews another is priced and signed like any other.

        Raises:
            QuoteNotFound, FieldInvalid, QuoteExpired: in this order.
        """
        trace.require_actor()
        license_id = new_id("lic")
        async with self._db.begin() as tx:
            quote = await prices_store.get_quote(tx, quote_id, lock=True)
            if not access.is_brand(quote.terms.brand_id):
                raise QuoteNotFound("there is no such quote")
            await _check_renewed(tx, quote, renews)
            before = await store.find_of_quote(tx, quote_id)
            result = await claim(tx, command, before.id if before else license_id)
            if result == license_id:
                await _propose(tx, license_id, quote, renews)
            return await store.get(tx, result)

    async def sign(
        self, command: Command, license_id: str, signature: bytes, delegation_id: str = ""
    ) -> License:
        """Make a license live with the talent's own signature, and post its fee.

        Or with that of the agency she delegated it to, within the bounds she named.

        Raises:
            LicenseNotFound, NotAllowed, LicenseNotProposed, LicenseNotAccepted,
                ExclusivityConflict: in this order; what `words.check` raises before
                LicenseNotProposed and CONSENT_MISSING after it.
        """
        license = await self.get(license_id)
        talent_id = license.terms.talent_id
        delegation = await words.find_delegation(self._identity, delegation_id, license)
        if await find_repeat(self._db, command):
            return _answer(await self.get(license_id))  # it was signed since we read it
        said = await words.check(
            self._identity, _asked(license, signature, delegation), self._paths
        )
        async with self._db.begin() as tx:
            domain.check_signable(license, now=await db.now(tx))
        step = consent_pb2.STEP_LICENSING
        consent_id = await self._identity.check_consent(talent_id, step)
        payees = await self._identity.get_payees(license, ())
        async with self._db.begin() as tx:
            # The talent's row first: what she grants is decided one license at a time.
            await prices_store.lock_talent(tx, talent_id)
            license = await store.get(tx, license_id, lock=True)
            token = new_id("lic")
            if await claim(tx, command, token) == token:
                await words.check_still(tx, talent_id, said.delegation_id)
                license = replace(license, delegation_id=said.delegation_id)
                license = await self._decide(tx, license, consent_id, payees)
                if license.state is State.ACTIVE:
                    await outbox.publish(tx, _signed(license, said))
        return _answer(license)

    async def revoke(self, command: Command, license_id: str, signature: bytes) -> License:
        """End a license now with the talent's own signature, or a successor's.

        Raises:
            LicenseNotFound, NotAllowed, LicenseNotActive: in this order; SIGNATURE_INVALID
                before the last.
        """
        license = await self.get(license_id)
        await words.find_delegation(self._identity, "", license, succeeds=True)
        statement = domain.say_revocation(license.id)
        signed = (license.terms.talent_id, "NARROW", statement, signature)
        signer = await self._identity.check_signer(*signed)
        async with self._db.begin() as tx:
            license = await store.get(tx, license_id, lock=True)
            token = new_id("lic")
            if await claim(tx, command, token) == token:
                license = await end(tx, license)
                event = _revoked(license, BY_TALENT)
                event.statement = statement
                event.signature = signature
                event.public_key = signer
                await outbox.publish(tx, event)
            return license

    async def get(self, license_id: str) -> License:
        """Return a license to its brand, to those near the talent, and to the house."""
        trace.require_actor()
        async with self._db.begin() as tx:
            license = await store.get(tx, license_id)
        if not await is_visible(self._identity, license):
            raise LicenseNotFound("there is no such license")
        return license

    async def find(self, *, talent_id: str, brand_id: str) -> list[License]:
        """Return the licenses of a talent or of a brand, newest first."""
        trace.require_actor()
        if bool(talent_id) == bool(brand_id):
            raise FieldInvalid("talent_id", "must be given, or brand_id, and not both")
        if brand_id:
            check_id("pty", brand_id, "brand_id", what="a brand")
            access.require_brand(brand_id)
        else:
            check_id("pty", talent_id, "talent_id", what="a talent")
            await access.require_near(self._identity, talent_id)
        async with self._db.begin() as tx:
            if brand_id:
                return await store.find_of_brand(tx, brand_id)
            return await store.find_of_talent(tx, talent_id)

    async def _decide(self, tx: Tx, license: License, consent_id: str, payees: Payees) -> License:
        """Grant a signed license, or decline it where an exclusivity contradicts it.

        Raises:
            ConsentMissing: the consent was withdrawn since identity was asked.
            LicenseNotProposed: another request signed it meanwhile.
        """
        if await store.find_withdrawal(tx, consent_id):
            raise ConsentMissing("the consent was withdrawn", consentId=consent_id)
        now = await db.now(tx)
        domain.check_signable(license, now=now)
        if await store.find_contradicted(tx, license, self._paths[license.terms.category]):
            return await _decline(tx, license, now=now)
        by = license.delegation_id
        license = domain.sign(license, consent_id=consent_id, now=now, delegation_id=by)
        await self._grant(tx, license, payees, now=now)
        return license

    async def _grant(self, tx: Tx, license: License, payees: Payees, *, now: datetime) -> None:
        await keep(tx, license)
        await store.reserve(tx, license, self._paths[license.terms.category])
        payment = Payment(
            new_id("txn"), Kind.LICENSE_FEE, license.id, license.terms.brand_id, license.fee
        )
        await posting.post(tx, payment, payees, now=now)


async def is_visible(identity: Identity, license: License) -> bool:
    """Tell whether the caller may know of a license."""
    if access.is_brand(license.terms.brand_id):
        return True
    return await access.is_near(identity, license.terms.talent_id)


def _answer(license: License) -> License:
    """Return a license that was signed; a declined one is refused each time as the first.

    Raises:
        ExclusivityConflict: it was declined.
    """
    if license.state is State.DECLINED:
        raise ExclusivityConflict(
            f"license {license.id} contradicts an exclusivity in {license.terms.category}",
            licenseId=license.id,
            category=license.terms.category,
        )
    return license


async def _check_renewed(tx: Tx, quote: Quote, renews: str) -> None:
    """See that what is renewed was granted to the same brand by the same talent.

    Raises:
        FieldInvalid: it was not.
    """
    if not renews:
        return
    found = (await store.find_many(tx, {renews})).get(renews)
    granted = found is not None and found.signed_at is not None
    sides = (quote.terms.brand_id, quote.terms.talent_id)
    if found is None or not granted or (found.terms.brand_id, found.terms.talent_id) != sides:
        raise FieldInvalid("renews", "must be a license this talent granted this brand")


async def _propose(tx: Tx, license_id: str, quote: Quote, renews: str) -> None:
    now = await db.now(tx)
    check_valid(quote, now=now)
    license = License(
        license_id,
        quote.id,
        quote.terms,
        State.PROPOSED,
        canonical(domain.say_license(license_id, quote)),
        quote.total,
        quote.per_image,
        quote.crew_pool_bp,
        0,
        now,
        renews=renews,
    )
    await begin(tx, license)
    event = events_pb2.LicenseProposed(
        license_id=license_id, brand_id=quote.terms.brand_id, talent_id=quote.terms.talent_id
    )
    await outbox.publish(tx, event)


async def _decline(tx: Tx, license: License, *, now: datetime) -> License:
    license = replace(domain.decline(license, now=now), delegation_id="")
    await keep(tx, license)
    event = events_pb2.LicenseDeclined(
        license_id=license.id,
        brand_id=license.terms.brand_id,
        talent_id=license.terms.talent_id,
        reason=EXCLUSIVITY,
    )
    await outbox.publish(tx, event)
    return license


async def end(tx: Tx, license: License) -> License:
    """End a live license the caller holds, and free what it reserved. Raises LicenseNotActive."""
    license = domain.revoke(license)
    await keep(tx, license)
    await store.give_back(tx, license.id)
    return license


def _asked(license: License, signature: bytes, delegation: Delegation | None) -> words.Asked:
    statement = license.statement
    if delegation is not None:
        statement = canonical(delegations.say_license(license, delegation.id))
    return words.Asked(license, Act.SIGN_LICENSE, statement, signature, delegation)


def _signed(license: License, said: words.Said) -> events_pb2.LicenseSigned:
    return events_pb2.LicenseSigned(
        license_id=license.id,
        brand_id=license.terms.brand_id,
        talent_id=license.terms.talent_id,
        starts_at=to_stamp(license.terms.starts_at),
        ends_at=to_stamp(license.terms.ends_at),
        statement=said.statement,
        signature=said.signature,
        public_key=said.public_key,
        delegation_id=said.delegation_id,
    )


def _revoked(license: License, reason: str) -> events_pb2.LicenseRevoked:
    return events_pb2.LicenseRevoked(
        license_id=license.id,
        brand_id=license.terms.brand_id,
        talent_id=license.terms.talent_id,
        reason=reason,
    )
