"""Events of identity and licensing that end what render does."""

from functools import partial

from google.protobuf.message import Message
from kit.bus import Bus
from kit.db import Database, Tx
from kit.inbox import Consumer, Handler
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.licensing.v1 import events_pb2 as licensing_events
from vault import PICTURES, Vault

from render.domain.renders import (
    CONSENT_WITHDRAWN,
    LICENSE_REVOKED,
    TALENT_ERASED,
    RenderNotFound,
    State,
)
from render.domain.takes import Word
from render.service import choosing
from render.service.jobs import tell_cancelled
from render.store import erasures as erasures_store
from render.store import moodboards as moodboards_store
from render.store import reactions as reactions_store
from render.store import renders as store
from render.store import reviews as reviews_store


def open_consumers(database: Database, bus: Bus, vault: Vault) -> list[Consumer]:
    """Return the readers of identity's and licensing's streams."""
    withdrawn: dict[type[Message], Handler] = {
        identity_events.ConsentWithdrawn: end_under_consent,
        identity_events.TalentErased: partial(erase, vault=vault),
    }
    revoked: dict[type[Message], Handler] = {
        licensing_events.LicenseRevoked: end_under_license,
        licensing_events.ApprovalDecided: hear_decision,
        licensing_events.ApprovalLapsed: hear_lapse,
    }
    return [
        Consumer(database, bus, name="render", handlers=withdrawn),
        Consumer(database, bus, name="render", handlers=revoked),
    ]


async def end_under_consent(tx: Tx, event: identity_events.ConsentWithdrawn) -> None:
    """Cancel the renders a consent allowed, and those of twins that were trained under it."""
    ended = await store.cancel_under_consent(tx, event.consent_id, CONSENT_WITHDRAWN)
    await tell_cancelled(tx, ended, CONSENT_WITHDRAWN)


async def end_under_license(tx: Tx, event: licensing_events.LicenseRevoked) -> None:
    """Cancel the renders under a license; its worker stops at its next step."""
    ended = await store.cancel_under_license(tx, event.license_id, LICENSE_REVOKED)
    await tell_cancelled(tx, ended, LICENSE_REVOKED)


async def hear_decision(tx: Tx, event: licensing_events.ApprovalDecided) -> None:
    """Let another take of the shot be chosen when the talent said no to this one."""
    if not event.approved:
        await _free(tx, event.render_id, Word.REFUSED, event.talent_id)


async def hear_lapse(tx: Tx, event: licensing_events.ApprovalLapsed) -> None:
    """Let another take of the shot be chosen when the talent said nothing in time."""
    await _free(tx, event.render_id, Word.LAPSED, "")


async def _free(tx: Tx, render_id: str, word: Word, party_id: str) -> None:
    try:
        render = await store.get(tx, render_id, lock=True)
    except RenderNotFound:
        return  # licensing was asked about a picture that is not ours
    if render.state is State.APPROVED:
        await choosing.free(tx, render, word, "", party_id)
        await reviews_store.begin_again(tx, render.brief_id, render.shot)


async def erase(tx: Tx, event: identity_events.TalentErased, *, vault: Vault) -> None:
    """Cancel a talent's renders and drafts, and delete every picture of her that lies here.

    Also the clean files of released ones, those that were found in use and the moodboards of her
    campaigns: they can't be opened any more. What was said of them goes, too. The registry stays,
    so that a picture a brand holds is still recognised. If this dies halfway the event comes again.
    """
    ended = await store.cancel_of(tx, event.talent_id, TALENT_ERASED)
    await tell_cancelled(tx, ended, TALENT_ERASED)
    await reactions_store.forget(tx, event.talent_id)
    found = await vault.find(event.talent_id, PICTURES)
    found += await moodboards_store.forget(tx, event.talent_id)
    for object_key in found:
        await vault.delete(object_key)
    await erasures_store.add(tx, event.talent_id, objects_deleted=len(found))
