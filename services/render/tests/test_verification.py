"""What anybody is told of any picture."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from google.protobuf import json_format
from kit.errors import DomainError, InvalidArgument
from PIL import Image
from render.pipeline.marking.fingerprint import fingerprint
from sosia.render.v1 import render_pb2, verify_pb2

CLEAN, DRAFT = render_pb2.PICTURE_KIND_CLEAN, render_pb2.PICTURE_KIND_DRAFT
VERIFIED, RECOVERED = verify_pb2.VERDICT_VERIFIED, verify_pb2.VERDICT_RECOVERED
SUSPECT, UNKNOWN = verify_pb2.VERDICT_SUSPECT, verify_pb2.VERDICT_UNKNOWN


def resaved(content: bytes, quality: int = 80) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(content)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def transplanted(credentials: bytes, picture: bytes) -> bytes:
    """Put one picture's head, with its credentials, before another's data."""
    head, at = [], 2
    while credentials[at + 1] in range(0xE0, 0xF0):
        size = int.from_bytes(credentials[at + 2 : at + 4], "big") + 2
        head.append(credentials[at : at + size])
        at += size
    scan = resaved(picture, 95)
    return scan[:2] + b"".join(head) + scan[2:]


async def verified(stage: Any, content: bytes) -> Any:
    return (await stage.ask("public", "VerifyPicture", content=content)).verification


async def test_a_released_picture_is_known_in_every_form(
    stage: Any, unrelated_picture: bytes
) -> None:
    render = await stage.released()
    content = await stage.picture(stage.brand, render, CLEAN)
    whole = await verified(stage, content)
    assert whole.verdict == VERIFIED
    assert {layer.name: layer.state for layer in whole.layers} == {
        "credentials": "trusted",
        "watermark": "match",
        "fingerprint": "match",
        "metadata": "match",
    }
    again = await verified(stage, resaved(content))
    assert again.verdict == RECOVERED
    for answer in (whole, again):
        assert (answer.render_id, answer.talent, answer.brand) == (render.id, "Alba", "North")
        assert (answer.license_id, answer.license_state) == (stage.license.id, "in term")
        assert answer.consent_receipt_id == stage.identity.alba.consent.receipt_id
        assert answer.license_ends_at == stage.license.ends_at
        assert answer.released_at == render.released_at
        assert list(answer.credits) == list(render.credits)
    stolen = await verified(stage, transplanted(content, unrelated_picture))
    assert stolen.verdict == SUSPECT
    unrelated = await verified(stage, unrelated_picture)
    assert unrelated.verdict == UNKNOWN
    for answer in (stolen, unrelated):
        assert (answer.render_id, answer.talent, answer.brand, answer.license_id) == ("",) * 4
        assert not answer.credits


async def test_what_is_not_released_is_named_to_nobody(stage: Any) -> None:
    """The signature on a leaked draft is ours, so it is suspect; all else of it is unknown."""
    render = await stage.approved()
    row = await stage.execute("SELECT object_key, object_sha256 FROM pictures")
    lies = row.one()
    marked = await stage.vault.get(lies.object_key, sha256=lies.object_sha256, step=4)
    reduced = await stage.picture(stage.brand, render, DRAFT)
    leaked = await verified(stage, marked)
    assert leaked.verdict == SUSPECT
    for content in (resaved(marked), reduced):
        assert (await verified(stage, content)).verdict == UNKNOWN
    assert (leaked.render_id, leaked.talent) == ("", "")


async def test_a_revoked_license_is_said_to_be(stage: Any) -> None:
    render = await stage.released()
    content = await stage.picture(stage.brand, render, CLEAN)
    alba = stage.identity.alba
    signature = alba.sign(f"revoke:{stage.license.id}".encode())
    await stage.license_ask(alba, "RevokeLicense", license_id=stage.license.id, signature=signature)
    answer = await verified(stage, content)
    assert (answer.verdict, answer.license_state) == (VERIFIED, "revoked")


async def test_a_revoked_certificate_counts_no_more_from_then_on(
    stage: Any, secrets: Path, revoked: Path
) -> None:
    """The list is read for every picture: nothing is restarted."""
    content = await stage.picture(stage.brand, await stage.released(), CLEAN)
    assert (await verified(stage, content)).verdict == VERIFIED
    leaf = x509.load_pem_x509_certificate((secrets / "authority" / "chain.pem").read_bytes())
    revoked.write_text(f"serial={leaf.serial_number:X}\n")
    answer = await verified(stage, content)
    assert answer.verdict == RECOVERED
    assert {layer.name: layer.state for layer in answer.layers}["credentials"] == "lapsed"
    revoked.write_text("not a number\n")
    with pytest.raises(DomainError):  # whom not to trust is not known: nobody is
        await verified(stage, content)
    revoked.write_text("")
    assert (await verified(stage, content)).verdict == VERIFIED


CLONE_RENDERS = """
    INSERT INTO renders SELECT (jsonb_populate_record(r, jsonb_build_object(
        'id', r.id || n, 'start_id', r.start_id || n, 'asset_number', 1000 + n))).*
    FROM renders r, generate_series(1, 25) n
