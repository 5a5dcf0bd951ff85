"""training as a whole beside a real identity, on a base of random weights."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from kit import rpc
from kit.objects import Objects
from local.process import free_port
from sosia.training.v1 import training_service_pb2 as pb
from sosia.training.v1 import training_service_pb2_grpc
from sqlalchemy import text
from training import app as composition
from training.app import App
from training.settings import Settings
from vault import RemoteKeys, Vault

_numbers = count(1)


@dataclass
class Bench:
    """Calls of training, its workers, and what lies behind them."""

    identity: Any
    app: App
    stub: training_service_pb2_grpc.TrainingServiceStub
    settings: Settings

    async def ask(self, person: Any, method: str, **fields: Any) -> Any:
        """Call a method; a command gets a request id of its own unless one is given."""
        kind = getattr(pb, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            fields.setdefault("request_id", f"r{next(_numbers)}")
        with self.identity.as_(person):
            return await rpc.call(getattr(self.stub, method), kind(**fields))

    async def refused(self, call: Awaitable[Any], reason: str) -> Any:
        """See that a call is refused with a reason; return the error."""
        return await self.identity.refused(call, reason)

    def order(self, talent: Any, **changed: Any) -> dict[str, Any]:
        """Return what a run of hers is asked with."""
        fields = {
            "talent_id": talent.id,
            "capture_set_id": talent.capture_set_id,
            "base": "tiny",
            "settings": {"steps": 20, "rank": 4, "seed": 7},
        }
        return fields | changed

    async def started(self, talent: Any, **changed: Any) -> Any:
        """Queue a run of hers."""
        return (await self.ask(talent, "StartRun", **self.order(talent, **changed))).run

    async def run(self, run_id: str) -> Any:
        """Return a run as it is now."""
        return (await self.ask(self.identity.staff, "GetRun", run_id=run_id)).run

    async def twin(self, twin_version_id: str) -> Any:
        """Return a twin version."""
        answer = await self.ask(self.identity.staff, "GetTwin", twin_version_id=twin_version_id)
        return answer.twin

    def worker(self, **changed: Any) -> AbstractAsyncContextManager[Any]:
        """Open a worker of its own."""
        return _worker(self.settings.model_copy(update=changed))

    async def opened(self, object_key: str, sha256: str) -> bytes:
        """Open a sealed file, as a service under live consent."""
        vault = Vault(Objects(self.settings.objects_url), RemoteKeys(self.identity.stub))
        with self.identity.as_("service"):
            return await vault.get(object_key, sha256=sha256, step=2)

    async def trained_at_once(self, talent: Any, run: Any, folder: Path) -> bytes:
        """Return the adapter of the same run made here, without a stop."""
        from imaging.faces import Faces  # noqa: PLC0415
        from imaging.pipeline.tracks import Mapped  # noqa: PLC0415
        from training.clients import Identity  # noqa: PLC0415 -- brings torch
        from training.dataset import Datasets  # noqa: PLC0415
        from training.pipeline import adapter  # noqa: PLC0415
        from training.pipeline.fidelity import identity  # noqa: PLC0415
        from training.pipeline.fidelity.holding import held_out  # noqa: PLC0415
        from training.pipeline.teaching import Teacher  # noqa: PLC0415

        vault = Vault(Objects(self.settings.objects_url), RemoteKeys(self.identity.stub))
        with self.identity.as_("service"):
            shown = await Datasets(Identity(self.identity.stub), vault).fetch(talent.capture_set_id)
        asked = run.settings
        plan = adapter.Plan(
            self.settings.bases / run.base, folder, asked.steps, asked.rank, asked.seed
        )
        photos = [adapter.Photo(photo.pixels, photo.caption) for photo in shown.photos]
        held = held_out([photo.caption for photo in photos])
        taught = [photo for place, photo in enumerate(photos) if place not in held]
        trained = await asyncio.to_thread(
            Teacher(Faces(), identity.load_cohort()).teach,
            plan,
            taught,
            [Mapped(*mark) for mark in shown.marks],
            progress=lambda _: None,
            should_stop=lambda: False,
        )
        return trained.adapter

    def stored(self, object_key: str) -> Path:
        """Return where a file lies."""
        return Path(self.settings.objects_url.removeprefix("file://")) / object_key

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement on training's database; return its rows, if it has any."""
        async with self.app.db.begin() as tx:
            result = await tx.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return name and data of every event, in order."""
        rows = await self.sql("SELECT type, data FROM outbox ORDER BY number")
        return [(row.type.rsplit(".", 1)[1], row.data) for row in rows]

    async def expire(self) -> None:
        """Let the lease of every run end now, as if its worker had fallen silent."""
        await self.sql("UPDATE runs SET lease_ends_at = now() WHERE state = 'running'")

    async def until(self, found: Callable[[], Awaitable[Any]], *, deadline_s: float = 240) -> Any:
        """Wait until a condition holds and return what it gave."""
        async with asyncio.timeout(deadline_s):
            while not (result := await found()):
                await asyncio.sleep(0.05)
            return result

    async def until_step(self, run_id: str, step: int) -> None:
        """Wait until a run in work has come to a step."""

        async def is_there() -> bool:
            return bool((await self.run(run_id)).step >= step)

        await self.until(is_there)


@asynccontextmanager
async def _worker(settings: Settings) -> AsyncIterator[Any]:
    from training import worker  # noqa: PLC0415 -- brings torch

    own = settings.model_copy(update={"worker_ops_address": f"127.0.0.1:{free_port()}"})
    async with worker.build(own) as opened:
        yield opened


@pytest.fixture
def settings(
    identity: Any, database_url: str, nats_url: str, tiny_bases: Path, tmp_path: Path
) -> Settings:
    """Settings on this test's own parts."""
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        rpc_address="127.0.0.1:0",
        ops_address=f"127.0.0.1:{free_port()}",
        objects_url=identity.objects_url,
        identity_address=identity.address,
        bases=tiny_bases,
        work=tmp_path / "work",
        worker_ops_address="127.0.0.1:0",
        tries=2,
    )


@pytest_asyncio.fixture
async def bench(identity: Any, settings: Settings) -> AsyncIterator[Bench]:
    """training, open, and a caller of it; nothing reads identity's events unless a test does."""
    async with (
        composition.build(settings) as app,
        rpc.open_channel(f"127.0.0.1:{app.port}") as channel,
    ):
        stub = training_service_pb2_grpc.TrainingServiceStub(channel)
        yield Bench(identity, app, stub, settings)


@pytest_asyncio.fixture
async def reading(bench: Bench) -> AsyncIterator[None]:
    """identity's events are read while the test runs."""
    task = asyncio.create_task(bench.app.consumer.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
