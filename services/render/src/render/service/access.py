"""Who may do what. Callers are told apart by the actor that came with the call."""

from collections.abc import Sequence

from kit import trace
from kit.errors import NotAllowed

from render.clients import Identity
from render.domain.campaigns import Campaign, Credit


async def is_near(
    identity: Identity, *, brand_id: str, talent_id: str, crew: Sequence[Credit]
) -> bool:
    """Tell whether the house, brand, talent, her agency or somebody of the crew asks."""
    actor = trace.actor()
    if actor.kind in ("staff", "service"):
        return True
    if not actor.party_id:
        return False
    if actor.kind == "agency":
        return await identity.get_agency(talent_id) == actor.party_id
    return actor.party_id in {
        "brand": {brand_id},
        "talent": {talent_id},
        "crew": {credit.party_id for credit in crew},
    }.get(actor.kind, set())


async def is_near_campaign(identity: Identity, campaign: Campaign) -> bool:
    """Tell whether the caller may see a campaign and everything made in it."""
    return await is_near(
        identity,
        brand_id=campaign.brand_id,
        talent_id=campaign.talent_id,
        crew=campaign.credits,
    )


def require_brand(brand_id: str) -> None:
    """Let only the licensed brand pass.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    actor = trace.require_actor()
    if actor.kind != "brand" or actor.party_id != brand_id:
        raise NotAllowed("only the licensed brand may do this")


def require_maker(campaign: Campaign) -> None:
    """Let the licensed brand and the campaign's own crew pass.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    actor = trace.require_actor()
    crew = {credit.party_id for credit in campaign.credits}
    if not (actor.kind == "crew" and actor.party_id in crew):
        require_brand(campaign.brand_id)


def require_director(campaign: Campaign) -> str:
    """Let only the campaign's creative director pass; return who that is.

    Raises:
        Unauthenticated: nobody in particular asks.
        NotAllowed: somebody else does.
    """
    actor = trace.require_actor()
    if actor.kind != "crew" or actor.party_id != campaign.director_id:
        raise NotAllowed("only the campaign's creative director may do this")
    return actor.party_id
