"""Workers: from photos to a twin, and everything that may come between."""

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kit.errors import NotFound, PermissionDenied
from local.process import free_port
from PIL import Image
from sosia.training.v1 import fidelity_pb2, twin_pb2

DONE = twin_pb2.RUN_STATE_DONE
FAILED = twin_pb2.RUN_STATE_FAILED
CANCELLED = twin_pb2.RUN_STATE_CANCELLED
LONG = {"settings": {"steps": 20_000, "rank": 4}}


async def test_a_run_ends_in_a_twin(bench: Any) -> None:
    identity = bench.identity
    alba, agency = identity.alba, identity.agency
    started = await bench.started(alba, settings={"steps": 25, "rank": 4, "seed": 7})
    async with bench.worker() as worker:
        assert await worker.once()
        assert not await worker.once()
    run = await bench.run(started.id)
    assert (run.state, run.step, run.attempt, run.seconds_left) == (DONE, 25, 1, 0)
    twin = await bench.twin(run.twin_version_id)
    assert (twin.run_id, twin.talent_id, twin.base) == (run.id, alba.id, "tiny")
    assert twin.capture_set_id == alba.capture_set_id
    assert (twin.consent_id, twin.consent_receipt_id) == (alba.consent.id, alba.consent.receipt_id)
    assert (twin.steps, twin.likeness.renders) == (25, 12)
    assert twin.final_loss == run.loss > 0
    listed = (await bench.ask(agency, "ListTwins", talent_id=alba.id)).twins
    assert list(listed) == [twin]
    await _check_events(bench, run, twin)
    await _check_files(bench, twin)
    await _check_sheet(bench, twin)
    await _check_report(bench, twin)
    assert not list(bench.settings.work.iterdir())


async def _check_events(bench: Any, run: Any, twin: Any) -> None:
    """See that the run is told from start to end, its steps rising."""
    events = await bench.events()
    names = [name for name, _ in events]
    assert names[:2] == ["RunQueued", "RunStarted"]
    assert names[-2:] == ["TwinTrained", "FidelityMeasured"]
    assert set(names[2:-2]) == {"RunProgressed"}
    steps = [data["step"] for name, data in events if name == "RunProgressed"]
    assert steps == sorted(steps)
    assert all(data["steps"] == 25 and data["loss"] > 0 for _, data in events[2:-2])
    assert events[-2][1] == {
        "twinVersionId": twin.id,
        "runId": run.id,
        "talentId": twin.talent_id,
        "adapterObjectKey": twin.adapter_object_key,
        "adapterSha256": twin.adapter_sha256,
    }


async def _check_files(bench: Any, twin: Any) -> None:
    """See that the adapter lies sealed and is what it should be when opened."""
    sealed = bench.stored(twin.adapter_object_key).read_bytes()
    assert sealed.startswith(b"SOSIA1\n")
    assert b"lora" not in sealed
    assert b"__metadata__" not in sealed
    adapter = await bench.opened(twin.adapter_object_key, twin.adapter_sha256)
    header = json.loads(adapter[8 : 8 + int.from_bytes(adapter[:8], "little")])
    about = json.loads(header.pop("__metadata__")["sosia"])
    assert len(b64decode(about.pop("face"))) == 4 * 128
    assert 0.4 < about.pop("near") < 0.5
    assert len(b64decode(about.pop("rivals"))) == 64 * 4 * 128
    said = {"base_sha256": twin.base_sha256, "rank": 4, "subject": "woman"}
    assert about == said  # of marks nothing: this set has no map
    assert all("lora" in name for name in header)


