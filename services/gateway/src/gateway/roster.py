"""The talents an agency represents, or all of them for staff, with the ways to what is theirs."""

from sosia.identity.v1 import party_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import acting
from gateway.clients import Calls
from gateway.parts import find_names
from gateway.sessions import Visitor
from gateway.site import Site


class Roster:
    """/talents."""

    def __init__(self, calls: Calls, site: Site) -> None:
        self._calls, self._site = calls, site

    def routes(self) -> list[Route]:
        """Return where the page is."""
        return [Route("/talents", self._site.answering(self._list))]

    async def _list(self, request: Request, visitor: Visitor) -> Response:
        acting.require(visitor, "agency", "staff")
        agreed = {}
        if visitor.actor.kind == "agency":
            of = {"agency_id": visitor.actor.party_id}
            found = (await self._calls.ask("identity", "ListRepresentations", **of)).representations
            agreed = {one.talent_id: one for one in found}
            names = await find_names(self._calls, agreed)
        else:
            talents = await acting.list_parties(self._calls, party_pb2.PARTY_KIND_TALENT)
            names = {one.id: one.public_name or one.name for one in talents}
        talents_by_name = sorted(names.items(), key=lambda item: item[1].casefold())
        return self._site.spoken(
            request, "talents.html", visitor, talents=talents_by_name, agreed=agreed
        )
