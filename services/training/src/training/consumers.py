"""Events of identity that end what training does."""

from kit import outbox
from kit.bus import Bus
from kit.db import Database, Tx
from kit.inbox import Consumer
from sosia.identity.v1 import events_pb2 as identity_events
from sosia.training.v1 import events_pb2

from training.store import runs as store
from training.store import twins as twins_store

CONSENT_WITHDRAWN = "the consent was withdrawn"


def open_consumer(database: Database, bus: Bus) -> Consumer:
    """Return the reader of identity's stream."""
    return Consumer(
        database,
        bus,
        name="training",
        handlers={identity_events.ConsentWithdrawn: end_under_consent},
    )


async def end_under_consent(tx: Tx, event: identity_events.ConsentWithdrawn) -> None:
    """Cancel the runs under a consent, then disable the twins made under it.

    In this order: a run that is being finished holds its row, so that the second statement
    sees the twin it made.
    """
    for run in await store.cancel_under(tx, event.consent_id, CONSENT_WITHDRAWN):
        cancelled = events_pb2.RunCancelled(
            run_id=run.id, talent_id=run.order.talent_id, reason=CONSENT_WITHDRAWN
        )
        await outbox.publish(tx, cancelled)
    await twins_store.disable_under(tx, event.consent_id)