"""
CLONE_PICTURES = """
    INSERT INTO pictures SELECT (jsonb_populate_record(p, jsonb_build_object(
        'render_id', p.render_id || n, 'object_key', p.object_key || n,
        'fingerprint', '\\x' || :seen))).*
    FROM pictures p, generate_series(1, 25) n
"""


async def test_a_number_is_found_behind_any_count_of_pictures_that_look_nearer(
    stage: Any,
) -> None:
    render = await stage.released()
    smaller = Image.open(io.BytesIO(await stage.picture(stage.brand, render, CLEAN)))
    copy = io.BytesIO()
    smaller.resize((244, 244), Image.Resampling.BOX).save(copy, "JPEG", quality=80)
    seen = fingerprint(np.asarray(Image.open(copy).convert("RGB"))).hex()
    assert seen != render.fingerprint
    await stage.execute(CLONE_RENDERS)
    await stage.execute(CLONE_PICTURES, seen=seen)
    answer = await verified(stage, copy.getvalue())
    assert (answer.verdict, answer.render_id) == (RECOVERED, render.id)


async def test_a_use_asked_about_is_decided_by_licensing(
    stage: Any, unrelated_picture: bytes
) -> None:
    content = await stage.picture(stage.brand, await stage.released(), CLEAN)

    async def ask(picture: bytes, **use: str) -> Any:
        asked = stage.ask("public", "VerifyPicture", content=picture, **use)
        return (await asked).verification

    assert not (await ask(content)).HasField("use")
    for picture in (content, resaved(content)):
        use = (await ask(picture, media="ecommerce", territory="SE")).use
        assert (use.allowed, list(use.reasons)) == (True, [])
    use = (await ask(content, media="tv", territory="US")).use
    assert not use.allowed
    assert set(use.reasons) == {"MEDIA_NOT_LICENSED", "TERRITORY_NOT_LICENSED"}
    alba = stage.identity.alba
    signature = alba.sign(f"revoke:{stage.license.id}".encode())
    await stage.license_ask(alba, "RevokeLicense", license_id=stage.license.id, signature=signature)
    use = (await ask(content, media="ecommerce", territory="SE")).use
    assert (use.allowed, list(use.reasons)) == (False, ["LICENSE_NOT_ACTIVE"])
    assert not (await ask(unrelated_picture, media="tv", territory="US")).HasField("use")
    for half in ({"media": "tv"}, {"territory": "SE"}):
        call = stage.ask("public", "VerifyPicture", content=content, **half)
        await stage.identity.refused(call, "FIELD_INVALID", InvalidArgument)


async def test_the_answer_does_not_tell_how_near_a_picture_is(stage: Any) -> None:
    """Worse and worse copies get the same answer, to the letter, until they get another one."""
    content = await stage.picture(stage.brand, await stage.released(), CLEAN)
    answers = [json_of(await verified(stage, resaved(content, q))) for q in (95, 80, 60, 40)]
    assert answers[0]["verdict"] == "VERDICT_RECOVERED"
    assert [one for one in answers if one != answers[0]] == []
    assert [leaf for leaf in leaves(answers[0]) if not isinstance(leaf, str)] == []


def json_of(message: Any) -> Any:
    """Return a message as POST /v1/verify writes it."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one)]
    return [value]


@pytest.fixture(scope="session")
def unrelated_picture() -> bytes:
    """A picture that is none of ours."""
    random = np.random.default_rng(4)
    small = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC).save(out, "JPEG")
    return out.getvalue()


async def test_what_is_no_picture_is_refused(open_stage: Any) -> None:
    bomb = io.BytesIO()
    Image.new("1", (7_200, 7_200)).save(bomb, "PNG")
    gif = io.BytesIO()
    Image.new("P", (64, 64)).save(gif, "GIF")
    for content, reason in (
        (b"", "PHOTO_UNREADABLE"),
        (b"junk" * 50, "PHOTO_UNREADABLE"),
        (gif.getvalue(), "PHOTO_UNREADABLE"),
        (bomb.getvalue(), "PHOTO_TOO_LARGE"),
        (bytes(12 * 2**20 + 1), "PHOTO_TOO_LARGE"),
    ):
        call = open_stage.ask("public", "VerifyPicture", content=content)
        await open_stage.identity.refused(call, reason, InvalidArgument)
