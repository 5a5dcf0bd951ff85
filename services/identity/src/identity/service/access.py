"""Who may do what. Callers are told apart by the actor that came with the call."""

from datetime import datetime

from kit import trace
from kit.db import Tx
from kit.errors import NotAllowed

from identity.domain.erasures import TalentErased
from identity.store import erasures as erasures_store
from identity.store import estates as estates_store
from identity.store import representations as store


def is_house() -> bool:
    """Tell whether staff asks, or a service of the house on its own account."""
    return trace.actor().kind in ("staff", "service")


def require_staff() -> None:
    """Let staff only pass.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    if trace.require_actor().kind != "staff":
        raise NotAllowed("only staff may do this")


async def is_near(tx: Tx, talent_id: str, *, now: datetime) -> bool:
    """Tell whether the house, the talent, her agency of now or a successor of hers asks."""
    actor = trace.actor()
    if is_house() or (actor.kind == "talent" and actor.party_id == talent_id):
        return True
    if actor.kind == "successor":
        return await estates_store.is_successor(tx, talent_id, actor.party_id)
    if actor.kind != "agency":
        return False
    agreed = await store.find(tx, talent_id, now=now)
    return agreed is not None and agreed.agency_id == actor.party_id


async def require_near(tx: Tx, talent_id: str, *, now: datetime) -> None:
    """Let pass whom `is_near` names.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    trace.require_actor()
    if not await is_near(tx, talent_id, now=now):
        raise NotAllowed("only the talent, the agency that represents her and staff may do this")


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


def require_ender(talent_id: str) -> None:
    """Let hand in a signature that ends something: whom `require_signer` names, or a successor.

    Whether that successor is hers, and may act yet, says the signature.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    if trace.require_actor().kind != "successor":
        require_signer(talent_id)


async def require_not_erased(tx: Tx, talent_id: str) -> None:
    """Refuse what would be new of a talent who had herself erased. Raises TalentErased."""
    if await erasures_store.has(tx, talent_id):
        raise TalentErased(f"{talent_id} was erased", talentId=talent_id)


def is_self(party_id: str) -> bool:
    """Tell whether a party asks about itself, or staff on its behalf."""
    actor = trace.actor()
    return actor.kind == "staff" or (actor.party_id == party_id != "" and actor.kind != "public")


def require_self(party_id: str) -> None:
    """Let pass whom `is_self` names; about nobody in particular only staff asks.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    trace.require_actor()
    if not is_self(party_id):
        raise NotAllowed("only the party itself and staff may do this")


async def require_near_party(tx: Tx, party_id: str, *, now: datetime) -> None:
    """Let pass the party itself and, of a talent, whom `is_near` names."""
    trace.require_actor()
    if not (is_self(party_id) or await is_near(tx, party_id, now=now)):
        raise NotAllowed("only the party itself, its agency and staff may do this")
