"""Every combination of layers has one answer."""

from dataclasses import replace
from typing import Any

import pytest
from render.domain.judging import Metadata, Outcome
from render.domain.verdicts import (
    SAME_KEYED_BITS,
    Candidate,
    CredentialState,
    Layers,
    Rights,
    Seal,
    distance,
    find_cropped,
    verdict,
)


def looks(*, off_by: int = 0, of: int = 0) -> bytes:
    """Return a fingerprint; `of` chooses the picture, `off_by` the distance to its own."""
    pattern = int.from_bytes(bytes([0x00, 0x33, 0x55, 0x0F][of : of + 1]) * 32, "big")
    return (pattern ^ ((1 << off_by) - 1)).to_bytes(32, "big")


KEYED = looks(of=3)  # tells nothing apart, unless a test says so


def rights(number: int) -> Rights:
    return Rights(number, f"ren_{number}", "lic_1", "twv_1", "rcp_1", f"digest {number}")


def record(number: int, seen: bytes, *, keyed: bytes = KEYED) -> Candidate:
    return Candidate(rights(number), seen, keyed, f"file {number}")


A = record(1, looks(of=0))
B = record(2, looks(of=1))
TRUSTED = CredentialState(Seal.TRUSTED, "urn", rights(1))
LAPSED = CredentialState(Seal.LAPSED, "urn", rights(1))
LAPSED_FOREIGN = CredentialState(Seal.LAPSED, "urn")
FORGED = CredentialState(Seal.UNTRUSTED, "urn", rights(1))
FOREIGN = CredentialState(Seal.UNTRUSTED, "urn")
FOREIGN_TRUSTED = CredentialState(Seal.TRUSTED, "urn")
BROKEN = CredentialState(Seal.INVALID, "urn", rights(1))
UNSIGNED = CredentialState(Seal.ABSENT, None, rights(1))
NONE = CredentialState(Seal.ABSENT)
V, R, S, U = Outcome.VERIFIED, Outcome.RECOVERED, Outcome.SUSPECT, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("credentials", "watermark", "seen", "named", "records", "outcome", "expected", "reason"),
    [
        # trusted credentials
        (TRUSTED, 1, looks(), "ren_1", [A, B], V, A, "CREDENTIALS_TRUSTED"),
        (TRUSTED, None, looks(), None, [A], V, A, "CREDENTIALS_TRUSTED"),
        (TRUSTED, 1, looks(), None, [], S, None, "CLAIM_NOT_REGISTERED"),
        (TRUSTED, 1, looks(), None, [B], S, None, "CLAIM_NOT_REGISTERED"),
        (TRUSTED, 2, looks(), None, [A, B], S, None, "WATERMARK_OF_ANOTHER"),
        (TRUSTED, 9, looks(), None, [A, B], S, None, "WATERMARK_NOT_REGISTERED"),
        (TRUSTED, 1, looks(of=1), None, [A, B], S, None, "LOOKS_OF_ANOTHER"),
        (TRUSTED, 1, looks(of=2), None, [A, B], S, None, "LOOKS_DIFFERENT"),
        (TRUSTED, None, looks(off_by=32), None, [A], S, None, "LOOKS_DIFFERENT"),
        (TRUSTED, 1, looks(), "ren_2", [A, B], S, None, "METADATA_OF_ANOTHER"),
        # credentials that do not hold
        (BROKEN, 1, looks(), None, [A, B], S, None, "CREDENTIALS_BROKEN"),
        (BROKEN, 2, looks(of=1), None, [A, B], S, None, "CREDENTIALS_BROKEN"),
        (BROKEN, None, looks(), None, [A, B], S, None, "CREDENTIALS_BROKEN"),
        (BROKEN, None, looks(of=2), None, [], S, None, "CREDENTIALS_BROKEN"),
        (FORGED, 1, looks(), None, [A, B], S, None, "CREDENTIALS_FORGED"),
        (FORGED, None, looks(of=2), None, [A, B], S, None, "CREDENTIALS_FORGED"),
        # credentials whose certificate was revoked or has run out
        (LAPSED, 1, looks(), "ren_1", [A, B], R, A, "WATERMARK_AGREES"),
        (LAPSED, None, looks(), None, [A, B], R, A, "LOOKS_AGREE"),
        (LAPSED, 2, looks(), None, [A, B], S, None, "WATERMARK_OF_ANOTHER"),
        (LAPSED, 1, looks(), None, [B], S, None, "CLAIM_NOT_REGISTERED"),
        (LAPSED_FOREIGN, None, looks(of=2), None, [A, B], U, None, "NOTHING_FOUND"),
        # credentials of others count as none
        (FOREIGN, 1, looks(), None, [A, B], R, A, "WATERMARK_AGREES"),
        (FOREIGN, None, looks(of=2), None, [A, B], U, None, "NOTHING_FOUND"),
        (FOREIGN_TRUSTED, None, looks(of=2), None, [], U, None, "NOTHING_FOUND"),
        # rights that no signature carries
        (UNSIGNED, None, looks(), None, [A, B], R, A, "LOOKS_AGREE"),
        # none: watermark and looks
        (NONE, 1, looks(off_by=31), "ren_1", [A, B], R, A, "WATERMARK_AGREES"),
        (NONE, 1, looks(), "ren_2", [A, B], S, None, "METADATA_OF_ANOTHER"),
        (NONE, 1, looks(off_by=32), None, [A, B], S, None, "LOOKS_DIFFERENT"),
        (NONE, 1, looks(of=1), None, [A, B], S, None, "LOOKS_OF_ANOTHER"),
        (NONE, 9, looks(), None, [A, B], S, None, "WATERMARK_NOT_REGISTERED"),
        (NONE, 9, looks(of=2), None, [A, B], U, None, "NOTHING_FOUND"),
        (NONE, 9, looks(of=2), None, [], U, None, "NOTHING_FOUND"),
        # none: looks alone
        (NONE, None, looks(off_by=31), None, [B, A], R, A, "LOOKS_AGREE"),
        (NONE, None, looks(off_by=32), None, [A, B], U, None, "NOTHING_FOUND"),
        (NONE, None, looks(), "ren_2", [A, B], S, None, "METADATA_OF_ANOTHER"),
        # metadata alone proves nothing
        (NONE, None, looks(of=2), "ren_1", [A, B], U, None, "NOTHING_FOUND"),
        (NONE, None, looks(of=2), None, [], U, None, "NOTHING_FOUND"),
    ],
)
def test_layers_have_one_answer(
    credentials: CredentialState,
    watermark: int | None,
    seen: bytes,
    named: str | None,
    records: list[Candidate],
    outcome: Outcome,
    expected: Candidate | None,
    reason: str,
) -> None:
    file = "file 1" if credentials in (TRUSTED, LAPSED) else "a file of nobody's"
    answer = verdict(Layers(credentials, watermark, seen, KEYED, file, named), records)
    assert (answer.outcome, answer.record, answer.reasons[0]) == (outcome, expected, reason)


