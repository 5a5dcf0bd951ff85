"""Sessions: a random token in a cookie, of which only the SHA-256 is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from kit import trace
from kit.db import Database, now
from sqlalchemy import (
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

COOKIE = "sosia_session"
metadata = MetaData()
sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at a page."""

    actor: trace.Actor = trace.PUBLIC
    name: str = ""
    language: str = "en"
    """In which the page is asked for, of `languages.CODES`; no part of the session."""

    @property
    def is_known(self) -> bool:
        """Tell whether somebody signed in."""
        return self.actor.kind != "public"


class Sessions:
    """Who is signed in on this house's pages."""

    def __init__(self, database: Database, lasts: timedelta) -> None:
        self._db = database
        self.lasts = lasts

    async def open(self, visitor: Visitor) -> str:
        """Begin a session and return its token; sessions that are over are deleted."""
        token = secrets.token_urlsafe(32)
        async with self._db.begin() as tx:
            await tx.execute(delete(sessions).where(sessions.c.expires_at <= func.now()))
            row = {
                "token_sha256": _digest(token),
                "party_id": visitor.actor.party_id,
                "kind": visitor.actor.kind,
                "name": visitor.name,
                "expires_at": await now(tx) + self.lasts,
            }
            await tx.execute(insert(sessions).values(row))
        return token

    async def find(self, token: str) -> Visitor:
        """Return who a token stands for; nobody in particular once its session is over."""
        if not token:
            return Visitor()
        query = select(sessions).where(
            sessions.c.token_sha256 == _digest(token), sessions.c.expires_at > func.now()
        )
        async with self._db.begin() as tx:
            row = (await tx.execute(query)).one_or_none()
        return Visitor(trace.Actor(row.party_id, row.kind), row.name) if row else Visitor()

    async def close(self, token: str) -> None:
        """End a session, if there is one."""
        async with self._db.begin() as tx:
            await tx.execute(delete(sessions).where(sessions.c.token_sha256 == _digest(token)))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
