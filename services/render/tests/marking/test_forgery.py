"""Credentials stripped, moved or revoked, pictures cropped: never verified, never wrong."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from PIL import Image
from render.domain.judging import Outcome
from render.domain.verdicts import Candidate, Seal, Verdict, verdict
from render.pipeline.marking import credentials, metadata
from render.pipeline.marking.authority import SigningCredentials, make_credentials, read_revoked
from render.pipeline.marking.credentials import Claim
from render.pipeline.marking.examine import Reader, examine
from render.pipeline.marking.mark import Marked
from render.pipeline.marking.request import MarkRequest, Pixels, System

Draw = Callable[[int, int], Pixels]
Judge = Callable[[bytes], Verdict]
C2PA, XMP = 0xEB, 0xE1


def segments(jpeg: bytes) -> list[tuple[int, bytes]]:
    """Return the marker and bytes of every segment before a JPEG's scan, and the rest as 0."""
    found, at = [], 2
    while jpeg[at + 1] != 0xDA:
        size = int.from_bytes(jpeg[at + 2 : at + 4], "big") + 2
        found.append((jpeg[at + 1], jpeg[at : at + size]))
        at += size
    return [*found, (0, jpeg[at:])]


def without(jpeg: bytes, *kinds: int) -> bytes:
    """Drop segments; every pixel stays as it is."""
    return jpeg[:2] + b"".join(data for kind, data in segments(jpeg) if kind not in kinds)


def moved(source: bytes, host: bytes, *kinds: int) -> bytes:
    """Put segments of one file before those of another, in place of its own of that kind."""
    taken = b"".join(data for kind, data in segments(source) if kind in kinds)
    assert taken
    return host[:2] + taken + without(host, *kinds)[2:]


def png(jpeg: bytes) -> bytes:
    out = BytesIO()
    Image.open(BytesIO(jpeg)).save(out, "PNG")
    return out.getvalue()


def serial(signing: SigningCredentials) -> int:
    return x509.load_pem_x509_certificate(signing.chain).serial_number


def claim_of(request: MarkRequest, system: System, looks: bytes) -> Claim:
    """Return what a thief of our key would sign to pass for a registered picture."""
    names = ("asset_number", "render_id", "license_id", "twin_version_id", "consent_receipt_id")
    facts = {name: getattr(request, name) for name in (*names, "credits", "title", "created_at")}
    return Claim(
        **facts,
        system=system,
        watermark="sosia.spread.3",
        watermark_value=bytes(12),
        fingerprint_name="pdq.1",
        fingerprint=looks,
    )


def test_stripped_credentials_are_recovered(
    marked: Marked, registry: list[Candidate], judge: Judge
) -> None:
    stripped = without(marked.data, C2PA)
    bare = without(marked.data, C2PA, XMP)
    assert len(bare) < len(stripped) < len(marked.data)
    for data in (stripped, bare, png(marked.data)):
        answer = judge(data)
        assert (answer.outcome, answer.record) == (Outcome.RECOVERED, registry[0])


def test_credentials_moved_to_another_picture_are_suspect(
    marked: Marked,
    other: Marked,
    judge: Judge,
    scene: Draw,
    resave: Callable[..., bytes],
) -> None:
    strangers = resave(scene(900, 1024), 95)
    again = resave(marked.data, 95)
    for host in (other.data, without(other.data, C2PA, XMP), strangers, again):
        for kinds in ((C2PA,), (C2PA, XMP)):
            answer = judge(moved(marked.data, host, *kinds))
            assert (answer.outcome, answer.record) == (Outcome.SUSPECT, None)
            assert answer.reasons[0] == "CREDENTIALS_BROKEN"


def test_metadata_moved_to_another_picture_of_ours_is_suspect(
    marked: Marked, other: Marked, judge: Judge
) -> None:
    answer = judge(moved(marked.data, without(other.data, C2PA), XMP))
    assert (answer.outcome, answer.reasons) == (Outcome.SUSPECT, ("METADATA_OF_ANOTHER",))


def test_metadata_moved_to_a_stranger_leads_nowhere(
    marked: Marked, judge: Judge, scene: Draw, resave: Callable[..., bytes]
) -> None:
    answer = judge(moved(marked.data, resave(scene(900, 1024), 95), XMP))
    assert answer.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"ProduceID": "ren_71234567"', b'"ProduceID": "ren_71234568"'),
        (b"/trainedAlgorithmicMedia", b"/digitalCapture"),
    ],
)
def test_metadata_that_contradicts_itself_or_its_origin_is_suspect(
    marked: Marked, judge: Judge, old: bytes, new: bytes
) -> None:
    with Image.open(BytesIO(marked.data)) as picture:
        xmp = picture.info["xmp"]
        assert old in xmp
        out = BytesIO()
        picture.save(out, "JPEG", quality=95, xmp=xmp.replace(old, new))
    assert metadata.is_contradictory(metadata.read_metadata(out.getvalue()))
    answer = judge(out.getvalue())
    assert (answer.outcome, answer.reasons) == (Outcome.SUSPECT, ("METADATA_CONTRADICTS",))


def test_others_ids_in_metadata_name_no_picture_of_ours(
    marked: Marked, judge: Judge, registry: list[Candidate]
) -> None:
    with Image.open(BytesIO(marked.data)) as picture:
        xmp = picture.info["xmp"].replace(
            b"ImageSupplierImageID>ren_71234567", b"ImageSupplierImageID>archive-7"
        )
        assert b"archive-7" in xmp
        out = BytesIO()
        picture.save(out, "JPEG", quality=95, xmp=xmp)
    answer = judge(out.getvalue())
    assert (answer.outcome, answer.record) == (Outcome.RECOVERED, registry[0])


