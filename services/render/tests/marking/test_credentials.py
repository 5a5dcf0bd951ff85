import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import c2pa  # type: ignore[import-untyped]
import pytest
from PIL import Image
from render.domain.verdicts import Seal
from render.pipeline.marking import credentials
from render.pipeline.marking.authority import SigningCredentials, load_credentials, make_credentials
from render.pipeline.marking.credentials import Claim
from render.pipeline.marking.request import Credit, Pixels, Source

Draw = Callable[[int, int], Pixels]


@pytest.fixture(scope="module")
def signed(
    scene: Draw, resave: Callable[..., bytes], claim: Claim, signing: SigningCredentials
) -> bytes:
    return credentials.sign(resave(scene(1, 512), 95), claim, signing).data


def manifest_of(data: bytes, anchors: bytes) -> dict[str, Any]:
    with c2pa.Context.from_dict({"trust": {"trust_anchors": anchors.decode()}}) as context:
        store = json.loads(c2pa.Reader("image/jpeg", BytesIO(data), context=context).json())
    manifest: dict[str, Any] = store["manifests"][store["active_manifest"]]
    return manifest


def test_our_signature_is_trusted_and_says_the_rights(
    signed: bytes, claim: Claim, signing: SigningCredentials
) -> None:
    state = credentials.read(signed, signing.anchors)
    assert state.seal is Seal.TRUSTED
    assert state.rights == claim.rights()
    assert state.label is not None
    assert state.problems == ()


def test_manifest_says_how_the_picture_was_made(signed: bytes, signing: SigningCredentials) -> None:
    manifest = manifest_of(signed, signing.anchors)
    said: dict[str, list[Any]] = {}
    for assertion in manifest["assertions"]:
        said.setdefault(assertion["label"], []).append(assertion["data"])
    first = said["c2pa.actions.v2"][0]["actions"][0]
    assert first["action"] == "c2pa.created"
    assert first["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    uses = said["cawg.training-mining"][0]["entries"].values()
    assert [use["use"] for use in uses] == ["notAllowed"] * 4
    assert [b["alg"] for b in said["c2pa.soft-binding"]] == ["sosia.spread.3", "pdq.1"]
    assert said["sosia.rights"][0]["credits"] == [{"name": "Åsa", "role": "photographer"}]
    (people,) = said["cawg.metadata"]
    assert people["Iptc4xmpExt:PersonInImage"] == ["Alba"]
    assert people["dc:creator"] == ["Åsa"]
    (crew,) = people["Iptc4xmpExt:Contributor"]
    assert crew == {"Iptc4xmpExt:Name": "Åsa", "Iptc4xmpExt:Role": ["photographer"]}
    assert "thumbnail" not in manifest


def test_a_photo_of_the_product_makes_the_picture_a_composite(
    scene: Draw, resave: Callable[..., bytes], claim: Claim, signing: SigningCredentials
) -> None:
    sources = (
        Source("Capture set", "inputTo", "5e" * 32),
        Source("Ruby, front", "inputTo", "ab" * 32, is_photo=True),
    )
    made = credentials.sign(resave(scene(1, 256), 95), replace(claim, sources=sources), signing)
    manifest = manifest_of(made.data, signing.anchors)
    (actions,) = [a for a in manifest["assertions"] if a["label"] == "c2pa.actions.v2"]
    first = actions["data"]["actions"][0]
    assert first["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    told = [(i["title"], i["relationship"], i["instance_id"]) for i in manifest["ingredients"]]
    assert told == [
        ("Capture set", "inputTo", f"urn:sha256:{'5e' * 32}"),
        ("Ruby, front", "inputTo", f"urn:sha256:{'ab' * 32}"),
    ]
    assert not any("thumbnail" in one for one in manifest["ingredients"])


def test_signing_leaves_pixels_and_metadata_alone(
    scene: Draw, claim: Claim, signing: SigningCredentials
) -> None:
    plain = BytesIO()
    Image.fromarray(scene(2, 256)).save(plain, "JPEG", quality=95, xmp=b"<a>kept</a>")
    signed = credentials.sign(plain.getvalue(), claim, signing).data
    before, after = Image.open(plain), Image.open(BytesIO(signed))
    assert before.tobytes() == after.tobytes()
    assert after.info["xmp"] == b"<a>kept</a>"


def test_a_stranger_is_not_trusted_though_valid(
    scene: Draw,
    resave: Callable[..., bytes],
    claim: Claim,
    signing: SigningCredentials,
    stranger: SigningCredentials,
) -> None:
    forged = credentials.sign(resave(scene(1, 256)), claim, stranger).data
    state = credentials.read(forged, signing.anchors)
    assert state.seal is Seal.UNTRUSTED
    assert "signingCredential.untrusted" in state.problems


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9, 0.999])
def test_one_changed_bit_is_found(signed: bytes, signing: SigningCredentials, place: float) -> None:
    broken = bytearray(signed)
    broken[int(len(broken) * place)] ^= 1
    assert credentials.read(bytes(broken), signing.anchors).seal is Seal.INVALID


def test_transplanted_credentials_do_not_hold(
    signed: bytes, scene: Draw, resave: Callable[..., bytes], signing: SigningCredentials
) -> None:
    """The manifest's own segments, put into another picture of ours."""
    host = resave(scene(2, 512), 95)
    segments, at = [], 2
    while signed[at + 1] != 0xDA:
        size = int.from_bytes(signed[at + 2 : at + 4], "big") + 2
        if signed[at + 1] == 0xEB:
            segments.append(signed[at : at + size])
        at += size
    assert segments
    moved = host[:2] + b"".join(segments) + host[2:]
    state = credentials.read(moved, signing.anchors)
    assert state.seal is Seal.INVALID
    assert "assertion.dataHash.mismatch" in state.problems


def test_a_resave_has_no_credentials(
    signed: bytes, resave: Callable[..., bytes], signing: SigningCredentials
) -> None:
    assert credentials.read(resave(signed), signing.anchors).seal is Seal.ABSENT


@pytest.mark.parametrize("junk", [b"", b"\xff\xd8", b"not a picture" * 99])
def test_junk_is_never_trusted(junk: bytes, signing: SigningCredentials) -> None:
    assert credentials.read(junk, signing.anchors).seal in (Seal.ABSENT, Seal.INVALID)


def test_digest_covers_every_bound_fact(claim: Claim) -> None:
    changes: list[dict[str, Any]] = [
        {"asset_number": 8},
        {"render_id": "x"},
        {"license_id": "x"},
        {"twin_version_id": "x"},
        {"consent_receipt_id": "x"},
        {"credits": ()},
        {"credits": (Credit("Åsa", "stylist"),)},
    ]
    digests = {replace(claim, **change).rights().digest for change in changes}
    assert len(digests | {claim.rights().digest}) == len(changes) + 1


def test_keys_are_for_their_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "credentials"
    made = make_credentials(folder, organization="Sosia", now=datetime.now(UTC))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")}
    assert modes == {
        "root.key": 0o600,
        "intermediate.key": 0o600,
        "leaf.key": 0o600,
        "timestamp.key": 0o600,
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert load_credentials(folder) == made
    assert [path.name for path in folder.parent.iterdir()] == ["credentials"]
    with pytest.raises(FileExistsError):
        make_credentials(folder, organization="Sosia", now=datetime.now(UTC))


def test_a_printed_key_shows_nothing(signing: SigningCredentials) -> None:
    assert "PRIVATE" not in repr(signing)
