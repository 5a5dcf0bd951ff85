"""The keys parties sign with: offered, added, confirmed, removed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from kit import db, once, outbox
from kit.db import Database, Tx
from kit.ids import new_id
from sosia.identity.v1 import events_pb2

from identity.domain import signing_keys as domain
from identity.domain.parties import Party, SignatureInvalid, check_public_key
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.domain.recoveries import Recovery, RecoveryWaits
from identity.domain.signing_keys import (
    OFFER_LASTS,
    KeyNotFound,
    KeyOfferOver,
    Kind,
    NewKey,
    PasskeysOff,
    Place,
    SigningKey,
    SignInOver,
    State,
)
from identity.service import access, receipts
from identity.service.commands import Command
from identity.service.signatures import check_signature
from identity.signing import passkeys
from identity.signing.statements import canonical
from identity.store import keys as store
from identity.store import parties as parties_store
from identity.store import recoveries as recoveries_store


@dataclass(frozen=True, slots=True)
class Offer:
    """What a browser needs to make a passkey."""

    statement: bytes
    place: Place
    user_name: str
    exclude: tuple[bytes, ...]
    ends_at: datetime


class SigningKeys:
    """Keys of parties. Without a place no passkey is made and nobody signs in with one."""

    def __init__(self, database: Database, place: Place | None) -> None:
        self._db = database
        self._place = place

    async def offer(self, party_id: str) -> Offer:
        """Offer a party to make a passkey; for nobody yet, staff asks.

        Raises:
            NotAllowed, PartyNotFound, PasskeysOff: in this order.
        """
        access.require_self(party_id)
        async with self._db.begin() as tx:
            party = await parties_store.get(tx, party_id) if party_id else None
            place = _require(self._place)
            keys = await store.find(tx, party_id) if party_id else []
            statement, ends_at = await _offer_key(tx, party_id)
            mine = [key.credential_id for key in keys if key.state is not State.REMOVED]
            exclude = tuple(one for one in mine if one is not None)
            name = party.public_name if party else ""
            return Offer(statement, place, name, exclude, ends_at)

    async def add(self, command: Command, party_id: str, new: NewKey) -> SigningKey:
        """Note a key that signs nothing until one that does has signed for it."""
        access.require_self(party_id)
        key_id = new_id("sky")
        async with self._db.begin() as tx:
            await parties_store.lock(tx, party_id)
            result = await once.claim(tx, command.request_id, command.content, key_id)
            if result == key_id:
                await access.require_not_erased(tx, party_id)
                domain.check_room(await store.find(tx, party_id))
                await self.note(tx, key_id, party_id, new, State.PENDING)
            return await store.get(tx, result)

    async def note(self, tx: Tx, key_id: str, party_id: str, new: NewKey, state: State) -> None:
        """Store a new key of a party; a passkey's offer is used up.

        Raises:
            FieldInvalid: it is malformed, or known already.
            PasskeysOff, KeyOfferOver: no passkey can be made, or it was made for no offer.
        """
        now = await db.now(tx)
        if not new.credential:
            name = domain.check_name(new.name, "ed25519.name")
            check_public_key(new.public_key)
            key = SigningKey(key_id, party_id, Kind.ED25519, state, name, new.public_key, now)
            await store.add(tx, key, "ed25519.public_key")
            return
        name = domain.check_name(new.name, "passkey.name")
        place, field = _require(self._place), "passkey.credential"
        made = passkeys.Made.parse(new.credential, field)
        offered = await store.take_offer(tx, made.challenge, store.FOR_KEY, now=now)
        if offered is None or offered not in ("", party_id):
            raise KeyOfferOver("the passkey was made for no offer that stands: ask for one again")
        credential_id, public_key, count = made.verify(place, field)
        key = SigningKey(
            key_id,
            party_id,
            Kind.PASSKEY,
            state,
            name,
            public_key,
            now,
            credential_id,
            place.rp_id,
            place.origin,
            count,
        )
        await store.add(tx, key, field)

    async def confirm(self, command: Command, key_id: str, signature: bytes) -> SigningKey:
        """Let a key sign, by the word of one that does."""
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            key = await _get_own(tx, key_id)
            said = canonical(domain.addition(key))
            signer = await check_signature(tx, key.party_id, said, signature)
            key = await store.get(tx, key_id)  # as it is now that the party's keys are held
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return key
            await access.require_not_erased(tx, key.party_id)
            await _require_free(tx, key_id)
            key = domain.confirm(key)
            await store.save(tx, key)
            event = events_pb2.KeyAdded(key_id=key_id, party_id=key.party_id, receipt_id=receipt_id)
            await outbox.publish(tx, event)
            kind = ReceiptKind.KEY_ADDED
            await receipts.issue(tx, receipt_id, _proof(kind, key, said, signature, signer))
            return key

    async def remove(self, command: Command, key_id: str, signature: bytes) -> SigningKey:
        """End a key for good by the party's own word; one that is pending needs none."""
        receipt_id = new_id("rcp")
        async with self._db.begin() as tx:
            key = await _get_own(tx, key_id)
            result = await once.claim(tx, command.request_id, command.content, receipt_id)
            if result != receipt_id:
                return key
            keys = await store.find(tx, key.party_id, lock=True)
            key = next(one for one in keys if one.id == key_id)
            await _require_free(tx, key_id)
            live, now = [one for one in keys if one.state is State.LIVE], await db.now(tx)
            removed = domain.remove(key, live, now=now)
            if key.state is State.PENDING:
                await store.save(tx, removed)
                return removed
            said = canonical(domain.removal(key))
            signer = await check_signature(tx, key.party_id, said, signature)
            await store.save(tx, removed)
            await tell_removed(tx, removed, receipt_id)
            kind = ReceiptKind.KEY_REMOVED
            await receipts.issue(tx, receipt_id, _proof(kind, key, said, signature, signer))
            return removed

    async def find(self, party_id: str) -> tuple[list[SigningKey], list[Recovery]]:
        """Return a party's keys and recoveries, to itself, its agency and the house."""
        async with self._db.begin() as tx:
            await parties_store.get(tx, party_id)
            await access.require_near_party(tx, party_id, now=await db.now(tx))
            keys = await store.find(tx, party_id)
            return keys, await recoveries_store.find(tx, party_id)

    async def offer_sign_in(self) -> tuple[bytes, datetime]:
        """Return what a passkey signs so that its owner is signed in. Raises PasskeysOff."""
        place = _require(self._place)
        async with self._db.begin() as tx:
            now = await db.now(tx)
            statement = canonical(domain.sign_in(_nonce(), place.origin, now + OFFER_LASTS))
            until = now + OFFER_LASTS
            await store.add_offer(tx, statement, store.FOR_SIGN_IN, "", now=now, until=until)
            return statement, until

    async def sign_in(self, statement: bytes, signature: bytes) -> Party:
        """Return whose passkey signed an offer, which is used up.

        Raises:
            FieldInvalid: the signature is no assertion.
            SignInOver: the statement is no offer to sign in that stands.
            SignatureInvalid: it is nobody's, or refused.
        """
        assertion = passkeys.read(signature)
        async with self._db.begin() as tx:
            challenge = hashlib.sha256(statement).digest()
            now = await db.now(tx)
            if await store.take_offer(tx, challenge, store.FOR_SIGN_IN, now=now) is None:
                raise SignInOver("ask for the page again: what was signed has run out")
            owner = await store.find_owner(tx, assertion.credential_id)
            if owner is None:
                raise SignatureInvalid("the passkey is nobody's here")
            await check_signature(tx, owner, statement, signature)
            return await parties_store.get(tx, owner)


