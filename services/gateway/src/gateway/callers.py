"""Who asks: by API key, looked up at identity and remembered for a moment."""

import hashlib
import time
from collections import OrderedDict

from kit import trace
from kit.errors import Unauthenticated
from sosia.identity.v1 import party_pb2

from gateway.clients import Calls

_REMEMBERED_S = 30.0
_MOST = 10_000


class KeyMalformed(Unauthenticated):
    """The Authorization header is none of ours."""

    reason = "API_KEY_MALFORMED"


def kind_of(party: party_pb2.Party) -> str:
    """Return what kind of actor a party is."""
    return party_pb2.PartyKind.Name(party.kind).removeprefix("PARTY_KIND_").lower()


class Callers:
    """API keys and whose they are; a key that was shut out is forgotten within 30 seconds."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: OrderedDict[bytes, tuple[float, trace.Actor]] = OrderedDict()

    async def find(self, authorization: str) -> trace.Actor:
        """Return who an Authorization header speaks for; without one, nobody in particular.

        Raises:
            Unauthenticated: it is no bearer token, or a key that identity does not know.
        """
        if not authorization:
            return trace.PUBLIC
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise KeyMalformed("Authorization must be: Bearer <api key>")
        return await self.look_up(key.strip())

    async def look_up(self, api_key: str) -> trace.Actor:
        """Return whose a key is.

        Raises:
            Unauthenticated: identity does not know it.
        """
        name = hashlib.sha256(api_key.encode()).digest()
        until, actor = self._known.get(name, (0.0, trace.PUBLIC))
        if until > time.monotonic():
            return actor
        party = (await self._calls.ask("identity", "Authenticate", api_key=api_key)).party
        actor = trace.Actor(party.id, kind_of(party))
        self._known[name] = (time.monotonic() + _REMEMBERED_S, actor)
        self._known.move_to_end(name)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return actor