@pytest.mark.parametrize("share", [0.97, 0.9, 0.8, 0.5, 0.25])
@pytest.mark.parametrize("corner", [0.0, 0.5, 1.0])
def test_a_crop_leads_to_the_picture_it_was_cut_from(
    marked: Marked,
    judge: Judge,
    registry: list[Candidate],
    pixels_of: Callable[[bytes], Pixels],
    resave: Callable[..., bytes],
    share: float,
    corner: float,
) -> None:
    side = round(1024 * share)
    at = round((1024 - side) * corner)
    answer = judge(resave(pixels_of(marked.data)[at : at + side, at : at + side].copy(), 85))
    if share < 0.3:  # less than a tenth of the picture is too little to tell
        assert answer.outcome is not Outcome.VERIFIED
        assert answer.record in (None, registry[0])
    else:
        assert (answer.outcome, answer.record) == (Outcome.RECOVERED, registry[0])


@pytest.mark.parametrize("around", [1.1, 1.5])
def test_a_picture_within_another_is_no_part_of_it(
    marked: Marked,
    judge: Judge,
    pixels_of: Callable[[bytes], Pixels],
    scene: Draw,
    resave: Callable[..., bytes],
    around: float,
) -> None:
    """Ours pasted into a stranger's: the whole of it is not in our record, and is not ours."""
    canvas = scene(7, round(1024 * around)).copy()
    canvas[:1024, :1024] = pixels_of(marked.data)
    assert judge(resave(canvas, 90)).outcome in (Outcome.SUSPECT, Outcome.UNKNOWN)


def test_a_revoked_certificate_counts_no_more(
    marked: Marked,
    registry: list[Candidate],
    reader: Reader,
    signing: SigningCredentials,
    tmp_path: Path,
) -> None:
    """The released file itself is still known, by its marks; the signature says nothing."""
    listed = tmp_path / "revoked"
    listed.write_text(f"# stolen in November\n\nserial={serial(signing):X}\n")
    layers = examine(marked.data, reader, read_revoked(listed)).layers
    assert layers.credentials.seal is Seal.LAPSED
    answer = verdict(layers, registry)
    assert (answer.outcome, answer.record) == (Outcome.RECOVERED, registry[0])
    listed.write_text(f"{serial(signing) + 1:x}\n")
    layers = examine(marked.data, reader, read_revoked(listed)).layers
    assert verdict(layers, registry).outcome is Outcome.VERIFIED


@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_thief_with_our_key_verifies_nothing(
    marked: Marked,
    registry: list[Candidate],
    reader: Reader,
    signing: SigningCredentials,
    request_of: Callable[..., MarkRequest],
    system: System,
    pixels_of: Callable[[bytes], Pixels],
    resave: Callable[..., bytes],
    is_revoked: bool,
) -> None:
    """A painted-over copy of a released picture, signed with its claim, looks and number."""
    altered = pixels_of(marked.data).copy()
    altered[480:540, 480:540] = (200, 30, 30)
    claim = claim_of(request_of(), system, marked.fingerprint)
    forged = credentials.sign(resave(altered, 95), claim, signing).data
    revoked = {serial(signing)} if is_revoked else set()
    layers = examine(forged, reader, revoked).layers
    assert layers.credentials.rights == registry[0].rights
    answer = verdict(layers, registry)
    assert (answer.outcome, answer.reasons) == (Outcome.SUSPECT, ("SIGNED_ANOTHER_FILE",))


@pytest.mark.parametrize("line", ["7g", "serial=", "0x1f", "-1", "12 34"])
def test_a_list_that_is_no_list_is_refused(tmp_path: Path, line: str) -> None:
    listed = tmp_path / "revoked"
    listed.write_text(f"1F\n{line}\n")
    with pytest.raises(ValueError, match="is no serial number"):
        read_revoked(listed)
    with pytest.raises(FileNotFoundError):
        read_revoked(tmp_path / "missing")


def test_serial_numbers_are_read_as_tools_print_them(tmp_path: Path) -> None:
    listed = tmp_path / "revoked"
    listed.write_text("serial=0A1F\n00:0b:2C\n# comment\n\n  ff  \n")
    assert read_revoked(listed) == {0x0A1F, 0x0B2C, 0xFF}
    assert read_revoked(None) == frozenset()


def test_a_certificate_that_runs_out_leaves_the_file_recovered(
    marked: Marked,
    registry: list[Candidate],
    reader: Reader,
    request_of: Callable[..., MarkRequest],
    system: System,
    tmp_path: Path,
) -> None:
    ends_soon = datetime.now(UTC) - timedelta(days=90) + timedelta(seconds=4)
    signing = make_credentials(tmp_path / "keys", organization="Sosia", now=ends_soon)
    claim = claim_of(request_of(), system, marked.fingerprint)
    data = credentials.sign(without(marked.data, C2PA), claim, signing).data
    records = [replace(registry[0], sha256=sha256(data).hexdigest())]
    assert credentials.read(data, signing.anchors).seal is Seal.TRUSTED
    deadline = time.monotonic() + 30
    while credentials.read(data, signing.anchors).seal is Seal.TRUSTED:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    layers = examine(data, replace(reader, anchors=signing.anchors)).layers
    assert layers.credentials.seal is Seal.LAPSED
    answer = verdict(layers, records)
    assert (answer.outcome, answer.record) == (Outcome.RECOVERED, records[0])
    broken = bytearray(data)
    broken[int(len(broken) * 0.9)] ^= 1
    assert credentials.read(bytes(broken), signing.anchors).seal is Seal.INVALID