async def tell_removed(tx: Tx, key: SigningKey, receipt_id: str) -> None:
    """Publish that a key signs nothing any more."""
    event = events_pb2.KeyRemoved(key_id=key.id, party_id=key.party_id, receipt_id=receipt_id)
    await outbox.publish(tx, event)


def _require(place: Place | None) -> Place:
    if place is None:
        raise PasskeysOff("the house has named no origin for passkeys")
    return place


def _nonce() -> str:
    return secrets.token_urlsafe(32)


async def _offer_key(tx: Tx, party_id: str) -> tuple[bytes, datetime]:
    now = await db.now(tx)
    until = now + OFFER_LASTS
    statement = canonical(domain.offer(_nonce(), party_id, until))
    await store.add_offer(tx, statement, store.FOR_KEY, party_id, now=now, until=until)
    return statement, until


async def _get_own(tx: Tx, key_id: str) -> SigningKey:
    """Return a key to its owner and to staff. Raises KeyNotFound: to others, too."""
    key = await store.get(tx, key_id)
    if not access.is_self(key.party_id):
        raise KeyNotFound("there is no such key")
    return key


async def _require_free(tx: Tx, key_id: str) -> None:
    """See that no recovery is to make a key live. Raises RecoveryWaits."""
    if await recoveries_store.holds(tx, key_id):
        raise RecoveryWaits("a recovery waits with this key: stop it first", keyId=key_id)


def _proof(
    kind: ReceiptKind, key: SigningKey, said: bytes, signature: bytes, signer: bytes
) -> Agreed:
    return Agreed(kind, key.id, key.party_id, said, signature, signer)
