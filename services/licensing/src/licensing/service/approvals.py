"""The talent's word on pictures, where a license wants it."""

from collections.abc import Mapping

from kit import db, outbox, trace
from kit.db import Database
from kit.errors import FieldInvalid
from kit.fields import check_id
from kit.ids import new_id
from sosia.licensing.v1 import events_pb2

from licensing.clients import Identity
from licensing.domain import approvals as domain
from licensing.domain import delegations
from licensing.domain.approvals import Approval, ApprovalNotFound, Word
from licensing.domain.delegations import Act, Delegation
from licensing.domain.licenses import License
from licensing.service import access, words
from licensing.service.commands import Command, claim, find_repeat
from licensing.service.licenses import is_visible
from licensing.signing.statements import canonical
from licensing.store import approvals as store
from licensing.store import licenses as licenses_store


class Approvals:
    """What talents say of pictures."""

    def __init__(self, database: Database, identity: Identity, paths: Mapping[str, str]) -> None:
        self._db = database
        self._identity = identity
        self._paths = paths

    async def find(self, *, talent_id: str, render_id: str) -> list[Approval]:
        """Return the approvals of a talent or of a render, newest first.

        Those near the talent and the house see a talent's; the licensed brand sees its renders'.
        """
        trace.require_actor()
        if bool(talent_id) == bool(render_id):
            raise FieldInvalid("talent_id", "must be given, or render_id, and not both")
        if talent_id:
            check_id("pty", talent_id, "talent_id", what="a talent")
            await access.require_near(self._identity, talent_id)
        else:
            check_id("ren", render_id, "render_id", what="a render")
        async with self._db.begin() as tx:
            found = await store.find(tx, talent_id=talent_id, render_id=render_id)
            ids = {approval.license_id for approval in found}
            licenses = [await licenses_store.get(tx, license_id) for license_id in sorted(ids)]
        seen = {one.id for one in licenses if talent_id or await self._is_visible(one)}
        return [approval for approval in found if approval.license_id in seen]

    async def decide(
        self, command: Command, approval_id: str, word: Word, delegation_id: str = ""
    ) -> Approval:
        """Write down the talent's word, which she signed with her own key.

        Or an agency's she delegated it to; or, once her estate is settled, a successor's.

        Raises:
            ApprovalNotFound, NotAllowed, FieldInvalid, ApprovalDecided, ApprovalOverdue: in
                this order, and what `words.check` raises before the last two.
        """
        approval, license = await self._get(approval_id)
        delegation = await words.find_delegation(
            self._identity, delegation_id, license, succeeds=True
        )
        word = domain.check_word(word)
        if await find_repeat(self._db, command):
            return (await self._get(approval_id))[0]  # it was decided since we read it
        asked = _asked(approval, license, word, delegation)
        said = await words.check(self._identity, asked, self._paths)
        async with self._db.begin() as tx:
            approval = await store.get(tx, approval_id, lock=True)
            token = new_id("apr")
            if await claim(tx, command, token) == token:
                await words.check_still(tx, approval.talent_id, said.delegation_id)
                approval = domain.decide(approval, word, now=await db.now(tx))
                await store.save(tx, approval)
                event = events_pb2.ApprovalDecided(
                    approval_id=approval.id,
                    license_id=approval.license_id,
                    talent_id=approval.talent_id,
                    render_id=approval.render_id,
                    approved=word.approve,
                    statement=said.statement,
                    signature=said.signature,
                    public_key=said.public_key,
                    delegation_id=said.delegation_id,
                )
                await outbox.publish(tx, event)
            return approval

    async def _get(self, approval_id: str) -> tuple[Approval, License]:
        trace.require_actor()
        async with self._db.begin() as tx:
            approval = await store.get(tx, approval_id)
            license = await licenses_store.get(tx, approval.license_id)
        if not await self._is_visible(license):
            raise ApprovalNotFound("there is no such approval")
        return approval, license

    async def _is_visible(self, license: License) -> bool:
        return await is_visible(self._identity, license)


def _asked(
    approval: Approval, license: License, word: Word, delegation: Delegation | None
) -> words.Asked:
    statement = approval.approve_statement if word.approve else approval.refuse_statement
    if delegation is not None:
        said = delegations.say_approval(statement, approval.render_id, delegation.id)
        statement = canonical(said)
    return words.Asked(license, Act.DECIDE_APPROVAL, statement, word.signature, delegation)
