"""Time stamps keep signatures trusted when certificates have ended."""

import hashlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import c2pa  # type: ignore[import-untyped]
import pytest
from asn1crypto import core, tsp  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID
from render.domain.verdicts import Seal
from render.pipeline.marking import credentials
from render.pipeline.marking.authority import (
    CredentialsBroken,
    SigningCredentials,
    load_credentials,
    make_credentials,
    renew_credentials,
)
from render.pipeline.marking.credentials import Claim
from render.pipeline.marking.renewal import CertificateExpired, KeptCredentials
from render.pipeline.marking.request import Pixels
from render.pipeline.marking.timestamps import POLICY, TimeStampAuthority, open_authority

Draw = Callable[[int, int], Pixels]
NOW = datetime.now(UTC).replace(microsecond=0)
LIFE = timedelta(days=90)


@dataclass(frozen=True)
class Aged:
    """Credentials whose leaf has ended, and what they signed in several ways before."""

    folder: Path
    old: SigningCredentials
    signed: dict[str, bytes]


@pytest.fixture(scope="module")
def aged(
    tmp_path_factory: pytest.TempPathFactory,
    jpeg: bytes,
    claim: Claim,
) -> Aged:
    """Sign while the certificate is valid, for the library does not sign later; then wait."""
    folder = tmp_path_factory.mktemp("old") / "credentials"
    long_ago = datetime.now(UTC) - LIFE
    stranger = make_credentials(folder.parent / "stranger", organization="Else", now=long_ago)
    old = make_credentials(folder, organization="Sosia", now=long_ago + timedelta(seconds=6))
    before, after = old.ends_at - timedelta(days=10), old.ends_at + timedelta(days=1)
    signed = {"bare": credentials.sign(jpeg, claim, old).data}
    for name, who, when in (
        ("stamped", old, before),
        ("stamped late", old, after),
        ("stamped by a stranger", stranger, before),
    ):
        with open_authority(_authority(who, when)) as url:
            signed[name] = credentials.sign(jpeg, claim, old, url).data
    remote = replace(old, key=b"", callback=_signing_elsewhere(old.key))
    with open_authority(_authority(old, before)) as url:
        signed["by callback"] = credentials.sign(jpeg, claim, remote, url).data
    assert credentials.read(signed["bare"], old.anchors).seal is Seal.TRUSTED
    while datetime.now(UTC) <= old.ends_at + timedelta(seconds=1):
        time.sleep(0.1)
    return Aged(folder, old, signed)


def _authority(who: SigningCredentials, when: datetime) -> TimeStampAuthority:
    return TimeStampAuthority(who.stamp_chain, who.stamp_key, lambda: when)


