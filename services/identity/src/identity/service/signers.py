"""Whose signature counts for a talent: her own, and once she died that of her successors."""

from kit import trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid

from identity.domain import estates as domain
from identity.domain.estates import Act, Life
from identity.domain.parties import SignatureInvalid
from identity.signing.signatures import find_signer
from identity.store import estates as store
from identity.store import parties as parties_store


async def check_word(tx: Tx, talent_id: str, act: Act, message: bytes, signature: bytes) -> bytes:
    """Return the key that signed for a talent, if it may do the act now.

    Raises:
        FieldInvalid: not 64 bytes.
        PartyNotFound: no such talent.
        EstateFrozen: she died, and nobody may do this, or not yet.
        SignatureInvalid: no key that may made it.
    """
    if len(signature) != 64:
        raise FieldInvalid("signature", "must be an Ed25519 signature of 64 bytes")
    talent = await parties_store.get(tx, talent_id)
    estate = await store.find_open(tx, talent_id)
    keys = domain.find_keys(talent.public_keys, estate, act)
    signer = find_signer(keys, message, signature)
    if signer is None:
        raise SignatureInvalid("the signature was not made with a key of this party")
    return signer


async def require_living(tx: Tx, talent_id: str) -> None:
    """Refuse what would be new of a talent who died. Raises EstateFrozen."""
    domain.find_keys((), await store.find_open(tx, talent_id), Act.GRANT)


class Signers:
    """Answers who may sign for a talent, and whether she speaks for herself."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def check(
        self, talent_id: str, act: Act, message: bytes, signature: bytes
    ) -> tuple[bytes, str]:
        """Return the key that signed for a talent and whose it is. Errors: as `check_word`."""
        trace.require_actor()
        async with self._db.begin() as tx:
            signer = await check_word(tx, talent_id, act, message, signature)
            talent = await parties_store.get(tx, talent_id)
            if signer in talent.public_keys:
                return signer, talent_id
            estate = await store.find_open(tx, talent_id)
            owners = estate.successors if estate else ()
            return signer, next(one.party_id for one in owners if signer in one.public_keys)

    async def find_life(self, talent_id: str) -> Life:
        """Say whether a talent speaks for herself."""
        async with self._db.begin() as tx:
            return await store.find_life(tx, talent_id)
