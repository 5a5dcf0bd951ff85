"""Parties and their credentials."""

import base64
import hashlib
import secrets
from dataclasses import replace

from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.fields import is_id
from kit.ids import new_id
from sosia.identity.v1 import events_pb2, party_pb2

from identity.domain import parties as domain
from identity.domain.parties import ApiKeyUnknown, Kind, NewParty, Party
from identity.domain.signing_keys import State
from identity.service import access
from identity.service.commands import Command
from identity.service.signatures import check_signature
from identity.service.signing_keys import SigningKeys
from identity.store import parties as store

_HOUSE = "identity:house"
_MOST_ON_A_PAGE = 200
_USUAL_PAGE = 50


def hash_api_key(api_key: str) -> bytes:
    """Return what is stored of an API key; 256 random bits need no salt."""
    return hashlib.sha256(api_key.encode()).digest()


class Parties:
    """Who can act, and how they are known."""

    def __init__(self, database: Database, keys: SigningKeys) -> None:
        self._db = database
        self._keys = keys

    async def register(self, command: Command, new: NewParty) -> Party:
        """Register a party; staff only."""
        access.require_staff()
        party_id = new_id("pty")
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, party_id)
            if result == party_id:
                now = await db.now(tx)
                new = domain.check_party(new, now=now)
                keys = (new.public_key,) if new.public_key else ()
                names = (new.name, new.public_name, new.synthetic)
                await _add(tx, Party(party_id, new.kind, *names, now, keys))
                if new.passkey is not None:
                    await self._keys.note(tx, new_id("sky"), party_id, new.passkey, State.LIVE)
            return await store.get(tx, result)

    async def get(self, party_id: str) -> Party:
        """Return a party, as far as the caller may see it."""
        async with self._db.begin() as tx:
            return _as_seen(await store.get(tx, party_id))

    async def find(
        self, *, kind: Kind | None, page_size: int, after: str
    ) -> tuple[list[Party], str]:
        """Return a page of parties and the token of the next, empty after the last."""
        trace.require_actor()
        if not 0 <= page_size <= _MOST_ON_A_PAGE:
            raise FieldInvalid("page.page_size", f"must be from 0 to {_MOST_ON_A_PAGE}")
        if after and not is_id("pty", after):
            raise FieldInvalid("page.page_token", "must be a token of an earlier page")
        size = page_size or _USUAL_PAGE
        async with self._db.begin() as tx:
            found = await store.find(tx, kind=kind, after=after, limit=size + 1)
        page = [_as_seen(party) for party in found[:size]]
        return page, page[-1].id if len(found) > size else ""

    async def issue_api_key(self, command: Command, party_id: str) -> tuple[str, str]:
        """Make an API key; return its id, and its secret unless this is a repeat."""
        access.require_staff()
        key_id = new_id("key")
        secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
        api_key = f"sosia_{secret}"
        async with self._db.begin() as tx:
            party = await store.get(tx, party_id)
            result = await once.claim(tx, command.request_id, command.content, key_id)
            if result != key_id:
                return result, ""
            hashed = hash_api_key(api_key)
            await store.add_api_key(tx, key_id, party.id, hashed, origin="issued")
            return key_id, api_key

    async def authenticate(self, api_key: str) -> Party:
        """Return whose an API key is.

        Raises:
            ApiKeyUnknown: nobody's.
        """
        async with self._db.begin() as tx:
            party = await store.find_by_api_key(tx, hash_api_key(api_key))
            if party is None:
                raise ApiKeyUnknown("the API key is not known")
            return party

    async def verify_signature(self, party_id: str, message: bytes, signature: bytes) -> bytes:
        """Return the key of the party that made a signature. Errors: as `check_signature`."""
        trace.require_actor()
        async with self._db.begin() as tx:
            return await check_signature(tx, party_id, message, signature)

    async def ensure_house(self, api_key: str) -> Party:
        """Make sure of the staff party "House", and that this key and no older one opens it.

        Raises:
            ValueError: the key is too short to be a secret.
        """
        if len(api_key) < 32:
            raise ValueError("the staff key has fewer than 32 characters")
        party_id = new_id("pty")
        hashed = hash_api_key(api_key)
        async with self._db.begin() as tx:
            result = await once.claim(tx, _HOUSE, once.digest("House"), party_id)
            if result == party_id:
                now = await db.now(tx)
                await _add(tx, Party(party_id, Kind.STAFF, "House", "House", False, now))
            await store.drop_other_file_keys(tx, hashed)
            await store.add_api_key(tx, new_id("key"), result, hashed, origin="file")
            return await store.get(tx, result)


async def _add(tx: Tx, party: Party) -> None:
    await store.add(tx, party)
    kind = party_pb2.PartyKind.Value(f"PARTY_KIND_{party.kind.name}")
    event = events_pb2.PartyRegistered(party_id=party.id, kind=kind, public_name=party.public_name)
    await outbox.publish(tx, event)


def _as_seen(party: Party) -> Party:
    """Return the party with its name in the house for the house and itself only."""
    if access.is_house() or trace.actor().party_id == party.id:
        return party
    return replace(party, name="")