@pytest.mark.parametrize(
    "change",
    [
        {"asset_number": 3},
        {"license_id": "lic_2"},
        {"twin_version_id": "twv_2"},
        {"consent_receipt_id": "rcp_2"},
        {"digest": "other"},
    ],
)
def test_a_claim_that_differs_from_the_registry_is_suspect(change: dict[str, Any]) -> None:
    claimed = replace(TRUSTED, rights=replace(rights(1), **change))
    answer = verdict(Layers(claimed, 1, looks(), KEYED, "file 1"), [A, B])
    assert (answer.outcome, answer.record) == (S, None)
    assert "CLAIM_NOT_REGISTERED" in answer.reasons


@pytest.mark.parametrize("credentials", [TRUSTED, LAPSED])
def test_another_file_with_the_same_claim_is_suspect(credentials: CredentialState) -> None:
    answer = verdict(Layers(credentials, 1, looks(), KEYED, "another file", "ren_1"), [A, B])
    assert (answer.outcome, answer.record) == (S, None)
    assert answer.reasons == ("SIGNED_ANOTHER_FILE",)


def test_a_file_that_is_one_picture_with_the_number_of_another_is_suspect() -> None:
    answer = verdict(Layers(NONE, 2, looks(of=1), KEYED, "file 1"), [A, B])
    assert (answer.outcome, answer.reasons) == (S, ("WATERMARK_OF_ANOTHER", "LOOKS_OF_ANOTHER"))


