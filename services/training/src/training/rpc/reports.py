"""Fidelity reports, from the domain to messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from sosia.training.v1 import fidelity_pb2 as pb

from training.domain.fidelity import Gate, Report
from training.service.fidelity import Judged


def from_verdict(judged: Judged) -> pb.FidelityVerdict:
    """Write what the bars say of a version."""
    verdict, report = judged.verdict, judged.report
    told = pb.FidelityVerdict(
        state=pb.FidelityState.Value(f"FIDELITY_STATE_{verdict.state.name}"),
        gates=[_gate(gate) for gate in verdict.gates],
        family=verdict.bar.family,
        bar_reason=verdict.bar.reason,
    )
    if report is not None:
        told.template_object_key = report.template_object_key
        told.template_sha256 = report.template_sha256
        told.mean = report.figures["identity"]["mean"]
        told.deviation = report.figures["identity"]["deviation"]
    return told


def from_judged(judged: Judged) -> pb.FidelityReport:
    """Write a report.

    Raises:
        ValueError: there is none.
    """
    report = judged.report
    if report is None:
        raise ValueError(f"{judged.twin.id} was never measured")
    told = pb.FidelityReport(
        twin_version_id=report.twin_version_id,
        talent_id=report.talent_id,
        verdict=from_verdict(judged),
        measured_at=_time(report.measured_at),
        **_identity(report.figures),
        **_marks(report.figures["marks"]),
        obedience=pb.FidelityObedience(**report.figures["obedience"]),
        close_ups=[_render(one) for one in report.figures["renders"]],
        roc=_points(report.figures["roc"]),
        photos_roc=_points(report.figures["photos_roc"]),
        statement=judged.statement,
    )
    _sign(told, report)
    return told


def _gate(gate: Gate) -> pb.FidelityGate:
    return pb.FidelityGate(
        name=gate.name, figure=gate.figure, bar=gate.bar, at_least=gate.at_least, holds=gate.holds
    )


def _identity(figures: Mapping[str, Any]) -> dict[str, Any]:
    same, apart = figures["identity"], figures["separation"]
    names = ("renders", "faces", "share", "mean", "threshold", "false_accepts", "photos")
    told = {name: same[name] for name in (*names, "photos_share")}
    return told | {name: apart[name] for name in ("nearer", "people", "margin")}


def _marks(marks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "marks": [pb.FidelityMark(**one) for one in marks["figures"]],
        "marks_recall": marks["recall"],
        "marks_error": marks["error"],
        "marks_invented": marks["invented"],
    }


def _render(one: Mapping[str, Any]) -> pb.FidelityRender:
    return pb.FidelityRender(
        **{name: one[name] for name in ("prompt", "view", "light", "own", "other")},
        tries=one.get("tries", 1),  # a report from before they were counted took the first
    )


def _points(points: list[list[float]]) -> list[pb.FidelityPoint]:
    return [pb.FidelityPoint(false_accepts=x, true_accepts=y) for x, y in points]


def _sign(told: pb.FidelityReport, report: Report) -> None:
    if report.acceptance is not None:
        told.signature = report.acceptance.signature
        told.public_key = report.acceptance.public_key
        told.accepted_at.CopyFrom(_time(report.acceptance.signed_at))


def _time(value: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp
