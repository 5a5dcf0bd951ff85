"""Keys of objects: only under consent, only for the person, gone when hers is gone."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from identity.app import App
from kit.errors import FailedPrecondition, InvalidArgument
from sosia.identity.v1 import consent_pb2
from sqlalchemy import text

TRAINING = consent_pb2.STEP_TRAINING


async def test_a_data_key_opens_again_under_consent(desk: Any) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent)
    fields = {"talent_id": talent.id, "step": TRAINING}
    one, other = [await desk.ask("service", "CreateDataKey", **fields) for _ in range(2)]
    assert len(one.plaintext) == 32
    assert one.plaintext != other.plaintext
    answer = await desk.ask("service", "UnwrapDataKey", wrapped=one.wrapped, **fields)
    assert answer.plaintext == one.plaintext


async def test_without_a_live_consent_there_is_no_key(desk: Any) -> None:
    talent = await desk.party("talent")
    fields = {"talent_id": talent.id, "step": TRAINING}
    creating = desk.ask("service", "CreateDataKey", **fields)
    await desk.refused(creating, "CONSENT_MISSING", FailedPrecondition)
    consent = await desk.consented(talent, scope=[1, 2])
    key = await desk.ask("service", "CreateDataKey", **fields)
    other_step = {"talent_id": talent.id, "step": consent_pb2.STEP_RENDERING}
    unwrapping = desk.ask("service", "UnwrapDataKey", wrapped=key.wrapped, **other_step)
    await desk.refused(unwrapping, "CONSENT_MISSING")
    await desk.withdrawn(talent, consent)
    unwrapping = desk.ask("service", "UnwrapDataKey", wrapped=key.wrapped, **fields)
    await desk.refused(unwrapping, "CONSENT_MISSING")
    await desk.refused(desk.ask("service", "CreateDataKey", **fields), "CONSENT_MISSING")


async def test_a_key_wrapped_for_one_person_opens_for_no_other(desk: Any) -> None:
    alba, cleo = await desk.party("talent"), await desk.party("talent")
    for talent in (alba, cleo):
        await desk.consented(talent)
        key = await desk.ask("service", "CreateDataKey", talent_id=talent.id, step=TRAINING)
    for wrapped in (key.wrapped, b"", bytes(61), key.wrapped[:-1]):
        fields = {"talent_id": alba.id, "step": TRAINING, "wrapped": wrapped}
        unwrapping = desk.ask("service", "UnwrapDataKey", **fields)
        await desk.refused(unwrapping, "WRAPPED_KEY_INVALID", InvalidArgument)


async def test_a_destroyed_key_is_never_made_again(desk: Any, tmp_path: Path) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent)
    fields = {"talent_id": talent.id, "step": TRAINING}
    key = await desk.ask("service", "CreateDataKey", **fields)
    (tmp_path / "keys" / f"{talent.id}.key").unlink()
    creating = desk.ask("service", "CreateDataKey", **fields)
    await desk.refused(creating, "PERSON_KEY_DESTROYED", FailedPrecondition)
    unwrapping = desk.ask("service", "UnwrapDataKey", wrapped=key.wrapped, **fields)
    await desk.refused(unwrapping, "PERSON_KEY_DESTROYED", FailedPrecondition)


async def test_person_keys_lie_in_closed_files_and_in_no_table(desk: Any, tmp_path: Path) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent)
    fields = {"talent_id": talent.id, "step": TRAINING}
    racing = (desk.ask("service", "CreateDataKey", **fields) for _ in range(6))
    keys = await asyncio.gather(*racing)
    folder = tmp_path / "keys"
    assert os.listdir(folder) == [f"{talent.id}.key"]
    file = folder / f"{talent.id}.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    wrapped = keys[0].wrapped
    opened = AESGCM(file.read_bytes()).decrypt(wrapped[1:13], wrapped[13:], talent.id.encode())
    assert opened == keys[0].plaintext
    async with desk.app.db.begin() as tx:
        for table in ("parties", "outbox", "requests", "photos"):
            rows = repr((await tx.execute(text(f"SELECT to_jsonb(t) FROM {table} t"))).all())
            assert file.read_bytes().hex() not in rows
            assert wrapped.hex() not in rows


async def test_a_key_file_left_by_a_crash_is_used(desk: Any, app: App, tmp_path: Path) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent)
    (tmp_path / "keys" / f"{talent.id}.key").write_bytes(bytes(range(32)))
    key = await desk.ask("service", "CreateDataKey", talent_id=talent.id, step=TRAINING)
    opened = AESGCM(bytes(range(32))).decrypt(
        key.wrapped[1:13], key.wrapped[13:], talent.id.encode()
    )
    assert opened == key.plaintext


@pytest.mark.parametrize("talent_id", ["", "../../x", "a\0b", "pty_" + "0" * 26])
async def test_nobody_has_no_key(desk: Any, talent_id: str) -> None:
    creating = desk.ask("service", "CreateDataKey", talent_id=talent_id, step=TRAINING)
    await desk.refused(creating, "CONSENT_MISSING")
