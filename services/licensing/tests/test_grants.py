"""Grants: short tokens a worker checks without a call, and what it must not take for one."""

import asyncio
import base64
import hashlib
import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from house.people import stamp
from kit.ids import new_id
from sosia.identity.v1 import consent_pb2
from sqlalchemy import text

BRIEF = "cd" * 32


def read(token: str, public_pem: bytes) -> Any:
    """Check a grant as the README tells workers to."""
    return jwt.decode(
        token,
        load_pem_public_key(public_pem),
        algorithms=["EdDSA"],
        audience="render",
        issuer="sosia/licensing",
        options={"require": ["iss", "aud", "jti", "iat", "exp"]},
    )


@pytest.fixture
def public_pem(settings: Any) -> bytes:
    """The public half of the key licensing signs grants with."""
    return Path(f"{settings.grant_key}.pub").read_bytes()


async def granted(office: Any, license: Any, *, who: Any = None, **fields: Any) -> Any:
    """Ask for a grant."""
    given = {
        "license_id": license.id,
        "twin_version_id": new_id("twn"),
        "brief_sha256": BRIEF,
        "count": 4,
    }
    return await office.ask(who or office.brand, "IssueGrant", **(given | fields))


async def test_a_grant_says_what_may_be_made_for_ten_minutes(
    office: Any, public_pem: bytes
) -> None:
    license, twin = await office.licensed(), new_id("twn")
    answer = await granted(office, license, twin_version_id=twin)
    claims = read(answer.grant, public_pem)
    assert set(claims) == {
        "iss", "aud", "jti", "iat", "exp",
        "license_id", "twin_version_id", "brief_sha256", "count",
    }  # fmt: skip
    assert claims["exp"] - claims["iat"] == 600
    assert answer.expires_at.seconds == claims["exp"]
    said = (claims["license_id"], claims["twin_version_id"], claims["brief_sha256"])
    assert said == (license.id, twin, BRIEF)
    key: Any = load_pem_public_key(public_pem)
    x = base64.urlsafe_b64encode(key.public_bytes_raw())
    members = {"crv": "Ed25519", "kty": "OKP", "x": x.rstrip(b"=").decode()}
    kid = jwt.get_unverified_header(answer.grant)["kid"]
    text = json.dumps(members, separators=(",", ":")).encode()
    assert kid == base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()


async def test_the_token_is_in_no_row_and_no_event(office: Any) -> None:
    token = (await granted(office, await office.licensed())).grant
    for table in ("grants", "outbox", "requests"):
        rows = repr(await office.rows(f"SELECT to_jsonb(t) FROM {table} t"))
        assert token.split(".")[2] not in rows
    (event,) = await office.events("GrantIssued")
    assert event["count"] == 4


async def test_only_the_licensed_brand_and_the_house_are_granted(office: Any) -> None:
    license = await office.licensed()
    for who in (office.brand, office.identity.staff, "service"):
        assert (await granted(office, license, who=who)).grant
    for who, reason in (
        (office.rival, "LICENSE_NOT_FOUND"),
        (office.alba, "NOT_ALLOWED"),
        (office.identity.agency, "NOT_ALLOWED"),
        ("public", "API_KEY_MISSING"),
    ):
        await office.refused(granted(office, license, who=who), reason)
    assert await office.count("grants") == 3


async def test_a_repeat_is_the_same_grant_and_racing_repeats_are_one(
    office: Any, public_pem: bytes
) -> None:
    license, twin = await office.licensed(), new_id("twn")
    fields = {"request_id": "g", "twin_version_id": twin}
    answers = await asyncio.gather(*(granted(office, license, **fields) for _ in range(8)))
    assert len({answer.grant for answer in answers}) == 1
    assert await office.count("grants") == 1
    await office.refused(granted(office, license, count=5, **fields), "REQUEST_REUSED")
    async with office.app.db.begin() as tx:  # as if its ten minutes were over
        old = "issued_at - interval '1 hour', expires_at = expires_at - interval '1 hour'"
        await tx.execute(text(f"UPDATE grants SET issued_at = {old}"))
    again = read((await granted(office, license, **fields)).grant, public_pem)
    assert again["jti"] == read(answers[0].grant, public_pem)["jti"]
    assert again["exp"] - again["iat"] == 600
    await office.revoked(license)
    await office.refused(granted(office, license, **fields), "LICENSE_NOT_ACTIVE")


