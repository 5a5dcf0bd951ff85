"""Two talents who consented, with capture sets that are ready: made once, copied per test."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import rfc8785
from identity import app as composition
from kit import outbox, rpc
from local.nats import running_nats
from local.postgres import Postgres
from sosia.identity.v1 import consent_pb2, identity_service_pb2_grpc

from house import databases
from house.people import Desk, Person, find_staff, photos, settings_on, write_secrets

PHOTOS = (*range(8), 9, 12, 22, 35)
"""The least that makes a set: every view of the face, a second light, her build."""
_FILES = ("objects", "keys", "log.pem", "staff.key")


@dataclass(kw_only=True)
class Talent(Person):
    """A talent who consented to every step, and her capture set, which is ready."""

    consent: consent_pb2.Consent
    capture_set_id: str


@dataclass(kw_only=True)
class Identity(Desk):
    """identity, open on the test's own parts, and who is in it from the start."""

    alba: Talent
    cleo: Talent
    agency: Person
    """Represents Alba, at 15 %."""
    photographer: Person
    """Credited on Alba's capture set."""
    address: str
    """host:port of its gRPC."""
    objects_url: str
    """Where sealed files lie; other services keep theirs there too."""


@dataclass(frozen=True)
class Prepared:
    """What is copied for each test."""

    database: str
    folder: Path
    people: dict[str, Any]


def prepare(postgres: Postgres, folder: Path) -> Prepared:
    """Fill an identity once: register, consent, capture."""
    with running_nats(folder / "nats") as nats, ThreadPoolExecutor(1) as thread:
        making: Coroutine[Any, Any, Prepared] = _prepare(postgres, folder, nats.url)
        return thread.submit(asyncio.run, making).result()


async def _prepare(postgres: Postgres, folder: Path, nats_url: str) -> Prepared:
    database = await databases.create_database(postgres, "identity")
    write_secrets(folder)
    settings = settings_on(folder, postgres.url(database), nats_url)
    async with (
        composition.build(settings) as app,
        rpc.open_channel(f"127.0.0.1:{app.port}") as channel,
    ):
        stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
        desk = Desk(app, stub, await find_staff(stub))
        agency, photographer = await desk.party("agency"), await desk.party("crew")
        credits = [{"party_id": photographer.id, "role": "photographer"}]
        people = {
            "alba": await _talent(desk, "alba", credits),
            "cleo": await _talent(desk, "cleo", []),
            "agency": agency,
            "photographer": photographer,
        }
        await represent(desk, agency, people["alba"])
    return Prepared(database, folder, people)


async def _talent(desk: Desk, name: str, credits: list[dict[str, str]]) -> Talent:
    person = await desk.party("talent", public_name=name.title())
    consent = await desk.consented(person)
    opening = desk.ask(person, "OpenCaptureSet", talent_id=person.id, credits=credits)
    set_id = (await opening).capture_set.id
    taken = photos(name)
    for number in PHOTOS:
        await desk.photo(person, set_id, taken[number])
    await desk.ask(person, "CloseCaptureSet", capture_set_id=set_id)
    return Talent(
        id=person.id, kind="talent", key=person.key, consent=consent, capture_set_id=set_id
    )


async def represent(
    desk: Desk, agency: Person, talent: Person, *, jurisdiction: str = "SE"
) -> None:
    """Let an agency represent a talent from yesterday on for 300 days, at 15 %."""
    starts = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    ends = starts + timedelta(days=300)
    said = {
        "type": "sosia.representation/1",
        "agency_id": agency.id,
        "talent_id": talent.id,
        "commission_bp": 1500,
        "jurisdiction": jurisdiction,
        "starts_at": starts.isoformat().replace("+00:00", "Z"),
        "ends_at": ends.isoformat().replace("+00:00", "Z"),
    }
    fields = {key: value for key, value in said.items() if key != "type"}
    fields |= {"starts_at": starts, "ends_at": ends}
    signature = talent.sign(rfc8785.dumps(said))
    await desk.ask(agency, "AgreeRepresentation", signature=signature, **fields)


@asynccontextmanager
async def opened(
    prepared: Prepared,
    postgres: Postgres,
    folder: Path,
    nats_url: str,
    *,
    jurisdictions: Path | None = None,
) -> AsyncIterator[Identity]:
    """Open an identity on a copy, its relay and its consumer running."""
    folder.mkdir()
    for name in _FILES:
        source = prepared.folder / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    database = await databases.create_copy(postgres, prepared.database)
    laws = {"jurisdictions": jurisdictions}
    settings = settings_on(folder, postgres.url(database), nats_url, **laws)
    async with composition.build(settings) as app:
        address = f"127.0.0.1:{app.port}"
        async with rpc.open_channel(address) as channel:
            stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
            tasks = [
                asyncio.create_task(outbox.relay(app.db, app.bus, "identity")),
                asyncio.create_task(app.consumer.run()),
            ]
            try:
                yield Identity(
                    app=app,
                    stub=stub,
                    staff=await find_staff(stub),
                    **prepared.people,
                    address=address,
                    objects_url=settings.objects_url,
                )
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
