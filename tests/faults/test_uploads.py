"""Uploads whose services are killed: only the part in flight is sent again."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from local.house import ROOT
from story.cast import Cast
from story.samples import Sample, load_talent
from uploads import File, Outcome, Progress, Sender, open_client
from uploads.sending import PART_BYTES

from .conftest import Stage

PARTS = 6


@pytest.fixture(scope="module")
def sample() -> Sample:
    return load_talent(ROOT / "samples/talents/alba")


def long_files(sample: Sample, most: int) -> list[File]:
    """Return photos of some parts each: what is behind a picture does not harm it."""
    padding = bytes(PARTS * PART_BYTES)
    return [File(one.name, one.content + padding, one.facts) for one in sample.photos[:most]]


def open_set(cast: Cast) -> str:
    photographer = cast.crew["photographer"].api
    opened = photographer.post("/v1/capture-sets", {"talent_id": cast.talent.id})
    return str(opened["capture_set"]["id"])


def send(stage: Stage, set_id: str, files: Sequence[File], told: list[Progress]) -> list[Outcome]:
    photographer = stage.cast.crew["photographer"].api

    async def sending() -> list[Outcome]:
        async with open_client(photographer.url, photographer.key) as client:
            return await Sender(client, set_id, tell=told.append).send_all(files)

    return asyncio.run(sending())


def wait_until_sent(told: list[Progress], parts: int) -> None:
    """Wait until so many parts were acknowledged."""
    end = time.monotonic() + 60
    while sum(progress.sent > 0 for progress in told) < parts:
        assert time.monotonic() < end, "nothing is sent"
        time.sleep(0.01)


def wait_until_cleared(stage: Stage, set_id: str) -> None:
    """Wait until no part of a set lies anywhere, a half-written one neither."""
    folder = stage.house.folder / "objects" / "captures" / stage.cast.talent.id / set_id
    end = time.monotonic() + 30  # identity looks every ten seconds
    while left := [path for path in folder.glob("uploads/*/*") if path.is_file()]:
        assert time.monotonic() < end, left
        time.sleep(0.2)


def kept(stage: Stage, set_id: str) -> dict[str, Any]:
    path = f"/v1/capture-sets/{set_id}"
    photos = stage.cast.crew["photographer"].api.get(path)["capture_set"]["photos"]
    return {photo["filename"]: photo for photo in photos}


@pytest.mark.parametrize("service", ["identity", "gateway"])
def test_a_kill_in_the_middle_costs_the_parts_in_flight(
    stage: Stage, sample: Sample, service: str
) -> None:
    files, told, set_id = long_files(sample, 6), [], open_set(stage.cast)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, stage, set_id, files, told)
        wait_until_sent(told, 9)
        stage.house.kill(service)
        before = {progress.name: progress.sent for progress in told if progress.outcome is None}
        time.sleep(0.5)
        stage.house.start(service)
        stage.house.wait_ready(service)
        outcomes = sending.result(timeout=120)
    assert all(outcome.is_in for outcome in outcomes), outcomes
    for name, sent in before.items():  # nothing that was acknowledged was sent again
        offsets = [one.sent for one in told if one.name == name]
        assert offsets == sorted(offsets), (name, sent)
    assert sorted(kept(stage, set_id)) == sorted(file.name for file in files)
    wait_until_cleared(stage, set_id)


def test_what_a_killed_sender_had_brought_is_taken_up_by_the_next(
    stage: Stage, sample: Sample
) -> None:
    (file,), set_id = long_files(sample, 1), open_set(stage.cast)
    photographer = stage.cast.crew["photographer"].api

    async def begin() -> str:
        async with open_client(photographer.url, photographer.key) as client:
            sending = asyncio.create_task(Sender(client, set_id, tell=told.append).send_all([file]))
            while not told or told[-1].sent < 2 * PART_BYTES:
                await asyncio.sleep(0.005)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            path = f"/v1/capture-sets/{set_id}/uploads"
            (upload,) = (await client.get(path)).json()["uploads"]
            assert int(upload["offset"]) >= 2 * PART_BYTES
            return str(upload["sha256"])

    told: list[Progress] = []
    assert asyncio.run(begin()) == hashlib.sha256(file.read()).hexdigest()
    stage.house.kill("identity")
    stage.house.start("identity")
    stage.house.wait_ready("identity")
    again: list[Progress] = []
    (outcome,) = send(stage, set_id, [file], again)
    assert outcome.is_in
    assert min(progress.sent for progress in again) >= 2 * PART_BYTES
