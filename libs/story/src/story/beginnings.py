"""From a person to her twin: consent, capture set, training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from story.api import to_bytes
from story.cast import Cast, Stuck, stamp
from story.samples import Sample

SCOPE = ("CAPTURE", "TRAINING", "LICENSING", "RENDERING", "DELIVERY")
_UPLOADS_AT_ONCE = 4
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
    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        sent = [
            pool.submit(photographer.upload, f"{path}/photos", p.name, p.content, p.facts)
            for p in sample.photos
        ]
        for done, upload in enumerate(sent, start=1):
            upload.result()
            progress(done, len(sent))
    return photographer.post(f"{path}/close")["capture_set"]


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
