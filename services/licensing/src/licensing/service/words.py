"""Whose word counts for a talent: her own, a successor's, or an agency's she delegated it to.

identity is asked before a transaction opens, never within.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kit import trace
from kit.db import Tx
from kit.errors import FailedPrecondition, NotAllowed, PermissionDenied

from licensing.clients import Identity
from licensing.domain import delegations as domain
from licensing.domain.delegations import Act, Delegation, DelegationNotInForce
from licensing.domain.licenses import License
from licensing.service import access
from licensing.store import acting as store


class EstateFrozen(FailedPrecondition):
    """The talent died and her estate is not settled."""

    reason = "ESTATE_FROZEN"


class SignatureInvalid(PermissionDenied):
    """A signature was not made with a key that may."""

    reason = "SIGNATURE_INVALID"


@dataclass(frozen=True, slots=True)
class Said:
    """A word that counts, and what proves it."""

    statement: bytes
    signature: bytes
    public_key: bytes
    delegation_id: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A signature somebody handed in, and under which delegation, if any."""

    license: License
    act: Act
    statement: bytes
    signature: bytes
    delegation: Delegation | None


async def find_delegation(
    identity: Identity, delegation_id: str, license: License, *, succeeds: bool = False
) -> Delegation | None:
    """Return the delegation a caller means to sign under; None where it is her own word.

    Args:
        identity: who is asked.
        delegation_id: empty for her own word.
        license: what it is about.
        succeeds: whether a successor's word counts too.

    Raises:
        Unauthenticated, NotAllowed: the caller is not whose word it would be, nor staff.
        NotFound: DELEGATION_NOT_FOUND.
    """
    if not delegation_id:
        if not (succeeds and trace.require_actor().kind == "successor"):
            access.require_signer(license.terms.talent_id)
        return None
    actor = trace.require_actor()
    delegation = await identity.get_delegation(delegation_id)
    if actor.kind != "staff" and actor.party_id != delegation.agency_id:
        raise NotAllowed("only the agency it was delegated to may do this")
    return delegation


async def check(identity: Identity, asked: Asked, paths: Mapping[str, str]) -> Said:
    """Return the word if it was signed with a key that may do this now, within every bound.

    Raises:
        DelegationNotInForce, DelegationExceeded: in this order.
        PermissionDenied: SIGNATURE_INVALID.
        FailedPrecondition: ESTATE_FROZEN.
    """
    signature, talent_id = asked.signature, asked.license.terms.talent_id
    delegation = asked.delegation
    if delegation is None:
        approving = asked.act is Act.DECIDE_APPROVAL
        act = "APPROVE" if approving else "GRANT"
        signer = await identity.check_signer(talent_id, act, asked.statement, signature)
        return Said(asked.statement, signature, signer)
    domain.check_within(delegation, asked.act, asked.license, paths)
    signer = await identity.find_signer(delegation.agency_id, asked.statement, signature)
    if signer not in delegation.agency_keys:
        raise SignatureInvalid("the signature was not made with a key she named")
    return Said(asked.statement, signature, signer, delegation.id)


async def check_still(tx: Tx, talent_id: str, delegation_id: str) -> None:
    """See, within a transaction, that nobody told us meanwhile that it counts no more.

    Raises:
        EstateFrozen, DelegationNotInForce: in this order.
    """
    if await store.is_frozen(tx, talent_id):
        raise EstateFrozen("her estate is not settled", talentId=talent_id)
    if delegation_id and await store.is_ended(tx, delegation_id):
        raise DelegationNotInForce(f"delegation {delegation_id} has ended", why="ENDED")