def _signing_elsewhere(pem: bytes) -> Callable[[bytes], bytes]:
    """Return what a key service does: ES256, as r and s."""
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)

    def sign(data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


@pytest.fixture(scope="module")
def jpeg(scene: Draw, resave: Callable[..., bytes]) -> bytes:
    return resave(scene(1, 256), 95)


@pytest.fixture
def now_url(signing: SigningCredentials) -> Iterator[str]:
    with open_authority(_authority(signing, NOW)) as url:
        yield url


class Refusal(core.Sequence):  # type: ignore[misc]
    """A TimeStampResp without a token, which the library does not know."""

    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012 -- the library's way


def asked(data: bytes, **changes: Any) -> bytes:
    imprint = {
        "hash_algorithm": {"algorithm": "sha256"},
        "hashed_message": hashlib.sha256(data).digest(),
    }
    fields = {"version": "v1", "message_imprint": imprint, "nonce": 12345, "cert_req": True}
    return bytes(tsp.TimeStampReq({**fields, **changes}).dump())


def codes(data: bytes, anchors: bytes) -> dict[str, list[str]]:
    """Read a file as a stock reader that trusts our root does."""
    settings = {"trust": {"trust_anchors": anchors.decode()}, "verify": {"verify_trust": True}}
    with c2pa.Context.from_dict(settings) as context:
        store = json.loads(c2pa.Reader("image/jpeg", BytesIO(data), context=context).json())
    found = store["validation_results"]["activeManifest"]
    lists = {kind: [one["code"] for one in found[kind]] for kind in ("success", "failure")}
    return {**lists, "state": [store["validation_state"]]}


@pytest.mark.parametrize("how", ["stamped", "by callback"])
def test_a_signature_stays_trusted_after_its_certificate_ended(aged: Aged, how: str) -> None:
    """Whether the key lies here or in a key service."""
    signed = aged.signed[how]
    assert credentials.read(signed, aged.old.anchors).seal is Seal.TRUSTED
    found = codes(signed, aged.old.anchors)
    assert found["state"] == ["Trusted"]
    assert not found["failure"]
    assert {"timeStamp.validated", "timeStamp.trusted"} <= set(found["success"])


def test_without_a_time_stamp_it_ends_with_its_certificate(aged: Aged) -> None:
    assert credentials.read(aged.signed["bare"], aged.old.anchors).seal is Seal.LAPSED


@pytest.mark.parametrize("how", ["stamped late", "stamped by a stranger"])
def test_a_wrong_time_stamp_helps_nobody(aged: Aged, how: str) -> None:
    """Or who stole an old key could sign today, and say it was yesterday."""
    assert credentials.read(aged.signed[how], aged.old.anchors).seal is not Seal.TRUSTED


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_openssl_verifies_a_token(tmp_path: Path, signing: SigningCredentials) -> None:
    authority = _authority(signing, NOW)
    own, _, issuer = signing.stamp_chain.partition(b"-----END CERTIFICATE-----\n")
    assert own
    files = {"data": b"a picture", "root.pem": signing.anchors, "untrusted.pem": issuer}
    files["answer"] = authority.answer(asked(b"a picture"))
    files["other"] = b"another picture"
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    def verify(data: str) -> int:
        command = ["openssl", "ts", "-verify", "-data", data, "-in", "answer"]
        command += ["-CAfile", "root.pem", "-untrusted", "untrusted.pem"]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode

    assert verify("data") == 0
    assert verify("other") != 0


def test_the_token_answers_what_was_asked(signing: SigningCredentials) -> None:
    authority = _authority(signing, NOW)
    serials = set()
    for _ in range(3):
        answer = tsp.TimeStampResp.load(authority.answer(asked(b"a picture")))
        said = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed.native
        assert (said["nonce"], said["policy"], said["gen_time"]) == (12345, POLICY, NOW)
        assert said["message_imprint"]["hashed_message"] == hashlib.sha256(b"a picture").digest()
        serials.add(said["serial_number"])
    assert len(serials) == 3


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (b"", "bad_data_format"),
        (b"junk", "bad_data_format"),
        pytest.param(asked(b"x")[:-4], "bad_data_format", id="cut"),
        pytest.param(asked(b"x", req_policy="1.2.3"), "unaccepted_policy", id="policy"),
        pytest.param(
            asked(
                b"x",
                message_imprint={
                    "hash_algorithm": {"algorithm": "sha1"},
                    "hashed_message": bytes(20),
                },
            ),
            "bad_alg",
            id="sha1",
        ),
    ],
)
def test_what_is_no_request_is_refused(
    signing: SigningCredentials, request_: bytes, why: str
) -> None:
    authority = _authority(signing, NOW)
    answer = Refusal.load(authority.answer(request_), strict=True)
    assert answer["status"]["status"].native == "rejection"
    assert answer["status"]["fail_info"].native == {why}


def test_a_request_too_large_is_not_read(now_url: str) -> None:
    post = urllib.request.Request(now_url, data=bytes(20_000), method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(post, timeout=5)
    refused.value.close()
    assert refused.value.code == 413


def test_the_authority_may_do_nothing_but_stamp(signing: SigningCredentials) -> None:
    certificate = x509.load_pem_x509_certificate(signing.stamp_chain)
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert purposes.critical
    assert list(purposes.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def test_certificates_are_renewed_before_they_end(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    first = make_credentials(folder, organization="Sosia", now=NOW)
    moment = [NOW + timedelta(days=59)]
    kept = KeptCredentials(folder, lambda: moment[0])
    assert kept.current() == first
    moment[0] += timedelta(days=2)
    second = kept.current()
    assert second.ends_at > first.ends_at
    assert (second.anchors, second.stamp_chain) == (first.anchors, first.stamp_chain)
    assert second.key != first.key
    assert second == kept.current() == load_credentials(folder)


def test_old_pictures_stay_verifiable_after_a_renewal(
    aged: Aged, jpeg: bytes, claim: Claim
) -> None:
    new = renew_credentials(aged.folder, now=NOW)
    with open_authority(_authority(new, NOW)) as url:
        after = credentials.sign(jpeg, claim, new, url).data
    for signed in (aged.signed["stamped"], after):
        assert credentials.read(signed, new.anchors).seal is Seal.TRUSTED


def test_a_folder_without_the_issuers_key_is_read_until_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    first = make_credentials(folder, organization="Sosia", now=NOW)
    (folder / "intermediate.key").unlink()
    moment = [NOW + timedelta(days=80)]
    kept = KeptCredentials(folder, lambda: moment[0])
    assert kept.current() == first
    moment[0] = NOW + timedelta(days=90)
    with pytest.raises(CertificateExpired):
        kept.current()


def test_a_folder_left_half_renewed_mends_itself(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    make_credentials(folder, organization="Sosia", now=NOW)
    other = make_credentials(tmp_path / "other", organization="Sosia", now=NOW)
    (folder / "leaf.key").write_bytes(other.key)
    with pytest.raises(CredentialsBroken):
        load_credentials(folder)
    assert KeptCredentials(folder, lambda: NOW).current() == load_credentials(folder)


def test_a_folder_from_before_time_stamps_gets_their_authority(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    make_credentials(folder, organization="Sosia", now=NOW)
    for name in ("timestamp.pem", "timestamp.key"):
        (folder / name).unlink()
    assert not load_credentials(folder).stamp_chain
    assert KeptCredentials(folder, lambda: NOW).current().stamp_chain