async def _check_report(bench: Any, twin: Any) -> None:
    """See that the version was measured: random weights draw nobody, so it may not be rendered."""
    report = (await bench.ask(bench.identity.alba, "GetFidelity", twin_version_id=twin.id)).report
    assert (report.renders, report.obedience.pictures) == (12, 16)
    assert report.photos >= 2
    assert report.photos_share > 0
    assert report.verdict.state == fidelity_pb2.FIDELITY_STATE_FAILED
    told = report.verdict
    template = await bench.opened(told.template_object_key, told.template_sha256)
    assert len(template) == 4 * 128
    sealed = bench.stored(told.template_object_key).read_bytes()
    assert template not in sealed


async def _check_sheet(bench: Any, twin: Any) -> None:
    """See that the sheet opens for the near and for nobody else."""
    identity = bench.identity
    fields = {"twin_version_id": twin.id}
    for near in (identity.alba, identity.agency, identity.staff):
        content = (await bench.ask(near, "GetSampleSheet", **fields)).content
        assert Image.open(io.BytesIO(content)).format == "PNG"
    assert not bench.stored(twin.sheet_object_key).read_bytes().startswith(b"\x89PNG")
    brand = await identity.party("brand")
    for other in (identity.cleo, brand, identity.photographer):
        for method in ("GetSampleSheet", "GetTwin"):
            await identity.refused(bench.ask(other, method, **fields), "TWIN_NOT_FOUND", NotFound)
        listing = bench.ask(other, "ListTwins", talent_id=twin.talent_id)
        await identity.refused(listing, "NOT_ALLOWED", PermissionDenied)


