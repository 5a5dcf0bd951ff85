"""What a twin version is worth: the house's bars, and the talent's own word."""

import hashlib
import json
from typing import Any

import pytest
from house import reports
from kit.errors import FailedPrecondition, NotFound, PermissionDenied
from kit.ids import new_id
from sosia.training.v1 import fidelity_pb2 as pb
from training.bars import load_bars
from training.domain import fidelity as domain
from training.domain import runs, twins
from training.domain.fidelity import Bars, State, gates, read_bars
from training.service import jobs
from training.store import runs as store

PASSED = pb.FIDELITY_STATE_PASSED
FAILED = pb.FIDELITY_STATE_FAILED
ACCEPTED = pb.FIDELITY_STATE_ACCEPTED


async def measured(bench: Any, figures: dict[str, Any] | None, *, base: str = "tiny") -> str:
    """Register a version of Alba's twin with these figures, as a worker does."""
    alba = bench.identity.alba
    order = runs.Order(alba.id, alba.capture_set_id, base, runs.Recipe(10, 4, 0))
    consent = runs.Consent(alba.consent.id, alba.consent.receipt_id)
    async with bench.app.db.begin() as tx:
        await store.add(tx, new_id("run"), order, consent, started_by=alba.id)
    queue = jobs.Jobs(bench.app.db)
    run = await queue.claim()
    assert run is not None
    twin_id = new_id("twn")
    sealed = [
        twins.Sealed(f"twins/{alba.id}/{twin_id}/{name}", hashlib.sha256(name.encode()).hexdigest())
        for name in ("adapter", "sheet")
    ]
    facts = twins.Facts("0" * 64, "0" * 64, 10, 0.1, 1.0, 10, "all steps were taken")
    told = None if figures is None else jobs.Measured(figures, None)
    near = twins.Likeness(0.4, 0.6, 12, 12)
    assert await queue.finish(run, jobs.Result(twin_id, *sealed, facts, near, told))
    return twin_id


async def report(bench: Any, twin_id: str, person: Any = None) -> Any:
    """Return a report as a person sees it."""
    asked = bench.ask(person or bench.identity.alba, "GetFidelity", twin_version_id=twin_id)
    return (await asked).report


def test_on_the_bar_is_enough_and_a_hair_below_is_not() -> None:
    bar = Bars().of("sdxl")
    assert (bar.identity, bar.separation) == (0.95, 0.0)
    for share, nearer, hold in ((0.95, 0, True), (0.9499, 0, False), (1.0, 1, False)):
        told = reports.figures(nearer=nearer)
        told["identity"]["share"] = share
        assert all(gate.holds for gate in gates(told, bar)) is hold


def test_nobody_seen_is_nobody_separated() -> None:
    told = reports.figures()
    told["separation"]["renders"] = 0
    assert [gate.holds for gate in gates(told, Bars().of("x"))] == [True, False]


def test_a_family_has_its_own_bar_with_a_reason_and_no_other_has() -> None:
    table = {"families": {"mini": {"identity": 0.3, "separation": 0.5, "reason": "measured"}}}
    bars = read_bars(table)
    assert [bars.of(name).identity for name in ("mini", "mini-2", "minimal", "sdxl")] == [
        0.3, 0.3, 0.95, 0.95,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="reason"):
        read_bars({"families": {"mini": {"identity": 0.3}}})
    with pytest.raises(ValueError, match="shares"):
        read_bars({"default": {"identity": 1.2}})


def test_the_table_that_ships_names_few_families_and_why() -> None:
    bars = load_bars(None)
    assert bars.default == domain.Bar()
    assert set(bars.families) <= {"mini"}
    assert all(len(bar.reason) > 40 for bar in bars.families.values())


async def test_a_report_is_told_to_the_near_with_its_verdict(bench: Any) -> None:
    identity = bench.identity
    good = await measured(bench, reports.figures())
    bad = await measured(bench, reports.figures(share=0.5, nearer=2))
    told = await report(bench, good, identity.agency)
    assert (told.verdict.state, told.share, told.statement) == (PASSED, 1.0, b"")
    assert [gate.holds for gate in told.verdict.gates] == [True, True]
    assert [mark.known for mark in told.marks] == [True, False]
    assert (len(told.close_ups), told.roc[1].true_accepts) == (12, 1.0)
    told = await report(bench, bad)
    assert told.verdict.state == FAILED
    assert [(g.name, round(g.figure, 3), g.bar) for g in told.verdict.gates] == [
        ("identity", 0.5, 0.95),
        ("separation", 0.167, 0.0),
    ]
    twin = await bench.twin(bad)
    assert twin.fidelity == told.verdict
    for other in (identity.cleo, await identity.party("brand")):
        asked = report(bench, good, other)
        await identity.refused(asked, "TWIN_NOT_FOUND", NotFound)
    never = await measured(bench, None)
    await identity.refused(report(bench, never), "FIDELITY_NOT_FOUND", NotFound)
    assert (await bench.twin(never)).fidelity.state == pb.FIDELITY_STATE_UNMEASURED
    events = [data for name, data in await bench.events() if name == "FidelityMeasured"]
    assert [one.get("passed", False) for one in events] == [True, False]


async def test_she_and_only_she_may_accept_a_version_below_the_bar(bench: Any) -> None:
    identity, alba = bench.identity, bench.identity.alba
    twin_id = await measured(bench, reports.figures(share=0.5))
    statement = (await report(bench, twin_id)).statement
    said = json.loads(statement)
    assert said["figures"]["identity"] == {"figure": "0.5000", "bar": "0.9500"}
    assert (said["twin_version_id"], said["type"]) == (twin_id, "sosia.fidelity-acceptance/1")
    signed = {"twin_version_id": twin_id, "signature": alba.sign(statement)}
    for other in (identity.agency, identity.staff):
        asked = bench.ask(other, "AcceptFidelity", **signed)
        await identity.refused(asked, "NOT_ALLOWED", PermissionDenied)
    wrong = signed | {"signature": alba.sign(statement + b" ")}
    asked = bench.ask(alba, "AcceptFidelity", **wrong)
    await identity.refused(asked, "SIGNATURE_INVALID", PermissionDenied)
    assert (await report(bench, twin_id)).verdict.state == FAILED
    once = {"request_id": "once", **signed}
    told = (await bench.ask(alba, "AcceptFidelity", **once)).report
    assert told.verdict.state == ACCEPTED
    assert (told.statement, told.signature) == (statement, signed["signature"])
    assert told.accepted_at.seconds
    assert (await bench.ask(alba, "AcceptFidelity", **once)).report == told
    asked = bench.ask(alba, "AcceptFidelity", **signed)
    await identity.refused(asked, "FIDELITY_ACCEPTED", FailedPrecondition)
    (event,) = [data for name, data in await bench.events() if name == "FidelityAccepted"]
    assert event["twinVersionId"] == twin_id


async def test_there_is_nothing_to_accept_of_a_version_that_passes(bench: Any) -> None:
    alba = bench.identity.alba
    twin_id = await measured(bench, reports.figures())
    asked = bench.ask(alba, "AcceptFidelity", twin_version_id=twin_id, signature=b"0" * 64)
    await bench.identity.refused(asked, "FIDELITY_PASSED", FailedPrecondition)


def test_an_accepted_version_stays_below_the_bar() -> None:
    """Her word lets it be rendered; it does not make the figures better."""
    told = domain.judge(None, domain.Bar())
    assert told.state is State.UNMEASURED
    assert told.failed is None
