"""What lies on moodboards of a talent is sealed with her key, and goes when she is erased."""

import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from identity.domain.keys import PersonKeyDestroyed
from identity.keystore import FileKeyStore
from kit.errors import DomainError, NotFound
from kit.inbox import handle_once
from kit.objects import Objects
from PIL import Image
from render import consumers
from sosia.identity.v1 import consent_pb2
from sosia.identity.v1 import events_pb2 as identity_events

FACTS = {"title": "The pier", "credit": "A. Photographer", "rights": "Our own archive."}
PUT = """
    INSERT INTO brief_references (id, brief_id, title, credit, rights, object_key, sha256, width,
        height, added_by, created_at)
    VALUES (:id, :brief_id, 'Old', 'A', 'B', :object_key, :sha256, 9, 9, 'pty_x', now())
"""


def drawn() -> bytes:
    """Return a picture file."""
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG")
    return out.getvalue()


async def added(stage: Any, brief: Any, **facts: str) -> Any:
    """Put a picture on a moodboard."""
    fields = {"brief_id": brief.id, "content": drawn(), "facts": FACTS | facts}
    return (await stage.ask(stage.brand, "AddReference", **fields)).reference


async def where(stage: Any, reference: Any) -> tuple[str, str]:
    """Return where a reference lies, and the SHA-256 of what lies there."""
    query = "SELECT object_key, object_sha256 FROM brief_references WHERE id = :id"
    row = (await stage.execute(query, id=reference.id)).one()
    return row.object_key, row.object_sha256


async def erased(stage: Any, talent: Any) -> None:
    """Erase a talent, with her key, and let render hear of it."""
    await stage.identity.erased(talent)
    handler = partial(consumers.erase, vault=stage.app.vault)
    event = identity_events.TalentErased(talent_id=talent.id)
    await handle_once(stage.app.db, "erased", event, handler)


async def test_after_an_erasure_no_byte_of_a_moodboard_can_be_read(
    stage: Any, tmp_path: Path
) -> None:
    alba, objects = stage.identity.alba, Objects(stage.identity.objects_url)
    brief = await stage.brief()
    kept = await added(stage, brief)
    assert kept.talent_id == alba.id
    object_key, sha256 = await where(stage, kept)
    assert object_key.startswith(f"pictures/{alba.id}/references/")
    backup = await objects.read(object_key)
    assert b"JFIF" not in backup
    shown = await stage.ask(stage.brand, "GetReferencePicture", reference_id=kept.id)
    assert b"JFIF" in shown.content
    keys = FileKeyStore(tmp_path / "identity" / "keys")
    sealed = await stage.vault.take_apart(object_key)
    assert await keys.unwrap(alba.id, sealed.wrapped)
    await erased(stage, alba)
    call = stage.ask(stage.brand, "GetReferencePicture", reference_id=kept.id)
    await stage.identity.refused(call, "REFERENCE_NOT_FOUND", NotFound)
    listed = await stage.ask(stage.brand, "ListReferences", brief_id=brief.id)
    assert list(listed.references) == []
    left = await stage.ask(alba, "GetPicturesErasure", talent_id=alba.id)
    assert (left.objects_left, left.objects_deleted) == (0, 1)
    await objects.put(object_key, backup)  # a backup is restored: her key is not in it
    with pytest.raises(DomainError) as caught:
        await stage.vault.get(object_key, sha256=sha256, step=consent_pb2.STEP_RENDERING)
    assert caught.value.reason in ("PERSON_KEY_DESTROYED", "CONSENT_MISSING")
    with pytest.raises(PersonKeyDestroyed):
        await keys.unwrap(alba.id, sealed.wrapped)


async def test_a_picture_that_shows_another_talent_goes_with_her(stage: Any) -> None:
    alba, cleo = stage.identity.alba, stage.identity.cleo
    brief = await stage.brief()
    hers, own = await added(stage, brief, shows=cleo.id, title="Cleo"), await added(stage, brief)
    assert (hers.talent_id, own.talent_id) == (cleo.id, alba.id)
    await erased(stage, cleo)
    listed = await stage.ask(stage.brand, "ListReferences", brief_id=brief.id)
    assert [one.id for one in listed.references] == [own.id]
    await stage.ask(stage.brand, "GetReferencePicture", reference_id=own.id)
    assert await stage.vault.find(f"{cleo.id}/references", "pictures") == []


async def test_whom_a_picture_shows_must_be_a_talent_who_consented(stage: Any) -> None:
    brief = await stage.brief()
    for shows in ("her", stage.brand.id, "pty_" + "0" * 26):
        error = await stage.refused(added(stage, brief, shows=shows), "FIELD_INVALID")
        assert error.metadata["field"] == "facts.shows"
    stranger = await stage.identity.party("talent")
    await stage.refused(added(stage, brief, shows=stranger.id), "CONSENT_MISSING")
    rows = await stage.execute("SELECT count(*) FROM brief_references")
    assert rows.scalar_one() == 0


async def test_what_lay_in_the_clear_before_goes_too(stage: Any) -> None:
    alba, objects = stage.identity.alba, Objects(stage.identity.objects_url)
    brief = await stage.brief()
    old = f"references/{brief.id}/old.jpg"
    sha256 = await objects.put(old, drawn())
    reference_id = "ref_" + "0" * 26
    row = {"id": reference_id, "brief_id": brief.id, "object_key": old, "sha256": sha256}
    await stage.execute(PUT, **row)
    shown = await stage.ask(stage.brand, "GetReferencePicture", reference_id=reference_id)
    assert shown.sha256 == sha256
    before = await stage.ask(alba, "GetPicturesErasure", talent_id=alba.id)
    assert before.objects_left == 1
    await erased(stage, alba)
    assert await objects.find("references") == []
    left = await stage.ask(alba, "GetPicturesErasure", talent_id=alba.id)
    assert (left.objects_left, left.objects_deleted) == (0, 1)
