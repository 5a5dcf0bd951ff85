"""Events of identity that end what training does."""

from collections.abc import Sequence
from functools import partial

from kit import outbox
from kit.bus import Bus
from kit.db import Database, Tx
from kit.inbox import Consumer
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.training.v1 import events_pb2
from vault import TWINS, Vault

from training.domain.runs import Run
from training.store import erasures as erasures_store
from training.store import runs as store
from training.store import twins as twins_store

CONSENT_WITHDRAWN = "the consent was withdrawn"
TALENT_ERASED = "the talent was erased"


def open_consumer(database: Database, bus: Bus, vault: Vault) -> Consumer:
    """Return the reader of identity's stream."""
    return Consumer(
        database,
        bus,
        name="training",
        handlers={
            identity_events.ConsentWithdrawn: end_under_consent,
            identity_events.TalentErased: partial(erase, vault=vault),
        },
    )


async def end_under_consent(tx: Tx, event: identity_events.ConsentWithdrawn) -> None:
    """Cancel the runs under a consent, then disable the twins made under it.

    In this order: a run that is being finished holds its row, so that the second statement
    sees the twin it made.
    """
    ended = await store.cancel_under(tx, event.consent_id, CONSENT_WITHDRAWN)
    await _tell_cancelled(tx, ended, CONSENT_WITHDRAWN)
    await twins_store.disable_under(tx, event.consent_id)


async def erase(tx: Tx, event: identity_events.TalentErased, *, vault: Vault) -> None:
    """End a talent's runs, disable her twins, and delete their adapters and sample sheets.

    All that lies in her folder goes, what no row names too. Workers delete the checkpoints of
    runs that are over. If this dies halfway the event comes again; what is gone then stays gone.
    """
    ended = await store.cancel_of(tx, event.talent_id, TALENT_ERASED)
    await _tell_cancelled(tx, ended, TALENT_ERASED)
    await twins_store.disable_of(tx, event.talent_id)
    found = await vault.find(event.talent_id, TWINS)
    for object_key in found:
        await vault.delete(object_key)
    await erasures_store.add(tx, event.talent_id, objects_deleted=len(found))


async def _tell_cancelled(tx: Tx, ended: Sequence[Run], reason: str) -> None:
    for run in ended:
        cancelled = events_pb2.RunCancelled(
            run_id=run.id, talent_id=run.order.talent_id, reason=reason
        )
        await outbox.publish(tx, cancelled)
