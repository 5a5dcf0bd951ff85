"""Reading the ledger: each party its own, the house everything."""

from kit import trace
from kit.db import Database
from kit.errors import NotAllowed
from kit.fields import check_id, is_id

from licensing.domain.ledger import Entry, Statement
from licensing.service import access
from licensing.store import ledger as store

_SEE_ALL = ("talent", "agency")
"""Who is paid as one of these sees how the whole payment was shared."""


class Ledger:
    """What is owed to whom."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def get_statement(self, party_id: str) -> Statement:
        """Return a party's entries and their sum in each currency, to itself and to staff."""
        actor = trace.require_actor()
        if not (access.is_house() or actor.party_id == party_id):
            raise NotAllowed("only the party itself and staff may do this")
        check_id("pty", party_id, "party_id", what="a party")
        async with self._db.begin() as tx:
            entries = await store.find_of_party(tx, party_id)
            totals = await store.sum_up(tx, party_id)
        return Statement(party_id, tuple(entries), tuple(totals))

    async def find_entries(self, subject_id: str) -> list[Entry]:
        """Return the entries about a license or a render that the caller may see, oldest first.

        The house sees all, and so do the talent and the agency paid by it; anybody else who is in
        it sees what is theirs.
        """
        actor = trace.require_actor()
        if not (is_id("lic", subject_id) or is_id("ren", subject_id)):
            check_id("lic", subject_id, "subject_id", what="a license or a render")
        async with self._db.begin() as tx:
            entries = await store.find_of_subject(tx, subject_id)
        own = [entry for entry in entries if entry.party_id == actor.party_id != ""]
        if access.is_house() or any(entry.role in _SEE_ALL for entry in own):
            return entries
        return own