async def test_no_grant_without_a_live_license(office: Any) -> None:
    proposed = await office.proposed()
    await office.refused(granted(office, proposed), "LICENSE_NOT_ACTIVE")
    ahead = datetime.now(UTC) + timedelta(days=2)
    term = {"starts_at": stamp(ahead), "ends_at": stamp(ahead + timedelta(days=2))}
    early = await office.licensed(uses=[office.use(**term)])
    await office.refused(granted(office, early), "LICENSE_NOT_ACTIVE")
    soon = stamp(datetime.now(UTC) + timedelta(seconds=2))
    short = await office.licensed(uses=[office.use(ends_at=soon)])
    async with asyncio.timeout(10):
        while datetime.now(UTC) < soon.ToDatetime(tzinfo=UTC):
            await asyncio.sleep(0.05)
    await office.refused(granted(office, short), "LICENSE_EXPIRED")
    spent = await office.licensed(image_cap=1)
    await office.released(spent)
    await office.refused(granted(office, spent), "LICENSE_SPENT")
    assert not await office.count("grants")


async def test_no_grant_without_consent_to_rendering(office: Any) -> None:
    license = await office.licensed()
    await office.identity.withdrawn(office.alba, office.alba.consent)
    await office.identity.consented(office.alba, scope=[consent_pb2.STEP_LICENSING])
    error = await office.refused(granted(office, license), "CONSENT_MISSING")
    assert error.metadata


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"twin_version_id": "alba"}, "twin_version_id"),
    ({"brief_sha256": "CD" * 32}, "brief_sha256"),
    ({"brief_sha256": ""}, "brief_sha256"),
    ({"count": 0}, "count"),
    ({"count": -1}, "count"),
    ({"request_id": "a\0b"}, "request_id"),
]


async def test_a_bad_field_is_named(office: Any) -> None:
    license = await office.licensed()
    for changed, field in BAD_FIELDS:
        error = await office.refused(granted(office, license, **changed), "FIELD_INVALID")
        assert error.metadata["field"] == field
    assert not await office.count("grants")


async def test_what_is_forged_is_refused_by_the_check_workers_make(
    office: Any, public_pem: bytes
) -> None:
    token = (await granted(office, await office.licensed())).grant
    claims = read(token, public_pem)
    own = Ed25519PrivateKey.generate()
    head, body, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    hmac = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    more = base64.urlsafe_b64encode(json.dumps(claims | {"count": 99}).encode())
    forged = [
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{hmac}.{body}.{signature}",
        f"{head}.{more.rstrip(b'=').decode()}.{signature}",
        f"{head}.{body}.",
        jwt.encode(claims, own, algorithm="EdDSA", headers=jwt.get_unverified_header(token)),
        jwt.encode(claims, own, algorithm="EdDSA", headers={"jwk": {"kty": "OKP"}}),
    ]
    for one in forged:
        with pytest.raises(jwt.InvalidTokenError):
            read(one, public_pem)


FOR_OTHERS = ({"aud": "gateway"}, {"iss": "sosia"}, {"exp": 1}, {"aud": None}, {"jti": None})


async def test_a_token_for_somebody_else_is_refused_by_the_check_workers_make(
    office: Any, settings: Any, public_pem: bytes
) -> None:
    claims = read((await granted(office, await office.licensed())).grant, public_pem)
    key = settings.grant_key.read_bytes()
    assert read(jwt.encode(claims, key, algorithm="EdDSA"), public_pem)
    for changed in FOR_OTHERS:
        other = {name: value for name, value in (claims | changed).items() if value is not None}
        with pytest.raises(jwt.InvalidTokenError):
            read(jwt.encode(other, key, algorithm="EdDSA"), public_pem)


def test_keygen_writes_a_pair_once(tmp_path: Path) -> None:
    path = tmp_path / "grant.pem"
    command = [sys.executable, "-m", "licensing", "keygen"]
    assert subprocess.run([*command, str(path)], check=False).returncode == 0
    first = path.read_bytes()
    modes = [stat.S_IMODE(Path(f"{path}{end}").stat().st_mode) for end in ("", ".pub")]
    assert modes == [0o600, 0o644]
    again = subprocess.run([*command, str(path)], check=False, capture_output=True)
    assert (again.returncode, path.read_bytes()) == (1, first)
    assert subprocess.run(command, check=False, capture_output=True).returncode == 2
