"""The door to the weights: a grant that is not right opens nothing."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kit.ids import new_id
from sosia.render.v1 import render_pb2

FAILED = render_pb2.RENDER_STATE_FAILED
DRAFT = render_pb2.RENDER_STATE_DRAFT
CANCELLED = render_pb2.RENDER_STATE_CANCELLED
FACE = {"framing": "face", "pose": "standing", "view": "front", "lighting": "studio soft"}


def claims(stage: Any, brief: Any, **changed: Any) -> dict[str, Any]:
    """Return claims licensing could have made for a brief; None takes one away."""
    now = int(time.time())
    right = {
        "iss": "sosia/licensing",
        "aud": "render",
        "jti": new_id("grt"),
        "iat": now,
        "exp": now + 600,
        "license_id": stage.license.id,
        "twin_version_id": brief.twin_version_id,
        "brief_sha256": brief.sha256,
        "count": len(brief.shots),
    }
    return {key: value for key, value in (right | changed).items() if value is not None}


def encoded(part: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def hs256(said: dict[str, Any], secret: bytes) -> str:
    """Sign with a public key as if it were a secret, which libraries refuse to."""
    body = encoded({"alg": "HS256", "typ": "JWT"}) + b"." + encoded(said)
    mac = base64.urlsafe_b64encode(hmac.digest(secret, body, hashlib.sha256)).rstrip(b"=")
    return (body + b"." + mac).decode()


def forged(stage: Any, brief: Any) -> dict[str, str]:
    """Return grants that must open nothing, by what is wrong with them."""
    key, now = stage.grant_key, int(time.time())
    right = claims(stage, brief)
    public = key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    stranger = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(stranger.public_key().public_bytes_raw()).rstrip(b"=").decode()
    jwk = {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}}
    other = {
        "aud": {"aud": "training"},
        "two audiences": {"aud": ["render", "training"]},
        "iss": {"iss": "somebody"},
        "license": {"license_id": new_id("lic")},
        "twin": {"twin_version_id": new_id("twn")},
        "brief": {"brief_sha256": "0" * 64},
        "count 0": {"count": 0},
        "count as text": {"count": "2"},
        "no jti": {"jti": None},
        "no exp": {"exp": None},
        "an hour": {"exp": now + 3600},
        "from tomorrow": {"iat": now + 86_400, "exp": now + 86_500},
    }
    return {
        "nothing": "",
        "text": "grant",
        "none": f"{encoded({'alg': 'none'}).decode()}.{encoded(right).decode()}.",
        "HS256 with the public key": hs256(right, pem),
        "HS256 with its raw bytes": hs256(right, public.public_bytes_raw()),
        "another key": jwt.encode(right, stranger, algorithm="EdDSA"),
        "another key that it brings": jwt.encode(right, stranger, algorithm="EdDSA", headers=jwk),
        **{
            name: jwt.encode(claims(stage, brief, **changed), key, algorithm="EdDSA")
            for name, changed in other.items()
        },
    }


async def test_a_forged_grant_fails_before_anything_is_read_or_loaded(
    stage: Any, tmp_path: Path
) -> None:
    """The twin's file and every base are gone: whoever reached for them would say so."""
    brief = await stage.brief(shots=[FACE | {"seed": 3}])
    for file in (tmp_path / "identity" / "objects" / "twins").rglob("adapter.safetensors"):
        file.unlink()
    (tmp_path / "nothing").mkdir()
    async with stage.worker(bases=tmp_path / "nothing") as worker:
        for name, token in forged(stage, brief).items():
            (render,) = await stage.started(brief)
            await stage.execute(
                "UPDATE renders SET grant_token = :t WHERE state = 'queued'", t=token
            )
            assert await worker.once()
            found = await stage.get(render)
            assert (name, found.state, found.note) == (name, FAILED, "GRANT_INVALID")
            assert worker.loaded == ""
        (render,) = await stage.started(brief)
        assert await worker.once()
        assert (await stage.get(render)).note == "TWIN_UNUSABLE"
    tokens = await stage.execute("SELECT DISTINCT grant_token FROM renders")
    assert tokens.scalars().all() == [""]


async def test_a_grant_opens_no_more_renders_than_it_counts(stage: Any) -> None:
    brief = await stage.brief()
    renders = await stage.started(brief)
    token = jwt.encode(claims(stage, brief, count=1), stage.grant_key, algorithm="EdDSA")
    await stage.execute("UPDATE renders SET grant_token = :t", t=token)
    async with stage.worker() as worker:
        assert await worker.once()
    found = [await stage.get(render) for render in renders]
    assert sorted(one.state for one in found) == [DRAFT, FAILED]


async def test_a_grant_is_for_one_brief(stage: Any) -> None:
    """Two briefs of the same content have the same hash; the grant is still for the first."""
    shots = [FACE | {"seed": 3}]
    first, second = await stage.brief(shots=shots), await stage.brief(shots=shots)
    assert first.sha256 == second.sha256
    renders = [*await stage.started(first), *await stage.started(second)]
    token = jwt.encode(claims(stage, first, count=9), stage.grant_key, algorithm="EdDSA")
    await stage.execute("UPDATE renders SET grant_token = :t", t=token)
    async with stage.worker() as worker:
        assert await worker.once()
    found = [await stage.get(render) for render in renders]
    assert sorted(one.state for one in found) == [DRAFT, FAILED]


async def expire(stage: Any, brief: Any) -> None:
    """Let every grant that waits have expired."""
    now = int(time.time())
    old = claims(stage, brief, iat=now - 700, exp=now - 100)
    token = jwt.encode(old, stage.grant_key, algorithm="EdDSA")
    await stage.execute("UPDATE renders SET grant_token = :t", t=token)


async def test_a_grant_that_expired_in_the_queue_is_asked_for_anew(stage: Any) -> None:
    brief = await stage.brief()
    renders = await stage.started(brief)
    await expire(stage, brief)
    async with stage.worker() as worker:
        assert await worker.once()
    assert {(await stage.get(render)).state for render in renders} == {DRAFT}


@pytest.mark.parametrize("expired", [True, False])
async def test_a_license_revoked_in_the_queue_ends_the_render(stage: Any, expired: bool) -> None:
    brief = await stage.brief(shots=[FACE | {"seed": 3}])
    (render,) = await stage.started(brief)
    if expired:
        await expire(stage, brief)
    alba = stage.identity.alba
    signature = alba.sign(f"revoke:{stage.license.id}".encode())
    await stage.license_ask(alba, "RevokeLicense", license_id=stage.license.id, signature=signature)
    async with stage.worker() as worker:
        assert await worker.once()
        assert worker.loaded == ""
    found = await stage.get(render)
    assert (found.state, found.note) == (CANCELLED, "LICENSE_NOT_ACTIVE")


async def test_a_consent_withdrawn_in_the_queue_ends_the_render(stage: Any) -> None:
    (render,) = await stage.started(await stage.brief(shots=[FACE | {"seed": 3}]))
    await stage.identity.withdrawn(stage.identity.alba, stage.identity.alba.consent)
    async with stage.worker() as worker:
        assert await worker.once()
        assert worker.loaded == ""
    found = await stage.get(render)
    assert (found.state, found.note) == (CANCELLED, "CONSENT_MISSING")