@asynccontextmanager
async def process(settings: Any) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Run a worker as a process of its own, which dies with the block."""
    given = settings.model_dump(mode="json", exclude_none=True)
    given["worker_ops_address"] = "127.0.0.1:0"
    own = {f"TRAINING_{name.upper()}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "training", "work"]
    running = subprocess.Popen(command, env=os.environ | own, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


async def test_a_killed_run_goes_on_to_the_weights_of_one_that_was_not(
    bench: Any, tmp_path: Path
) -> None:
    run = await bench.started(bench.identity.alba, settings={"steps": 40, "rank": 4, "seed": 3})
    checkpoint = bench.settings.work / run.id / "1" / "checkpoint.pt"
    async with process(bench.settings) as running:

        async def half_done() -> bool:
            return checkpoint.exists() and _step(checkpoint) >= 20

        await bench.until(half_done)
        running.send_signal(signal.SIGKILL)
        running.wait()
    killed_at = _step(checkpoint)
    assert killed_at < 40
    await bench.expire()
    async with bench.worker() as worker:
        assert await worker.once()
    done = await bench.run(run.id)
    assert (done.state, done.attempt) == (DONE, 2)
    events = await bench.events()
    again = max(place for place, (name, _) in enumerate(events) if name == "RunStarted")
    assert all(data["step"] > killed_at for name, data in events[again:] if "step" in data)
    twin = await bench.twin(done.twin_version_id)
    resumed = await bench.opened(twin.adapter_object_key, twin.adapter_sha256)
    assert resumed == await bench.trained_at_once(bench.identity.alba, done, tmp_path / "other")


def _step(checkpoint: Path) -> int:
    """Return the step a checkpoint was made at."""
    import torch  # noqa: PLC0415

    return int(torch.load(checkpoint, weights_only=True)["step"])


async def test_a_withdrawal_stops_training_and_deletes_checkpoints(
    bench: Any, reading: None
) -> None:
    alba = bench.identity.alba
    run = await bench.started(alba, **LONG)
    async with bench.worker() as worker:
        working = asyncio.create_task(worker.once())
        await bench.until_step(run.id, 30)
        assert list(bench.settings.work.rglob("checkpoint.pt"))
        await bench.identity.withdrawn(alba, alba.consent)
        async with asyncio.timeout(10):
            assert await working
        assert not await worker.once()
    ended = await bench.run(run.id)
    assert (ended.state, ended.reason) == (CANCELLED, "the consent was withdrawn")
    assert ended.step < 20_000
    assert not list(bench.settings.work.iterdir())
    assert not await bench.sql("SELECT * FROM twins")
    assert not (bench.stored("twins") / alba.id).exists()
    assert [name for name, _ in await bench.events()].count("RunCancelled") == 1


async def test_without_the_event_the_worker_itself_finds_the_consent_gone(bench: Any) -> None:
    alba = bench.identity.alba
    queued, running = await bench.started(alba), await bench.started(alba, **LONG)
    async with bench.worker() as worker:
        await bench.sql(
            "UPDATE runs SET created_at = now() + interval '1 h' WHERE id = :id", id=queued.id
        )
        working = asyncio.create_task(worker.once())
        await bench.until_step(running.id, 5)
        await bench.identity.withdrawn(alba, alba.consent)
        async with asyncio.timeout(15):
            assert await working
            assert await worker.once()
        assert not await worker.once()
    for run_id in (queued.id, running.id):
        ended = await bench.run(run_id)
        assert (ended.state, ended.reason) == (CANCELLED, "no live consent covers training")
    assert not list(bench.settings.work.iterdir())
    assert not await bench.sql("SELECT * FROM twins")


async def test_another_consent_does_not_finish_what_a_withdrawn_one_began(bench: Any) -> None:
    alba = bench.identity.alba
    run = await bench.started(alba, settings={"steps": 5, "rank": 4})
    await bench.identity.consented(alba)
    await bench.identity.withdrawn(alba, alba.consent)
    async with bench.worker() as worker:
        assert await worker.once()
    ended = await bench.run(run.id)
    assert (ended.state, ended.reason) == (CANCELLED, "no live consent covers training")
    assert not (bench.stored("twins") / alba.id).exists()


async def test_a_consent_that_took_the_place_of_another_lets_a_run_finish(bench: Any) -> None:
    alba = bench.identity.alba
    run = await bench.started(alba, settings={"steps": 5, "rank": 4})
    await bench.identity.consented(alba, supersedes=alba.consent.id)
    async with bench.worker() as worker:
        assert await worker.once()
    assert (await bench.run(run.id)).state == DONE


async def test_a_worker_that_lost_its_run_leaves_nothing(bench: Any) -> None:
    alba = bench.identity.alba
    run = await bench.started(alba, **LONG)
    async with bench.worker() as worker:
        working = asyncio.create_task(worker.once())
        await bench.until_step(run.id, 5)
        await bench.sql("UPDATE runs SET attempt = attempt + 1")  # another took it
        async with asyncio.timeout(10):
            assert await working
    now = await bench.run(run.id)
    assert (now.state, now.attempt) == (twin_pb2.RUN_STATE_RUNNING, 2)
    assert not (bench.stored("twins") / alba.id).exists()


class Payload:
    """Leaves a trace where somebody unpickles it."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return os.system, (f"touch {self._canary}",)


def unusable(folder: Path, tiny: Path, canary: Path) -> dict[str, str]:
    """Make bases nobody should load: name -> what the reason must name."""
    import torch  # noqa: PLC0415

    names = ("pickled", "beside", "library", "custom", "odd", "text")
    for name in names:
        shutil.copytree(tiny, folder / name)
    weights = folder / "pickled" / "unet" / "diffusion_pytorch_model"
    weights.with_suffix(".safetensors").unlink()
    torch.save(Payload(canary), weights.with_suffix(".bin"))
    torch.save(Payload(canary), folder / "beside" / "vae" / "extra.ckpt")
    index = json.loads((tiny / "model_index.json").read_text())
    module = folder / "custom" / "pipeline.py"
    module.write_text(f"open({str(canary)!r}, 'w')\n")
    odd: dict[str, Any] = {
        "library": index | {"unet": ["subprocess", "Popen"]},
        "odd": index | {"unet": [["diffusers"], 1, 2]},
    }
    for name, entries in odd.items():
        (folder / name / "model_index.json").write_text(json.dumps(entries))
    (folder / "text" / "model_index.json").write_text("import os")
    return {
        "pickled": "diffusion_pytorch_model.bin",
        "beside": "extra.ckpt",
        "custom": "pipeline.py",
        "library": "unet",
        "odd": "model_index.json",
        "text": "model_index.json",
    }


