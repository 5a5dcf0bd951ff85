"""The main job on real processes: what the story itself asserts, and what it leaves behind."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import proofs
import psutil
import pytest
from house.streams import read_events
from local.house import PROGRAMS, ROOT
from proofs import VerifierKey
from story.licensing import reason_of

from .conftest import Stage

EXPECTED = {
    "identity": {
        "party_registered", "representation_agreed", "consent_proposed", "consent_signed",
        "receipt_issued", "capture_set_opened", "photo_accepted", "capture_set_ready",
    },
    "training": {"run_queued", "run_started", "twin_trained", "fidelity_measured"},
    "licensing": {
        "rate_card_set", "quote_created", "license_proposed", "license_signed",
        "license_declined", "license_countered", "license_accepted", "grant_issued",
        "approval_requested", "approval_decided", "picture_released", "royalty_posted",
    },
    "render": {
        "campaign_created", "brief_created", "renders_queued", "render_started",
        "render_drafted", "render_reviewed", "render_released",
    },
}  # fmt: skip


def test_a_picture_goes_all_the_way(stage: Stage) -> None:
    assert stage.told.verdicts == {
        "the released file": "VERIFIED",
        "saved again as JPEG 80": "RECOVERED",
        "an unrelated picture": "UNKNOWN",
    }
    assert len(stage.told.released) == 3
    assert sum(statement.amount for statement in stage.told.statements) == 0


def test_royalties_reach_everyone_who_took_part(stage: Stage) -> None:
    owed = {statement.party.name: statement.amount for statement in stage.told.statements}
    talent, agency = stage.told.cast.talent.party.name, stage.told.cast.agency.name
    brands = [party.name for party in stage.told.cast.brands]
    assert owed[talent] > owed[agency] > 0
    assert all(owed[brand] < 0 for brand in brands)
    assert all(owed[party.name] > 0 for party in stage.told.cast.crew.values())


@pytest.mark.parametrize("service", sorted(EXPECTED))
def test_every_fact_is_an_event_once(stage: Stage, service: str) -> None:
    events = read_events(stage.house, service)
    assert {event.subject.split(".")[-1] for event in events} >= EXPECTED[service]
    assert len({event.id for event in events}) == len(events)


def test_the_talents_words_are_receipts_in_the_log(stage: Stage) -> None:
    told = stage.told
    subjects = [told.licenses[0]["id"], *(render["id"] for render in told.renders)]
    receipts = told.cast.talent.api.get("/v1/receipts", subject_ids=subjects)["receipts"]
    kinds = sorted(receipt["kind"] for receipt in receipts)
    assert kinds == ["approval_decided"] * 4 + ["license_signed"]


def test_every_receipt_is_proven_from_outside(stage: Stage) -> None:
    api, told = stage.told.cast.talent.api, stage.told
    key = VerifierKey.parse(api.get("/v1/log/checkpoint")["verifier_key"])
    subjects = [told.licenses[0]["id"], *(render["id"] for render in told.renders)]
    receipts = api.get("/v1/receipts", subject_ids=subjects)["receipts"]
    assert {receipt["kind"] for receipt in receipts} >= {"license_signed", "approval_decided"}
    for receipt in receipts:
        found = proofs.examine(proofs.parse_receipt(json.dumps(receipt)), key)
        assert not any(check.fault for check in found), found
        assert "not checked" not in found[-1].remark, "libs/proofs does not know this statement"


def test_one_request_id_follows_a_call_through_the_services(stage: Stage) -> None:
    events = read_events(stage.house, "licensing")
    signed = next(e for e in events if e.subject == "licensing.v1.license_signed")
    receipts = [
        e
        for e in read_events(stage.house, "identity")
        if e.subject == "identity.v1.receipt_issued"
        and e.data["subject_id" if "subject_id" in e.data else "subjectId"]
        == stage.told.licenses[0]["id"]
    ]
    assert receipts[0].context["requestid"] == signed.context["requestid"]


def test_no_secret_is_in_any_log(stage: Stage) -> None:
    logs = "".join(stage.house.log(name).read_text() for name in PROGRAMS)
    keys = [stage.house.keys.staff_key, stage.house.postgres.password]
    assert not [key for key in keys if key in logs]
    assert "eyJ" not in logs


def test_logs_are_json_lines(stage: Stage) -> None:
    lines = stage.house.log("training-worker").read_text().splitlines()
    taken = [json.loads(line) for line in lines if line.startswith("{")]
    assert any(line["event"] == "run taken" and line["trace_id"] for line in taken)


def test_a_clean_file_is_nobody_elses(stage: Stage) -> None:
    cast, render_id = stage.told.cast, next(iter(stage.told.released))
    path = f"/v1/renders/{render_id}/picture.jpg"
    for party in (cast.talent.party, cast.agency, cast.brands[1], *cast.crew.values()):
        assert reason_of(lambda api=party.api: api.get_bytes(path)) == "RENDER_NOT_FOUND"


def test_a_visitor_learns_whether_a_picture_may_be_where_it_was_seen(stage: Stage) -> None:
    content = next(iter(stage.told.released.values()))
    file = {"file": ("seen.jpg", content, "image/jpeg")}
    pages = {}
    for media, territory in (("social", "no"), ("billboard", "no"), ("social", "")):
        asked = {"media": media, "territory": territory}
        here = {"Origin": stage.house.url}
        answer = httpx.post(f"{stage.house.url}/verify", files=file, data=asked, headers=here)
        assert answer.status_code == 200
        pages[media, territory] = answer.text
    assert "It may be used on social media in NO now" in pages["social", "no"]
    assert "It may not be used on a billboard in NO now" in pages["billboard", "no"]
    assert "not licensed for this medium" in pages["billboard", "no"]
    assert " in NO now" not in pages["social", ""]


def test_the_platform_stops_and_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, str(ROOT / "tools/dev.py"), "--check", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "ready in" in done.stdout
    assert not [process for process in psutil.process_iter() if _works_in(process, data)]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(folder) in " ".join([process.cwd(), *process.cmdline()])
    except psutil.Error:
        return False
