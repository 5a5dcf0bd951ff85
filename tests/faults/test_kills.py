"""Processes killed with SIGKILL: nothing acknowledged is lost, nothing happens twice."""

import os
import signal
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from house.streams import read_events
from kit.bus import CloudEvent
from story import beginnings, licensing, pictures
from story.api import Refused

from .conftest import Stage

DEADLINE_S = 90.0


def wait_for(found: Callable[[], Any], *, deadline_s: float = DEADLINE_S) -> Any:
    """Return what `found` finds, as soon as it finds anything."""
    end = time.monotonic() + deadline_s
    while not (answer := found()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)
    return answer


def events_about(stage: Stage, subject: str, named: str) -> list[CloudEvent]:
    """Return a kind of event that mentions an id."""
    events = read_events(stage.house, subject.split(".", maxsplit=1)[0])
    return [e for e in events if e.subject == subject and named in str(e.data)]


def assert_told_once(stage: Stage, subject: str, named: str) -> None:
    """See that an event arrives, which takes the relay a moment, and that no second one does."""
    wait_for(lambda: events_about(stage, subject, named))
    time.sleep(1)  # a second copy would come now
    assert len(events_about(stage, subject, named)) == 1


def register(stage: Stage) -> str:
    body = {
        "kind": "PARTY_KIND_CREW",
        "name": "A passer-by",
        "public_name": "P.",
        "synthetic": True,
    }
    return str(stage.staff.post("/v1/parties", body)["party"]["id"])


def set_rate_card(stage: Stage) -> str:
    return str(licensing.set_rate_card(stage.cast)["id"])


def queue_training(stage: Stage) -> str:
    order = beginnings.Order(stage.capture_set_id, "tiny", {"steps": 1, "rank": 1})
    return str(beginnings.start_training(stage.cast, order)["id"])


def write_brief(stage: Stage) -> str:
    return str(pictures.brief(stage.cast, stage.license, stage.twin, stage.campaign)["id"])


@pytest.mark.parametrize(
    ("service", "subject", "command"),
    [
        ("identity", "identity.v1.party_registered", register),
        ("training", "training.v1.run_queued", queue_training),
        ("licensing", "licensing.v1.rate_card_set", set_rate_card),
        ("render", "render.v1.brief_created", write_brief),
    ],
)
def test_an_event_survives_a_kill_between_commit_and_publish(
    stage: Stage, service: str, subject: str, command: Callable[[Stage], str]
) -> None:
    house = stage.house
    with house.without("nats"):  # so that what commits now cannot have been published
        made = command(stage)
        house.kill(service)
    house.start(service)
    house.wait_ready(service)
    assert_told_once(stage, subject, made)


def test_a_render_whose_worker_was_killed_is_made_once(stage: Stage) -> None:
    brand, brief_id = stage.cast.brands[0].api, write_brief(stage)
    stage.house.kill("render-worker", signal.SIGSTOP)  # so that the moment can be chosen
    path = f"/v1/briefs/{brief_id}/renders"
    brand.post(path)
    stage.house.kill("render-worker", signal.SIGCONT)

    def running() -> bool:
        return any(r["state"] == "RENDER_STATE_RUNNING" for r in brand.get(path)["renders"])

    wait_for(running)
    stage.house.kill("render-worker")
    stage.house.start("render-worker")
    renders = pictures.wait_for_drafts(stage.cast, brief_id, lambda done, of: None)
    assert max(int(render["attempt"]) for render in renders) == 2
    for render in renders:
        assert_told_once(stage, "render.v1.render_drafted", render["id"])


def test_training_goes_on_where_its_worker_was_killed(stage: Stage) -> None:
    order = beginnings.Order(stage.capture_set_id, "tiny", {"steps": 200, "rank": 2})
    run = beginnings.start_training(stage.cast, order)
    path = f"/v1/training-runs/{run['id']}"

    def at() -> int:
        return int(stage.cast.agency.api.get(path)["run"]["step"])

    wait_for(lambda: at() >= 40)
    stage.house.kill("training-worker")
    stage.house.start("training-worker")
    twin = beginnings.wait_for_twin(stage.cast, run, lambda run: None)
    run = stage.cast.agency.api.get(path)["run"]
    assert int(run["attempt"]) == 2
    assert_told_once(stage, "training.v1.twin_trained", twin["id"])
    resumed = [
        line
        for line in stage.house.log("training-worker").read_text().splitlines()
        if run["id"] in line and '"attempt": 2' in line and "run taken" in line
    ]
    assert '"step": 0' not in resumed[0]


def test_postgres_killed_under_load_loses_no_acknowledged_command(stage: Stage) -> None:
    keys = [uuid.uuid4().hex for _ in range(60)]

    def ask(key: str) -> str | None:
        body = {"kind": "PARTY_KIND_CREW", "name": key, "public_name": "P.", "synthetic": True}
        try:
            return str(stage.staff.post("/v1/parties", body, once=key)["party"]["id"])
        except (Refused, OSError):
            return None

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, key) for key in keys]
        wait_for(lambda: sum(answer.done() for answer in asked) >= 10)
        with stage.house.without("postgres"):
            pass
        first = [answer.result() for answer in asked]
    stage.house.wait_ready()
    again = [wait_for(lambda key=key: ask(key)) for key in keys]
    for before, after in zip(first, again, strict=True):
        assert before in (None, after)
    names = [stage.staff.get(f"/v1/parties/{party_id}")["party"]["name"] for party_id in again]
    assert names == keys
    assert len(set(again)) == len(keys)


def test_every_process_is_the_one_the_house_started(stage: Stage) -> None:
    os.kill(stage.house.pid("gateway"), 0)
    assert stage.house.find_ended() is None
