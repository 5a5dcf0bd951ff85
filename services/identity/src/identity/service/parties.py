"""Parties, their credentials, and representation."""

import base64
import hashlib
import secrets
from dataclasses import replace

from kit import db, once, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid, NotAllowed
from kit.fields import is_id
from kit.ids import new_id
from sosia.identity.v1 import events_pb2, party_pb2

from identity.domain import parties as domain
from identity.domain.parties import (
    ApiKeyUnknown,
    Jurisdictions,
    Kind,
    NewParty,
    Party,
    Representation,
)
from identity.domain.receipts import Agreed
from identity.domain.receipts import Kind as ReceiptKind
from identity.domain.signing_keys import State
from identity.service import access, receipts, signers
from identity.service.commands import Command
from identity.service.signatures import check_signature
from identity.service.signing_keys import SigningKeys
from identity.signing.statements import canonical
from identity.store import parties as store

_HOUSE = "identity:house"
_MOST_ON_A_PAGE = 200
_USUAL_PAGE = 50


def hash_api_key(api_key: str) -> bytes:
    """Return what is stored of an API key; 256 random bits need no salt."""
    return hashlib.sha256(api_key.encode()).digest()


class Parties:
    """Who can act, and how they are known."""

    def __init__(self, database: Database, jurisdictions: Jurisdictions, keys: SigningKeys) -> None:
        self._db = database
        self._jurisdictions = jurisdictions
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

    async def agree_representation(
        self, command: Command, agreed: Representation, signature: bytes
    ) -> Representation:
        """Record that the talent signed to be represented by an agency."""
        _check_may_bring(agreed)
        agreed = replace(agreed, id=new_id("rep"))
        async with self._db.begin() as tx:
            result = await once.claim(tx, command.request_id, command.content, agreed.id)
            if result == agreed.id:
                now = await db.now(tx)
                domain.check_representation(agreed, self._jurisdictions, now=now)
                await _check_kinds(tx, agreed)
                await access.require_not_erased(tx, agreed.talent_id)
                await signers.require_living(tx, agreed.talent_id)
                statement = canonical(representation_statement(agreed))
                signer = await check_signature(tx, agreed.talent_id, statement, signature)
                await store.add_representation(tx, agreed, agreed_at=now)
                await _announce(tx, agreed, statement, signature, signer)
            return await store.get_representation(tx, result)

    async def get_representation(self, talent_id: str) -> Representation | None:
        """Return who represents the talent now, if anybody."""
        trace.require_actor()
        async with self._db.begin() as tx:
            await store.get(tx, talent_id)
            return await store.find_representation(tx, talent_id, now=await db.now(tx))

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


def representation_statement(agreed: Representation) -> dict[str, object]:
    """Return what the talent signs to be represented."""
    return {
        "type": "sosia.representation/1",
        "agency_id": agreed.agency_id,
        "talent_id": agreed.talent_id,
        "commission_bp": agreed.commission_bp,
        "jurisdiction": agreed.jurisdiction,
        "starts_at": agreed.starts_at,
        "ends_at": agreed.ends_at,
    }


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


def _check_may_bring(agreed: Representation) -> None:
    """Let the two parties and staff hand in an agreement; the signature is what counts."""
    actor = trace.require_actor()
    if actor.kind != "staff" and actor.party_id not in (agreed.agency_id, agreed.talent_id):
        raise NotAllowed("only the agency, the talent and staff may do this")


async def _check_kinds(tx: Tx, agreed: Representation) -> None:
    found = await store.get_all(tx, [agreed.agency_id, agreed.talent_id])
    if found[agreed.agency_id].kind is not Kind.AGENCY:
        raise FieldInvalid("agency_id", "must be an agency")
    if found[agreed.talent_id].kind is not Kind.TALENT:
        raise FieldInvalid("talent_id", "must be a talent")


async def _announce(
    tx: Tx, agreed: Representation, statement: bytes, signature: bytes, signer: bytes
) -> None:
    kind, parties = ReceiptKind.REPRESENTATION_AGREED, (agreed.agency_id,)
    proof = Agreed(kind, agreed.id, agreed.talent_id, statement, signature, signer, parties)
    await receipts.issue(tx, new_id("rcp"), proof)
    event = events_pb2.RepresentationAgreed(
        representation_id=agreed.id,
        agency_id=agreed.agency_id,
        talent_id=agreed.talent_id,
        commission_bp=agreed.commission_bp,
    )
    await outbox.publish(tx, event)
