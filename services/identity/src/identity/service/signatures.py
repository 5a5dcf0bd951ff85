"""Whether a party signed: with an Ed25519 key or a passkey, one that may sign now."""

from collections.abc import Sequence
from dataclasses import replace

from kit import db
from kit.db import Tx
from kit.errors import FieldInvalid
from proofs.passkeys import is_assertion

from identity.domain.estates import Successor
from identity.domain.parties import SignatureInvalid
from identity.domain.signing_keys import Kind, SigningKey, State
from identity.signing import passkeys
from identity.signing.signatures import find_signer
from identity.store import keys as store
from identity.store import parties as parties_store

_RAW = 32
"""Bytes of an Ed25519 key; a passkey's are more."""


async def check_signature(
    tx: Tx, party_id: str, message: bytes, signature: bytes, *, heard: bool = False
) -> bytes:
    """Return the public key of the party that made a signature, and note that it was verified.

    The party's keys are held until the transaction ends: a key that is being removed signs before
    or not at all. With `heard`, a signature that was verified while its key was live still counts:
    an event about it may come later than the key's end.

    Raises:
        FieldInvalid: neither 64 bytes nor a passkey's assertion.
        PartyNotFound: no such party.
        SignatureInvalid: none of its live keys made it, or a passkey's answer is refused.
    """
    check_form(signature)
    await parties_store.get(tx, party_id)
    keys = await store.find(tx, party_id, lock=True)
    before = await store.find_verified(tx, party_id, message, signature)
    if heard and before is not None:
        return before
    live = [key for key in keys if key.state is State.LIVE]
    key = find_key(live, message, signature, counted=before is None)
    now = await db.now(tx)
    if key.kind is Kind.PASSKEY:
        await store.save(tx, replace(key, used_at=now))
    await store.note_verified(tx, key, message, signature, now=now)
    return key.public_key


async def find_successor_key(
    tx: Tx,
    successors: Sequence[Successor],
    message: bytes,
    signature: bytes,
    *,
    heard: bool = False,
) -> bytes | None:
    """Return the key of a successor that made a signature, if the estate named that key.

    Raises:
        FieldInvalid: neither 64 bytes nor a passkey's assertion.
    """
    check_form(signature)
    if not is_assertion(signature):
        named = [key for one in successors for key in one.public_keys if len(key) == _RAW]
        return find_signer(named, message, signature)
    for one in successors:
        try:
            signer = await check_signature(tx, one.party_id, message, signature, heard=heard)
        except SignatureInvalid:
            continue
        if signer in one.public_keys:
            return signer
    return None


def find_key(
    keys: Sequence[SigningKey], message: bytes, signature: bytes, *, counted: bool = True
) -> SigningKey:
    """Return which of some keys made a signature, with the counter it now has.

    Raises:
        FieldInvalid: it is malformed.
        SignatureInvalid: none did.
    """
    if is_assertion(signature):
        assertion = passkeys.read(signature)
        for key in keys:
            if key.credential_id == assertion.credential_id:
                count = passkeys.verify(assertion, key, message, counted=counted)
                return replace(key, sign_count=max(count, key.sign_count))
    else:
        plain = {key.public_key: key for key in keys if key.kind is Kind.ED25519}
        signer = find_signer(list(plain), message, signature)
        if signer is not None:
            return plain[signer]
    raise SignatureInvalid("the signature was not made with a key of this party")


def check_form(signature: bytes) -> None:
    """Refuse what can be no signature. Raises FieldInvalid."""
    if len(signature) != 64 and not is_assertion(signature):
        rule = "must be an Ed25519 signature of 64 bytes or a passkey's assertion in JSON"
        raise FieldInvalid("signature", rule)
