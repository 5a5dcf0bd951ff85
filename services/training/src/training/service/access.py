"""Who may do what. Callers are told apart by the actor that came with the call."""

from kit import trace
from kit.errors import NotAllowed

from training.clients import Identity


async def is_near(identity: Identity, talent_id: str) -> bool:
    """Tell whether the house, the talent herself or the agency that represents her now asks."""
    actor = trace.actor()
    if actor.kind in ("staff", "service"):
        return True
    if actor.kind == "talent":
        return actor.party_id == talent_id
    if actor.kind != "agency" or not actor.party_id:
        return False
    return await identity.get_agency(talent_id) == actor.party_id


async def require_near(identity: Identity, talent_id: str) -> None:
    """Let pass whom `is_near` names.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    trace.require_actor()
    if not await is_near(identity, talent_id):
        raise NotAllowed("only the talent, the agency that represents her and staff may do this")
