"""From a person to her twin: consent, capture set, training."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from uploads import File, Progress, Sender, open_client

from story.api import Api, to_bytes
from story.cast import Cast, Stuck, stamp
from story.samples import Sample

SCOPE = ("CAPTURE", "TRAINING", "LICENSING", "RENDERING", "DELIVERY")
_ENDED = ("RUN_STATE_DONE", "RUN_STATE_FAILED", "RUN_STATE_CANCELLED")


@dataclass(frozen=True, slots=True)
class Order:
    """What a twin is to be trained from, and how; no settings: the house's own."""

    capture_set_id: str
    base: str = "mini"
    settings: Mapping[str, int] = field(default_factory=dict)


def consent_terms(cast: Cast) -> dict[str, Any]:
    """Return what the talent consents to: every step, for two years."""
    now = datetime.now(UTC)
    return {
        "talent_id": cast.talent.id,
        "scope": [f"STEP_{step}" for step in SCOPE],
        "purpose": "Pictures of my digital twin for fashion campaigns.",
        "rate_of_pay": {"currency_code": "EUR", "amount_minor": 120_000},
        "rate_basis": "per day of comparable work",
        "starts_at": stamp(now - timedelta(minutes=1)),
        "ends_at": stamp(now + timedelta(days=730)),
        "uses": "Online shops, social media and print, in the territories of each license.",
        "language": "en",
        "advice": "ADVICE_UNION",
        "withdrawal_policy": "WITHDRAWAL_POLICY_RUN_TO_TERM",
        "prohibited_contexts": ["nudity", "politics", "tobacco"],
    }


def consent(cast: Cast) -> Any:
    """Have the agency propose terms and the talent, and only she, sign them."""
    body = {"terms": consent_terms(cast)}
    proposed = cast.agency.api.post("/v1/consents", body)["consent"]
    signature = cast.talent.sign(to_bytes(proposed["statement"]))
    path = f"/v1/consents/{proposed['id']}/sign"
    return cast.talent.api.post(path, {"signature": signature})["consent"]


def capture(cast: Cast, sample: Sample, progress: Callable[[int, int], None]) -> Any:
    """Have the photographer open a capture set, upload every photo and close it.

    `progress` is told how many of how many photos were accepted.
    """
    photographer = cast.crew["photographer"].api
    body = {
        "talent_id": cast.talent.id,
        "marks": [dict(mark) for mark in sample.marks],
        "credits": [
            {"party_id": cast.crew[role].id, "role": role}
            for role in ("photographer", "stylist", "makeup_artist")
        ],
    }
    opened = photographer.post("/v1/capture-sets", body)["capture_set"]
    path = f"/v1/capture-sets/{opened['id']}"
    asyncio.run(_upload(photographer, opened["id"], sample, progress))
    return photographer.post(f"{path}/close")["capture_set"]


async def _upload(
    photographer: Api, capture_set_id: str, sample: Sample, progress: Callable[[int, int], None]
) -> None:
    """Send every photo, in parts and several at a time.

    Raises:
        Stuck: one was not taken.
    """
    files = [File(one.name, one.content, one.facts) for one in sample.photos]
    accepted: list[str] = []

    def tell(told: Progress) -> None:
        if told.outcome is not None and told.outcome.is_in:
            accepted.append(told.name)
            progress(len(accepted), len(files))

    async with open_client(photographer.url, photographer.key) as client:
        outcomes = await Sender(client, capture_set_id, tell=tell).send_all(files)
    refused = [f"{one.name}: {one.rule}" for one in outcomes if not one.is_in]
    if refused:
        raise Stuck(f"photos were not taken: {'; '.join(refused)}")


def start_training(cast: Cast, order: Order) -> Any:
    """Have the agency queue a training run."""
    body = {
        "talent_id": cast.talent.id,
        "capture_set_id": order.capture_set_id,
        "base": order.base,
        "settings": dict(order.settings),
    }
    return cast.agency.api.post("/v1/training-runs", body)["run"]


def train(cast: Cast, order: Order, progress: Callable[[Any], None]) -> Any:
    """Train a twin and return its version; `progress` is told the run.

    Raises:
        Stuck: the run failed or was cancelled.
    """
    return wait_for_twin(cast, start_training(cast, order), progress)


def stand_by(cast: Cast, twin: Any) -> Any:
    """Return a twin's fidelity report; the talent signs its figures where it is below the bar."""
    path = f"/v1/twins/{twin['id']}/fidelity"
    report = cast.talent.api.get(path)["report"]
    if report["verdict"]["state"] != "FIDELITY_STATE_FAILED":
        return report
    signature = cast.talent.sign(to_bytes(report["statement"]))
    return cast.talent.api.post(f"{path}/accept", {"signature": signature})["report"]


def wait_for_twin(cast: Cast, run: Any, progress: Callable[[Any], None]) -> Any:
    """Wait until a run is over and return its twin version.

    Raises:
        Stuck: the run failed or was cancelled.
    """
    while run["state"] not in _ENDED:
        time.sleep(0.5)
        run = cast.agency.api.get(f"/v1/training-runs/{run['id']}")["run"]
        progress(run)
    if run["state"] != "RUN_STATE_DONE":
        raise Stuck(f"the training run ended as {run['state']}: {run['reason']}")
    return cast.agency.api.get(f"/v1/twins/{run['twin_version_id']}")["twin"]
