"""Who may do what. Callers are told apart by the actor that came with the call."""

from kit import trace
from kit.errors import NotAllowed

from licensing.clients import Identity


def is_house() -> bool:
    """Tell whether staff asks, or a service of the house on its own account."""
    return trace.actor().kind in ("staff", "service")


def is_brand(brand_id: str) -> bool:
    """Tell whether that brand asks, or the house."""
    actor = trace.actor()
    return is_house() or (actor.kind == "brand" and actor.party_id == brand_id != "")


async def is_near(identity: Identity, talent_id: str) -> bool:
    """Tell whether the house, the talent, her agency of now or a successor of hers asks."""
    actor = trace.actor()
    if is_house():
        return True
    if actor.kind == "talent":
        return actor.party_id == talent_id != ""
    if actor.kind == "successor":
        return await identity.is_successor(talent_id, actor.party_id)
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


def require_brand(brand_id: str) -> None:
    """Let pass whom `is_brand` names.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    trace.require_actor()
    if not is_brand(brand_id):
        raise NotAllowed("only the brand itself and staff may do this")


def require_signer(talent_id: str) -> None:
    """Let only the talent herself hand in her signature, or staff that carries it for her.

    An agency is refused whatever it hands in: its key never signs for a talent.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    actor = trace.require_actor()
    herself = actor.kind == "talent" and actor.party_id == talent_id
    if not (herself or actor.kind == "staff"):
        raise NotAllowed("only the talent herself may do this")
