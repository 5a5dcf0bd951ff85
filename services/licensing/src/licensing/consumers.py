"""What happens elsewhere and changes what is licensed: withdrawn consents, reviewed renders."""

from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial

from kit import db, outbox
from kit.bus import Bus
from kit.db import Database, Tx
from kit.ids import new_id
from kit.inbox import Consumer
from sosia.identity.v1 import consent_pb2
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.licensing.v1 import events_pb2
from sosia.render.v1 import events_pb2 as render_events

from licensing.domain.approvals import Approval, State, say_approval
from licensing.domain.licenses import License
from licensing.domain.licenses import State as LicenseState
from licensing.service.licenses import end
from licensing.service.stamps import to_stamp
from licensing.signing.statements import canonical
from licensing.store import acting as acting_store
from licensing.store import approvals as approvals_store
from licensing.store import licenses as store
from licensing.store import prices as prices_store

CONSENT_WITHDRAWN = "consent_withdrawn"
DELEGATION_ENDED = "delegation_ended"
_POLICIES = {
    consent_pb2.WITHDRAWAL_POLICY_RUN_TO_TERM: "run_to_term",
    consent_pb2.WITHDRAWAL_POLICY_END_NOW: "end_now",
}


def open_consumers(database: Database, bus: Bus, approval_lasts: timedelta) -> list[Consumer]:
    """Return the readers of identity's and of render's stream."""
    return [
        Consumer(
            database,
            bus,
            name="licensing",
            handlers={
                identity_events.ConsentWithdrawn: end_under_consent,
                identity_events.DelegationEnded: end_under_delegation,
                identity_events.EstateOpened: note_estate_opened,
                identity_events.EstateSettled: note_estate_settled,
                identity_events.EstateStopped: note_estate_stopped,
            },
        ),
        Consumer(
            database,
            bus,
            name="licensing",
            handlers={render_events.RenderReviewed: partial(ask_talent, lasts=approval_lasts)},
        ),
    ]


async def end_under_consent(tx: Tx, event: identity_events.ConsentWithdrawn) -> None:
    """End the licenses granted under a consent, where the consent said that they end with it.

    The talent's row is held as in signing: a license is either signed before, and ended here, or
    finds the withdrawal. A policy we don't know ends them: what is not known counts as a no.
    """
    policy = _POLICIES.get(event.policy, "end_now")
    await prices_store.lock_talent(tx, event.talent_id)
    await store.note_withdrawn(tx, event.consent_id, event.talent_id, policy)
    if policy != "end_now":
        return
    for license in await store.lock_active_under(tx, event.consent_id):
        await _end(tx, license, CONSENT_WITHDRAWN)


async def end_under_delegation(tx: Tx, event: identity_events.DelegationEnded) -> None:
    """End what was signed under a delegation after it ended; what was signed before stands.

    The talent's row is held as in signing: a license is either signed before, and judged here by
    the time, or finds the end. Both times are of the databases' clock.
    """
    await prices_store.lock_talent(tx, event.talent_id)
    ended_at = event.ended_at.ToDatetime(tzinfo=UTC)
    await acting_store.note_ended(tx, event.delegation_id, event.talent_id, ended_at)
    for license in await store.lock_signed_after(tx, event.delegation_id, ended_at):
        await _end(tx, license, DELEGATION_ENDED)


async def note_estate_opened(tx: Tx, event: identity_events.EstateOpened) -> None:
    """Freeze a talent who died: nothing is signed or released until her estate is settled."""
    await prices_store.lock_talent(tx, event.talent_id)
    await acting_store.note_estate(tx, event.estate_id, event.talent_id)


async def note_estate_settled(tx: Tx, event: identity_events.EstateSettled) -> None:
    """Let what she granted go on."""
    await prices_store.lock_talent(tx, event.talent_id)
    await acting_store.end_wait(tx, event.estate_id, event.talent_id, "settled")


async def note_estate_stopped(tx: Tx, event: identity_events.EstateStopped) -> None:
    """Let everything be as it was."""
    await prices_store.lock_talent(tx, event.talent_id)
    await acting_store.end_wait(tx, event.estate_id, event.talent_id, "stopped")


async def _end(tx: Tx, license: License, reason: str) -> None:
    await end(tx, license)
    revoked = events_pb2.LicenseRevoked(
        license_id=license.id,
        brand_id=license.terms.brand_id,
        talent_id=license.terms.talent_id,
        reason=reason,
    )
    await outbox.publish(tx, revoked)


async def ask_talent(tx: Tx, event: render_events.RenderReviewed, *, lasts: timedelta) -> None:
    """Ask the talent for her word on a picture the creative director approved.

    Only where the license is live and wants it, and once for a picture: her no stays a no.
    """
    if not event.approved:
        return
    license = await store.get(tx, event.license_id)
    if license.state is not LicenseState.ACTIVE or not license.terms.approval_required:
        return
    now = await db.now(tx)
    approval = Approval(
        new_id("apr"),
        license.id,
        license.terms.talent_id,
        event.render_id,
        event.picture_sha256,
        State.PENDING,
        "",
        b"",
        b"",
        now,
        now + lasts,
    )
    approval = replace(
        approval,
        approve_statement=canonical(say_approval(approval, approve=True)),
        refuse_statement=canonical(say_approval(approval, approve=False)),
    )
    if await approvals_store.add(tx, approval):
        asked = events_pb2.ApprovalRequested(
            approval_id=approval.id,
            license_id=approval.license_id,
            talent_id=approval.talent_id,
            render_id=approval.render_id,
            deadline=to_stamp(approval.deadline),
        )
        await outbox.publish(tx, asked)
