"""Keys a party signs with: Ed25519 keys and passkeys, how they come and go."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kit import fields
from kit.errors import FailedPrecondition, NotFound, ResourceExhausted, Unauthenticated

MOST_KEYS = 20
"""Of a party, removed ones left out."""
OFFER_LASTS = timedelta(minutes=10)


class KeyNotFound(NotFound):
    """No such key, or none the caller may know of."""

    reason = "KEY_NOT_FOUND"


class KeyNotPending(FailedPrecondition):
    """The key was confirmed or removed before."""

    reason = "KEY_NOT_PENDING"


class KeyNotLive(FailedPrecondition):
    """The key signs nothing: it is pending, or was removed."""

    reason = "KEY_NOT_LIVE"


class LastKey(FailedPrecondition):
    """It is the only key the party can sign with."""

    reason = "LAST_KEY"


class KeysFull(ResourceExhausted):
    """The party has as many keys as it may."""

    reason = "KEYS_FULL"


class KeyOfferOver(FailedPrecondition):
    """The passkey was made for no offer that stands."""

    reason = "KEY_OFFER_OVER"


class SignInOver(Unauthenticated):
    """What was signed is no offer to sign in that stands."""

    reason = "SIGN_IN_OVER"


class PasskeysOff(FailedPrecondition):
    """The house has named no origin at which passkeys are made."""

    reason = "PASSKEYS_OFF"


class Kind(StrEnum):
    """What a key is."""

    ED25519 = "ed25519"
    PASSKEY = "passkey"


class State(StrEnum):
    """Whether a key signs."""

    PENDING = "pending"
    LIVE = "live"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Place:
    """Where passkeys of the house are made and used."""

    rp_id: str
    """The domain they belong to."""
    origin: str
    """Scheme, host and port of the portal."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of a party.

    Attributes:
        public_key: raw Ed25519, 32 bytes; or a COSE key in canonical form, 42 or 77 bytes.
        credential_id: of a passkey; None of another key.
        sign_count: what a passkey's authenticator last said; 0 where it does not count.
    """

    id: str
    party_id: str
    kind: Kind
    state: State
    name: str
    public_key: bytes
    added_at: datetime
    credential_id: bytes | None = None
    rp_id: str = ""
    origin: str = ""
    sign_count: int = 0
    used_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key somebody wants to sign with: a passkey's credential or a raw Ed25519 key."""

    name: str
    credential: bytes = b""
    public_key: bytes = b""


def check_name(name: str, field: str) -> str:
    """Return what a key is called, tidied. Raises FieldInvalid."""
    return fields.text(name, field, longest=60, lines=False)


def check_room(keys: Sequence[SigningKey]) -> None:
    """See that a party may have one key more. Raises KeysFull."""
    if sum(key.state is not State.REMOVED for key in keys) >= MOST_KEYS:
        raise KeysFull(f"a party has at most {MOST_KEYS} keys", most=MOST_KEYS)


def confirm(key: SigningKey) -> SigningKey:
    """Let a key sign. Raises KeyNotPending."""
    require_pending(key)
    return replace(key, state=State.LIVE)


def require_pending(key: SigningKey) -> None:
    """See that a key has not begun to sign, and was not removed. Raises KeyNotPending."""
    if key.state is not State.PENDING:
        raise KeyNotPending(f"key {key.id} is {key.state}", keyId=key.id)


def require_live(key: SigningKey) -> None:
    """See that a key signs. Raises KeyNotLive."""
    if key.state is not State.LIVE:
        raise KeyNotLive(f"key {key.id} is {key.state}", keyId=key.id)


def remove(key: SigningKey, live: Sequence[SigningKey], *, now: datetime) -> SigningKey:
    """End a key for good; `live` are the party's keys that sign.

    Raises:
        KeyNotLive: it was removed before.
        LastKey: no other one signs.
    """
    if key.state is State.REMOVED:
        raise KeyNotLive(f"key {key.id} is {key.state}", keyId=key.id)
    if key.state is State.LIVE and not any(one.id != key.id for one in live):
        raise LastKey("without this key nothing could be signed: add another one first")
    return replace(key, state=State.REMOVED, removed_at=now)


def replaced(key: SigningKey, *, now: datetime) -> SigningKey:
    """End a key whose place another one took."""
    return replace(key, state=State.REMOVED, removed_at=now)


def addition(key: SigningKey) -> dict[str, Any]:
    """Return what a key that signs already signs so that this one does too."""
    return {"type": "sosia.key/1", "name": key.name, **_named(key)}


def removal(key: SigningKey) -> dict[str, Any]:
    """Return what a key signs so that this one, which may be itself, signs no more."""
    return {"type": "sosia.key-removal/1", **_named(key)}


def offer(nonce: str, party_id: str, ends_at: datetime) -> dict[str, Any]:
    """Return what the challenge is made of for which a passkey is made."""
    return {
        "type": "sosia.key-offer/1",
        "nonce": nonce,
        "party_id": party_id,
        "ends_at": ends_at,
    }


def sign_in(nonce: str, origin: str, ends_at: datetime) -> dict[str, Any]:
    """Return what a passkey signs so that its owner is signed in."""
    return {"type": "sosia.sign-in/1", "nonce": nonce, "origin": origin, "ends_at": ends_at}


def _named(key: SigningKey) -> dict[str, Any]:
    return {
        "key_id": key.id,
        "party_id": key.party_id,
        "kind": str(key.kind),
        "public_key_sha256": hashlib.sha256(key.public_key).hexdigest(),
    }
