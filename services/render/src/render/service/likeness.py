"""Whether a talent's released pictures still look like her."""

from kit import outbox
from kit.db import Tx
from kit.ops import log
from sosia.render.v1 import events_pb2

from render import metrics
from render.domain import drift
from render.domain.renders import Render
from render.store import likeness as store


async def tell_drift(tx: Tx, render: Render) -> None:
    """Tell when a release moves the running mean of a talent's pictures out of its band."""
    found = drift.find_drift(await store.find_released(tx, render.talent_id))
    if found is None:
        return
    event = events_pb2.LikenessDrifted(
        talent_id=render.talent_id,
        twin_version_id=render.twin_version_id,
        render_id=render.id,
        mean=found.mean,
        low=found.low,
        high=found.high,
        pictures=found.pictures,
    )
    await outbox.publish(tx, event)
    metrics.DRIFTS.inc()
    log.warning("likeness drifted", talent_id=render.talent_id, mean=found.mean)