async def test_an_unusable_base_is_refused_before_it_is_loaded(
    bench: Any, tiny_bases: Path, tmp_path: Path
) -> None:
    canary, bases = tmp_path / "canary", tmp_path / "bases"
    named = unusable(bases, tiny_bases / "tiny", canary)
    shutil.copytree(tiny_bases / "tiny", bases / "tiny")
    first = await bench.started(bench.identity.alba)
    await bench.sql("UPDATE runs SET base = 'gone' WHERE id = :id", id=first.id)
    expected = {first.id: "model_index.json"}
    for base, told in named.items():
        run = await bench.started(bench.identity.alba)
        await bench.sql("UPDATE runs SET base = :base WHERE id = :id", base=base, id=run.id)
        expected[run.id] = told
    async with bench.worker(bases=bases) as worker:
        while await worker.once():
            pass
    for run_id, told in expected.items():
        run = await bench.run(run_id)
        assert run.state == FAILED
        assert told in run.reason
        assert str(tmp_path) not in run.reason
    assert not canary.exists()
    assert [name for name, _ in await bench.events()].count("RunFailed") == len(expected)


async def test_a_photo_that_changed_fails_the_run(bench: Any) -> None:
    identity = bench.identity
    found = await identity.ask(
        identity.alba, "GetCaptureSet", capture_set_id=identity.alba.capture_set_id
    )
    one, other = found.capture_set.photos[:2]
    gone = await bench.started(identity.alba)
    bench.stored(one.object_key).unlink()
    async with bench.worker() as worker:
        assert await worker.once()
        changed = await bench.started(identity.alba)
        shutil.copy(bench.stored(other.object_key), bench.stored(one.object_key))
        assert await worker.once()
    for run_id in (gone.id, changed.id):
        run = await bench.run(run_id)
        assert (run.state, run.reason) == (FAILED, f"photo {one.id} is not what was stored")


async def test_a_silent_identity_only_delays_a_run_and_a_cancel_stops_it(bench: Any) -> None:
    alba = bench.identity.alba
    run = await bench.started(alba, **LONG)
    host, _, port = bench.identity.address.partition(":")
    carried: list[asyncio.StreamWriter] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        carried.extend((writer, far_writer))
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))

    closed = free_port()
    async with bench.worker(identity_address=f"127.0.0.1:{closed}") as worker:
        working = asyncio.create_task(worker.once())
        await asyncio.sleep(3.5)  # longer than a call tries by itself
        assert not working.done()
        assert (await bench.run(run.id)).state == twin_pb2.RUN_STATE_RUNNING
        door = await asyncio.start_server(carry, "127.0.0.1", closed)
        await bench.until_step(run.id, 5)
        await bench.ask(alba, "CancelRun", run_id=run.id)
        async with asyncio.timeout(10):
            assert await working
    door.close()
    for writer in carried:
        writer.close()
    ended = await bench.run(run.id)
    assert (ended.state, ended.attempt) == (CANCELLED, 1)
    assert [name for name, _ in await bench.events()][-1] == "RunCancelled"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


async def test_a_worker_told_to_end_ends_and_leaves_the_run_to_another(bench: Any) -> None:
    run = await bench.started(bench.identity.alba, **LONG)
    async with bench.worker() as worker:
        working = asyncio.create_task(worker.once())
        await bench.until_step(run.id, 5)
        working.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(working, return_exceptions=True)
    assert working.cancelled()
    assert (await bench.run(run.id)).state == twin_pb2.RUN_STATE_RUNNING
    assert (bench.settings.work / run.id / "1").is_dir()
