"""Parts of what a page shows, as far as whoever looks may see them."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from kit.errors import FailedPrecondition, NotFound, PermissionDenied, Unauthenticated

from gateway.clients import Calls


async def find_names(calls: Calls, ids: Iterable[str]) -> dict[str, str]:
    """Return who parties are, as far as that may be seen."""
    wanted = sorted({one for one in ids if one})
    asked = [part(calls.ask("identity", "GetParty", party_id=one), "party") for one in wanted]
    found = await asyncio.gather(*asked)
    return {party.id: party.public_name or party.name for party in found if party is not None}


async def part(asked: Awaitable[Any], name: str) -> Any:
    """Return a part of an answer, or None where it is not the caller's to see.

    Raises:
        Unavailable: the service does not answer; that hides nothing and is said as it is.
    """
    try:
        return getattr(await asked, name)
    except (NotFound, PermissionDenied, Unauthenticated, FailedPrecondition):
        return None
