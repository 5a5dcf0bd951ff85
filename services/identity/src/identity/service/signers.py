"""Whose signature counts for a talent: her own, and once she died that of her successors."""

from kit import trace
from kit.db import Database, Tx

from identity.domain import estates as domain
from identity.domain.estates import Act, Life
from identity.domain.parties import SignatureInvalid
from identity.service.signatures import check_form, check_signature, find_successor_key
from identity.store import estates as store
from identity.store import parties as parties_store


async def check_word(tx: Tx, talent_id: str, act: Act, message: bytes, signature: bytes) -> bytes:
    """Return the key that signed for a talent, if it may do the act now.

    Raises:
        FieldInvalid: neither an Ed25519 signature nor a passkey's assertion.
        PartyNotFound: no such talent.
        EstateFrozen: she died, and nobody may do this, or not yet.
        SignatureInvalid: no key that may made it.
    """
    check_form(signature)
    await parties_store.get(tx, talent_id)
    herself, theirs = domain.find_speakers(await store.find_open(tx, talent_id), act)
    signer = await find_successor_key(tx, theirs, message, signature)
    if signer is not None:
        return signer
    if not herself:
        raise SignatureInvalid("the signature was not made with a key of her successors")
    return await check_signature(tx, talent_id, message, signature)


async def require_living(tx: Tx, talent_id: str) -> None:
    """Refuse what would be new of a talent who died. Raises EstateFrozen."""
    domain.find_speakers(await store.find_open(tx, talent_id), Act.GRANT)


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
            estate = await store.find_open(tx, talent_id)
            owners = estate.successors if estate else ()
            theirs = (one.party_id for one in owners if signer in one.public_keys)
            return signer, next(theirs, talent_id)

    async def find_life(self, talent_id: str) -> Life:
        """Say whether a talent speaks for herself."""
        async with self._db.begin() as tx:
            return await store.find_life(tx, talent_id)