def test_metadata_that_contradicts_itself_makes_what_is_found_suspect() -> None:
    layers = Layers(NONE, 1, looks(), KEYED, "another", "ren_1", metadata_contradicts=True)
    assert verdict(layers, [A, B]).states.metadata is Metadata.CONTRADICTS
    assert verdict(layers, [A, B]).reasons == ("METADATA_CONTRADICTS",)
    assert verdict(layers, []).outcome is U


def test_two_records_that_look_alike_are_not_guessed_between() -> None:
    twin = record(3, looks(off_by=7))
    assert verdict(Layers(NONE, None, looks(), KEYED, "x"), [A, twin]).outcome is U
    clear = record(3, looks(off_by=8))
    assert verdict(Layers(NONE, None, looks(), KEYED, "x"), [clear, A]).record == A


def test_the_watermark_decides_between_records_that_look_alike() -> None:
    twin = record(3, looks(off_by=7))
    answer = verdict(Layers(NONE, 3, looks(), KEYED, "x"), [A, twin])
    assert (answer.outcome, answer.record) == (R, twin)


def test_looks_that_only_the_open_fingerprint_sees_are_none() -> None:
    aimed = record(1, looks(), keyed=looks(of=3, off_by=SAME_KEYED_BITS + 1))
    assert verdict(Layers(NONE, None, looks(), KEYED, "x"), [aimed]).outcome is U
    answer = verdict(Layers(NONE, 1, looks(), KEYED, "x"), [aimed])
    assert (answer.outcome, answer.reasons) == (S, ("LOOKS_DIFFERENT",))
    answer = verdict(Layers(TRUSTED, 1, looks(), KEYED, "file 1"), [aimed])
    assert (answer.outcome, answer.reasons) == (S, ("LOOKS_DIFFERENT",))
    near = record(1, looks(), keyed=looks(of=3, off_by=SAME_KEYED_BITS))
    assert verdict(Layers(NONE, None, looks(), KEYED, "x"), [near, aimed]).record == near


def test_a_record_without_a_keyed_fingerprint_is_known_by_the_open_one() -> None:
    old = record(1, looks(), keyed=b"")
    assert verdict(Layers(NONE, None, looks(), KEYED, "x"), [old]).record == old


def test_distance_counts_bits() -> None:
    assert distance(looks(), looks(off_by=5)) == 5
    assert distance(bytes(32), b"\xff" * 32) == 256
    with pytest.raises(ValueError, match="32 and 31 bytes"):
        distance(bytes(32), bytes(31))


def test_a_number_that_another_codec_reads_is_not_the_records() -> None:
    """Each codec's check is worth something else: a weak one must not stand for a strong one."""
    strong = replace(A, watermark_by="strong.1")
    layers = Layers(NONE, 1, looks(), KEYED, "x", watermark_by="strong.1")
    assert verdict(layers, [strong]).outcome is R
    answer = verdict(replace(layers, watermark_by="weak.1"), [strong])
    assert (answer.outcome, answer.reasons[0]) == (S, "WATERMARK_NOT_REGISTERED")
    cropped = replace(layers, watermark_by="weak.1", fingerprint=looks(of=2))
    assert find_cropped(cropped, [strong]) is None
    assert find_cropped(replace(cropped, watermark_by="strong.1"), [strong]) == strong
